"""Each promise of the judge: a morning that keeps it, and one that breaks it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation import judged_ends, judged_runs, judged_sending
from tests.simulation.hand_made import SETTINGS, ended, morning, reported, request, run
from tests.simulation.history import Morning
from tests.simulation.judge import PREDICATES, judge
from tests.simulation.world import Event, EventKind

_GROUPS = (judged_sending, judged_runs, judged_ends)
KEPT = {name: made for group in _GROUPS for name, made in group.KEPT.items()}
BROKEN = [pair for group in _GROUPS for pair in group.BROKEN]


def broken(judged: Morning) -> set[str]:
    return {verdict.name for verdict in judge(judged)}


@pytest.mark.parametrize("name", KEPT)
def test_a_morning_that_keeps_its_promises_is_not_blamed(name: str) -> None:
    assert not judge(KEPT[name]()), name


@pytest.mark.parametrize(
    ("name", "made"), BROKEN, ids=[f"{n}: {name}" for n, (name, _) in enumerate(BROKEN)]
)
def test_a_broken_promise_is_seen(name: str, made: Callable[[], Morning]) -> None:
    judged = made()
    assert name in broken(judged)
    assert all(each.violations for each in judge(judged))


def test_each_promise_has_a_morning_that_breaks_it() -> None:
    assert {name for name, _ in BROKEN} == {predicate.name for predicate in PREDICATES}


def test_after_a_loss_of_power_only_full_durability_remembers() -> None:
    lost = Event(EventKind.POWER_LOSS, 2.0)
    report = (reported(2, "not_attempted", attempts=0), reported(3, "unknown"))
    for durability, blamed in (("normal", False), ("full", True)):
        settings = {**SETTINGS, "durability": durability}
        judged = morning(
            handled=(request(1, "1001", 1.0, answer="nothing"),),
            ends=(ended(settings=settings, exit_code=137),),
            runs=(run(report=report),),
            events=(lost,),
            settings=settings,
        )
        assert ("effect is told" in broken(judged)) is blamed
