"""What a terminal shows of a run under way: true figures, in whatever room there is."""

from __future__ import annotations

import datetime as dt
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.cli.console.terminal import wrapped
from bulkagent.cli.progress.display import plain_line
from bulkagent.cli.progress.live import live_view
from bulkagent.cli.progress.rate import Pace, outlook
from bulkagent.instants import Instant
from bulkagent.language import Language, speaking
from bulkagent.run import GatewayProgress, GroupProgress, Progress

NOW = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)

EAST = GatewayProgress(
    name="east",
    agents=4_000,
    finished=3_000,
    in_flight=15,
    limit=16,
    median_ms=21.4,
    p95_ms=1_500.0,
    retries=31,
    retries_left=69,
)
WEST = GatewayProgress(name="west-2", agents=1_000, finished=250, limit=16, breaker="open")
CEDAR = GroupProgress(name="Cedar", incoming=10, up=10, gate=10, outgoing=8, off=8, floor=8)
MAPLE = GroupProgress(
    name="Maple", incoming=10, up=4, gate=10, outgoing=8, off=0, floor=8, held=True
)
RUN = Progress(
    agents=5_000,
    finished=3_250,
    by_status={"applied": 3_180, "failed": 70, "unknown": 0},
    requests=3_300,
    retries=50,
    waiting=7,
    elapsed_s=8.0,
    causes={"timeout": 10, "not_signed_in": 60},
    gateways=(EAST, WEST),
    groups=(CEDAR, MAPLE),
)


def drawn(progress: Progress, width: int = 100, height: int = 24, **more: object) -> list[str]:
    facts = {"per_second": 412.0, "left_s": 36.0, **more}
    view = live_view(progress, NOW, width=width, height=height, **facts)  # type: ignore[arg-type]
    return shown(view, width)


