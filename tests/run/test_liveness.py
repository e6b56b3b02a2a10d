"""Which process's share of a gateway's limits still counts: locks, silence, no time of day."""

from __future__ import annotations

import pytest

from bulkagent.ledger import Share
from bulkagent.run.sharing.liveness import FENCE_S, SILENT_S, Liveness

BEAT_MS = 1_700_000_000_000


def share(beat_at: int = BEAT_MS, *, allowed: int = 8) -> Share:
    return Share(1, "https://east.example", "run", 16, 100.0, allowed, 50.0, beat_at)


def at_work(lives: bool) -> dict[str, bool]:
    return {"run": lives}


def test_one_that_writes_counts_however_its_clock_and_ours_jump() -> None:
    liveness = Liveness()
    for second, jumped_ms in enumerate([0, 3_600_000, -86_400_000, 5_000, 0, 1, 2, 3]):
        seen = liveness.look(
            [share(BEAT_MS + jumped_ms)],
            at_work(True),
            now=float(second),
            now_ms=BEAT_MS - jumped_ms,
        )
        assert not seen.silent | seen.gone


def test_one_that_is_stopped_has_no_share_after_it_has_ceased_to_send_by_itself() -> None:
    liveness = Liveness()
    for now in (10.0, 10.0 + FENCE_S, 10.0 + SILENT_S - 0.1):
        assert not liveness.look([share()], at_work(True), now=now, now_ms=BEAT_MS).silent
    assert liveness.look([share()], at_work(True), now=15.0, now_ms=BEAT_MS).silent == {1}
    back = liveness.look([share(BEAT_MS + 1)], at_work(True), now=99.0, now_ms=BEAT_MS)
    assert not back.silent, "it is let go on"


def test_the_share_of_one_that_was_killed_returns_within_five_seconds() -> None:
    """Not at once, because the gateway is at work on what it sent a moment ago."""
    liveness = Liveness()
    first = liveness.look([share()], at_work(False), now=10.0, now_ms=BEAT_MS + 200)
    assert first.dying
    assert not first.gone
    later = liveness.look([share()], at_work(False), now=12.5, now_ms=BEAT_MS + 2_700)
    assert later.gone == {1}
    assert not later.dying


@pytest.mark.parametrize(
    ("allowed", "age_ms"), [(8, 10_001), (8, 86_400_000), (0, 0)], ids=["old", "older", "idle"]
)
def test_what_a_kill_of_long_ago_left_behind_holds_nobody_up(allowed: int, age_ms: int) -> None:
    seen = Liveness().look(
        [share(allowed=allowed)], at_work(False), now=0.0, now_ms=BEAT_MS + age_ms
    )
    assert seen.gone == {1}


def test_where_the_clock_went_back_a_dead_one_is_waited_for() -> None:
    seen = Liveness().look([share()], at_work(False), now=0.0, now_ms=BEAT_MS - 3_600_000)
    assert seen.dying
    assert not seen.gone