def shown(view: object, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(view)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_it_says_how_far_how_fast_how_long_still_and_what_came_of_it() -> None:
    bar, *lines = drawn(msgspec.structs.replace(RUN, groups=()), width=80)
    assert bar == "━" * 80
    assert lines == [
        " 65%  3,250 of 5,000    412/s    36 s left, done at 06:00:36 UTC",
        "      3,180 applied, 70 failed, 7 waiting for a retry",
        "      because  60 not_signed_in, 10 timeout",
        "      west-2  25%  breaker open  0 of 16 in flight",
        "      east    75%  median 21 ms, 95% 1.5 s  15 of 16 in flight  breaker closed",
    ]


def test_a_gateway_that_was_stopped_says_what_it_still_waits_for() -> None:
    ended = msgspec.structs.replace(EAST, ended="interrupted", in_flight=6)
    lines = drawn(msgspec.structs.replace(RUN, gateways=(ended,), groups=()), width=80)
    assert lines[-1] == "      east  ended: interrupted  6 still in flight"
    over = msgspec.structs.replace(ended, in_flight=0)
    lines = drawn(msgspec.structs.replace(RUN, gateways=(over,), groups=()), width=80)
    assert lines[-1].endswith("ended: interrupted")


def test_lines_are_never_cut_in_mid_word_and_whole_fields_are_dropped_by_priority() -> None:
    late = msgspec.structs.replace(
        RUN, finish_by=Instant(round(NOW.timestamp() * 1000) + 10_000, "UTC"), groups=(MAPLE,)
    )
    whole = drawn(late, width=250)[1:]
    words = set(" ".join(whole).replace(",", "").split())
    for width in range(20, 130):
        lines = drawn(late, width=width)[1:]
        assert all(set(line.replace(",", "").split()) <= words for line in lines), width
    at_60 = drawn(late, width=60)[1:]
    assert "TOO LATE" in at_60[0], "what matters most stays"
    assert at_60[3] == "      west-2  25%  breaker open  0 of 16 in flight"
    assert at_60[4] == "      east    75%  15 of 16 in flight"
    assert drawn(late, width=24)[-1].rstrip() == "      Maple  held"


def test_attempts_of_which_nothing_left_are_told_apart() -> None:
    lines = drawn(msgspec.structs.replace(RUN, not_sent=1_024, gateways=(EAST,)), width=140)
    assert lines[2] == "      3,180 applied, 70 failed, 7 waiting for a retry, 1,024 sent nothing"
    tried = msgspec.structs.replace(EAST, retries=31, retries_left=69)
    lines = drawn(msgspec.structs.replace(RUN, gateways=(tried,), groups=()), width=140)
    assert lines[-1].endswith("31 tried again, room for 69")


def test_it_says_where_other_commands_have_a_part_of_the_limits() -> None:
    shared = msgspec.structs.replace(EAST, limit=8, in_flight=7, commands=2)
    alone = msgspec.structs.replace(RUN, gateways=(EAST,), groups=())
    lines = drawn(msgspec.structs.replace(alone, gateways=(shared,)), width=140)
    assert "7 of 8 in flight  limits shared by 2 commands" in lines[-1]
    facts = {"per_second": 1.0, "left_s": None}
    told = plain_line(msgspec.structs.replace(alone, gateways=(shared,)), NOW, **facts)  # type: ignore[arg-type]
    assert told.endswith(", limits shared by 2 commands")
    assert "shared" not in plain_line(alone, NOW, **facts)  # type: ignore[arg-type]


def test_requests_in_doubt_are_shown_whose_slots_stay_taken() -> None:
    """A reply that is overdue (--timeout), or a connection that was reset (A3)."""
    slow = msgspec.structs.replace(EAST, in_flight=16, in_doubt=5)
    alone = msgspec.structs.replace(RUN, gateways=(slow,), groups=())
    assert "16 of 16 in flight, 5 of them in doubt" in drawn(alone, width=140)[-1]
    told = plain_line(alone, NOW, per_second=1.0, left_s=None)
    assert told.endswith(", 5 in doubt and in flight")


def test_groups_are_shown_with_gate_and_floor_those_in_trouble_first() -> None:
    assert drawn(RUN)[-2:] == [
        "      Maple  4 of 10 up (gate 10), 0 of 8 off, floor 8  held",
        "      Cedar  10 of 10 up (gate 10), 8 of 8 off, floor 8  done",
    ]


def test_one_gateway_needs_no_share_of_its_own() -> None:
    lines = drawn(msgspec.structs.replace(RUN, gateways=(EAST,), groups=(), causes={}))
    assert lines[-1].startswith("      east  median 21 ms, 95% 1.5 s  15 of 16 in flight")


def test_what_matters_least_goes_first_where_there_is_little_room() -> None:
    assert len(drawn(RUN, height=3)) == 3
    assert drawn(RUN, height=6)[-2:] == ["      and 2 more gateways", "      and 2 more groups"]
    many = tuple(msgspec.structs.replace(CEDAR, name=f"{at:03}", off=at % 9) for at in range(200))
    lines = drawn(msgspec.structs.replace(RUN, groups=many), height=20)
    assert len(lines) == 20
    assert lines[-1] == "      and 187 more groups"
    assert not any("done" in line for line in lines[6:]), "those that are done come last"


def test_a_run_that_will_be_late_says_so() -> None:
    late = msgspec.structs.replace(
        RUN, finish_by=Instant(round(NOW.timestamp() * 1000) + 10_000, "UTC")
    )
    assert "26 s TOO LATE for 06:00:10 UTC" in drawn(late)[1]


def test_a_name_cannot_reach_the_terminal() -> None:
    group = msgspec.structs.replace(MAPLE, name="\x1b[2J[red]\u202e")
    text = "\n".join(drawn(msgspec.structs.replace(RUN, groups=(group,))))
    assert "\\x1b[2J[red]" in text
    assert "\u202e" not in text


counts = st.integers(0, 10**7)


@given(
    agents=counts,
    finished=counts,
    width=st.integers(1, 250),
    height=st.integers(1, 60),
    groups=st.integers(0, 80),
    left_s=st.none() | st.floats(0, 10**6),
)
def test_it_fits_whatever_the_terminal_and_the_figures(
    *, agents: int, finished: int, width: int, height: int, groups: int, left_s: float | None
) -> None:
    progress = msgspec.structs.replace(
        RUN,
        agents=agents,
        finished=min(finished, agents),
        groups=tuple(msgspec.structs.replace(CEDAR, name=str(at)) for at in range(groups)),
    )
    lines = drawn(progress, width, height, left_s=left_s)
    assert 1 <= len(lines) <= max(1, height)
    assert all(len(line) <= width for line in lines)


def _at(east: int, west: int, **more: object) -> Progress:
    return msgspec.structs.replace(
        RUN,
        finished=east + west,
        gateways=(
            msgspec.structs.replace(EAST, finished=east),
            msgspec.structs.replace(WEST, finished=west, breaker="closed"),
        ),
        **more,
    )


def test_the_slowest_gateway_says_when_all_is_done() -> None:
    pace = Pace()
    pace.seen(0.0, _at(0, 0))
    pace.seen(10.0, _at(1_000, 10))
    assert pace.per_second == 101.0
    assert pace.left_s(_at(1_000, 10)) == pytest.approx(990 / 1.0)


def test_an_outage_is_no_pace_and_what_is_waited_for_is_said() -> None:
    pace = Pace()
    for second in range(20):
        pace.seen(float(second), _at(100 * second, 10 * second))
    assert pace.left_s(_at(1_900, 190)) == pytest.approx(81.0)
    for second in range(20, 55):
        pace.seen(float(second), _at(1_900, 190))
    down = msgspec.structs.replace(
        RUN,
        finished=2_090,
        gateways=(msgspec.structs.replace(EAST, finished=1_900, breaker="open"),),
    )
    assert pace.per_second == 0.0
    assert pace.left_s(down) is None
    assert outlook(down, None) == "waiting for east to recover"


def test_who_is_waited_for_to_sign_in_is_no_part_of_the_time_left() -> None:
    east = msgspec.structs.replace(EAST, finished=3_990, awaited=10)
    waiting = msgspec.structs.replace(
        RUN, agents=4_000, finished=3_990, awaited=10, gateways=(east,)
    )
    pace = Pace()
    pace.seen(0.0, waiting)
    pace.seen(10.0, waiting)
    assert pace.left_s(waiting) == 0.0
    assert outlook(waiting, 0.0) == "waiting for 10 agents to sign in"


def test_a_gateway_that_was_given_up_is_waited_for_by_nobody() -> None:
    ended = msgspec.structs.replace(EAST, ended="breaker_open")
    pace = Pace()
    for second in (0.0, 1.0):
        pace.seen(second, msgspec.structs.replace(RUN, gateways=(ended,)))
    assert pace.left_s(msgspec.structs.replace(RUN, gateways=(ended,))) == 0.0


def test_lines_are_wrapped_between_words_and_commands_are_not() -> None:
    line = "        the gateway has no session of the agent; have the agent sign in"
    assert wrapped(line, 40) == [
        "        the gateway has no session of",
        "        the agent; have the agent sign",
        "        in",
    ]
    for whole in (
        "next    bulkagent resume 20261122T234807.346Z-5ff5 --ledger there",
        "        bulkagent resume 20261122T234807.346Z-5ff5 --only switch_over",
        "report  a folder with spaces in it/evening_shift.csv",
    ):
        assert wrapped(whole, 30) == [whole]
    assert wrapped(line, None) == [line]
    with speaking(Language.CHINESE):
        for whole in (
            labelled(Label.NEXT, "bulkagent resume 20261122T234807.346Z-5ff5 --ledger there"),
            "next    command 20261122T234807.346Z-5ff5 --ledger there, said by a handler",
        ):
            assert wrapped(whole, 60) == [whole]


def test_a_label_that_fills_the_margin_does_not_touch_its_line() -> None:
    with speaking(Language.CHINESE):
        assert labelled(Label.HALTED, "evening").endswith(" evening")
    assert labelled(Label.HALTED, "evening") == "HALTED  evening"


@given(st.text("ab  -", max_size=300), st.integers(1, 100))
def test_wrapping_loses_no_word(line: str, width: int) -> None:
    assert " ".join(wrapped(line, width)).split() == line.split()
