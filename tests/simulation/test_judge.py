"""Each promise of the judge: a morning that keeps it, and one that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.simulation.history import Ended, Handled, Morning, ReportRow, RunRow
from tests.simulation.judge import PREDICATES, judge
from tests.simulation.world import (
    Command,
    CommandKind,
    Event,
    EventKind,
    GatewayModel,
    Roster,
    Row,
    RowKind,
    SourceKind,
    World,
)

APPLY = Command(CommandKind.APPLY, roster="shift")
SETTINGS: dict[str, Any] = {
    "concurrency": 2,
    "per_second": 10.0,
    "burst": 1,
    "timeout_s": 2.0,
    "connect_timeout_s": 0.5,
    "group_by": "",
    "gate": 1.0,
    "floor": 1.0,
    "handover": True,
    "durability": "full",
}


def rows(*flags: str) -> tuple[Row, ...]:
    return tuple(
        Row(RowKind.ASSIGNMENT, str(1001 + number), "east", flag)
        for number, flag in enumerate(flags)
    )


def reported(row: int, status: str = "applied", **fields: Any) -> ReportRow:
    """Row `row` of the roster that `rows` makes."""
    said: dict[str, Any] = {
        "agent_id": str(999 + row),
        "gateway": "east",
        "flag": "1",
        "cause": "" if status == "applied" else "timeout",
        "retcode": "0" if status == "applied" else "",
        "attempts": 1,
        "first_sent_at": "2026-09-21T06:13:21.000Z",
        "finished_at": "2026-09-21T06:13:22.000Z",
        **fields,
    }
    return ReportRow(row=row, status=status, **said)


def request(number: int, agent: str, at_s: float, took_s: float = 0.1, **fields: Any) -> Handled:
    """A request of process 1 that set its flag."""
    ended: dict[str, Any] = {"effect_s": at_s + took_s, "answer": "0", "accepted": True}
    return Handled(
        **{
            "number": number,
            "gateway": "east",
            "process": 1,
            "agent": agent,
            "flag": "1",
            "guid": f"0000000{number}-0000-0000-0000-000000000000.AgentGateway0",
            "arrived_s": at_s,
            "ended_s": at_s + took_s,
            **ended,
            **fields,
        }
    )


def ended(process: int = 1, **fields: Any) -> Ended:
    """The end of a process that carried out run A."""
    return Ended(
        **{
            "process": process,
            "command": APPLY,
            "began_s": 0.0,
            "ended_s": 60.0,
            "exit_code": 0,
            "run_id": "A",
            "sent_for": "A",
            "settings": SETTINGS,
            **fields,
        }
    )


def run(run_id: str = "A", report: tuple[ReportRow, ...] = (), **fields: Any) -> RunRow:
    said = {"state": "completed", "exit_code": 0, "roster": "shift", "begun": True, **fields}
    return RunRow(run_id=run_id, report=report, **said)


def morning(
    *flags: str,
    handled: tuple[Handled, ...] = (),
    ends: tuple[Ended, ...] | None = None,
    runs: tuple[RunRow, ...] = (),
    events: tuple[Event, ...] = (),
    **world: Any,
) -> Morning:
    """A morning with a roster of these flags."""
    drawn: dict[str, Any] = {
        "seed": 1,
        "profile": "calm",
        "rosters": (Roster("shift", rows(*(flags or ("1", "1")))),),
        "gateways": (GatewayModel("east", 0.1, 0.1),),
        "faults": (),
        "source": SourceKind.COLUMN,
        "source_faults": (),
        "settings": SETTINGS,
        "events": events,
        "ends_s": 100.0,
        **world,
    }
    return Morning(
        World(**drawn),
        handled=[*handled],
        ended=[ended()] if ends is None else [*ends],
        runs=[*runs],
    )


def broken(judged: Morning) -> set[str]:
    return {verdict.name for verdict in judge(judged)}


def two_applied(**fields: Any) -> Morning:
    """Two agents set, and reported so."""
    report = (reported(2), reported(3))
    result = {
        "totals": dict.fromkeys(
            ("rejected", "failed", "unknown", "not_attempted", "invalid", "duplicate"), 0
        )
        | {"applied": 2},
        "rows": 2,
        "causes": {},
        "exit_code": 0,
        "state": "completed",
        "requests": 2,
    }
    return morning(
        handled=(request(1, "1001", 1.0), request(2, "1002", 1.5)),
        ends=(ended(report=report, result=result),),
        runs=(run(report=report),),
        **fields,
    )


def of_report(*lines: ReportRow, handled: tuple[Handled, ...] = ()) -> Morning:
    """A morning whose run has this report."""
    return morning(handled=handled, ends=(ended(exit_code=3),), runs=(run(report=lines),))


def with_result(**said: Any) -> Morning:
    judged = two_applied()
    (end,) = judged.ended
    judged.ended = [msgspec.structs.replace(end, result={**end.result, **said})]
    return judged


def of_two_processes(*handled: Handled, first: dict[str, Any], **second: Any) -> Morning:
    """Requests of processes 1 and 2, and how these ended."""
    return morning(handled=handled, ends=(ended(1, **first), ended(2, **second)))


def handed_over(*handled: Handled, flags: str = "1100", **settings: Any) -> Morning:
    """Requests of a change of shift."""
    return morning(
        *flags,
        handled=handled,
        ends=(ended(settings={**SETTINGS, **settings}),),
        runs=(run(),),
    )


def on(number: int, agent: str, at_s: float) -> Handled:
    return request(number, agent, at_s)


def off(number: int, agent: str, at_s: float) -> Handled:
    return request(number, agent, at_s, flag="0")


KEPT: dict[str, Callable[[], Morning]] = {
    "a calm morning": two_applied,
    "a lost answer is in doubt": lambda: of_report(
        reported(2, "unknown"),
        reported(3),
        handled=(request(1, "1001", 1.0, answer="nothing"), request(2, "1002", 1.5)),
    ),
    "a refusal has no effect": lambda: of_report(
        reported(2, "rejected"),
        reported(3),
        handled=(
            request(1, "1001", 1.0, answer="100-009", effect_s=None, accepted=False),
            request(2, "1002", 1.5),
        ),
    ),
    "two are in flight": lambda: morning(
        handled=(request(1, "1001", 1.0, 1.0), request(2, "1002", 1.5))
    ),
    "beyond twice the time-out nothing is promised": lambda: morning(
        handled=(
            request(1, "1001", 1.0, 9.0),
            request(2, "1002", 1.5, 9.0),
            request(3, "1003", 6.0),
        ),
    ),
    "those of a killed command come on top for others": lambda: of_two_processes(
        request(1, "1001", 1.0, 3.0),
        request(2, "1002", 1.5, 3.0),
        request(3, "1003", 2.5, process=2),
        first={"exit_code": 137, "ended_s": 2.0},
        run_id="B",
        sent_for="B",
    ),
    "ten a second": lambda: morning(
        handled=tuple(request(n, str(1000 + n), n / 10, 0.05) for n in range(1, 40))
    ),
    "a handover in order": lambda: handed_over(
        on(1, "1001", 1.0), on(2, "1002", 2.0), off(3, "1003", 3.0), off(4, "1004", 4.0)
    ),
    "the floor leaves one on": lambda: handed_over(
        on(1, "1001", 1.0), off(2, "1003", 3.0), gate=0.5, floor=1.0
    ),
    "a closing that is allowed": lambda: handed_over(
        off(1, "1001", 1.0), flags="01", gate=0.0, floor=None
    ),
}
BROKEN: list[tuple[str, Callable[[], Morning]]] = [
    ("one line each", lambda: of_report(reported(2, "unknown"))),
    ("one line each", lambda: of_report(reported(3, "unknown"), reported(2, "unknown"))),
    ("one line each", lambda: of_report(reported(2, "unknown"), reported(3, "done"))),
    ("one line each", lambda: of_report(reported(2, "unknown"), reported(3, "duplicate"))),
    ("totals add up", lambda: with_result(rows=3)),
    ("totals add up", lambda: with_result(totals={"applied": 2})),
    ("counted as reported", lambda: with_result(causes={"timeout": 1})),
    ("applied is true", lambda: of_report(reported(2), reported(3, "unknown"))),
    (
        "applied is true",
        lambda: of_report(
            reported(2),
            reported(3, "unknown"),
            handled=(request(1, "1001", 1.0, answer="nothing"),),
        ),
    ),
    (
        "applied is true",
        lambda: of_report(
            reported(2),
            reported(3, "unknown"),
            handled=(request(1, "1001", 1.0), request(2, "1001", 2.0, flag="0")),
        ),
    ),
    (
        "effect is told",
        lambda: of_report(
            reported(2, "failed"),
            reported(3, "unknown"),
            handled=(request(1, "1001", 1.0, answer="nothing"),),
        ),
    ),
    (
        "not sent is true",
        lambda: of_report(
            reported(2, "not_attempted", attempts=0),
            reported(3, "unknown"),
            handled=(request(1, "1001", 1.0, effect_s=None, accepted=False, answer="100-006"),),
        ),
    ),
    (
        "not sent is true",
        lambda: of_report(
            reported(2),
            reported(3, "unknown"),
            handled=(request(1, "1001", 1.0), request(2, "1001", 2.0)),
        ),
    ),
    (
        "within concurrency",
        lambda: morning(
            handled=(
                request(1, "1001", 1.0, 3.0),
                request(2, "1002", 1.5, 3.0),
                request(3, "1003", 3.5),
            )
        ),
    ),
    (
        "within concurrency",
        lambda: of_two_processes(
            request(1, "1001", 1.0, 1.0),
            request(2, "1002", 1.2, 1.0, process=2),
            request(3, "1003", 1.4, 1.0),
            first={},
            run_id="B",
            sent_for="B",
        ),
    ),
    (
        "within concurrency",
        lambda: of_two_processes(
            request(1, "1001", 1.0, 3.0),
            request(2, "1002", 1.5, 3.0),
            request(3, "1003", 3.0, process=2),
            first={"exit_code": 137, "ended_s": 2.0},
            began_s=2.5,
        ),
    ),
    (
        "one for an agent",
        lambda: morning(handled=(request(1, "1001", 1.0, 3.0), request(2, "1001", 3.5))),
    ),
    (
        "one for an agent",
        lambda: of_two_processes(
            request(1, "1001", 1.0, 3.0),
            request(2, "1001", 3.0, process=2, flag="0"),
            first={"exit_code": 137, "ended_s": 2.0},
            began_s=2.5,
            sent_for="B",
        ),
    ),
    (
        "within rate",
        lambda: morning(
            handled=tuple(request(n, str(1000 + n), n / 20, 0.05) for n in range(1, 40))
        ),
    ),
    (
        "within rate",
        lambda: of_two_processes(
            *(request(n, str(1000 + n), n / 20, 0.05, process=1 + n % 2) for n in range(1, 40)),
            first={},
            sent_for="B",
        ),
    ),
    ("gate and floor", lambda: handed_over(on(1, "1001", 1.0), off(2, "1003", 2.0))),
    (
        "gate and floor",
        lambda: handed_over(on(1, "1001", 1.0), off(2, "1003", 2.0), off(3, "1004", 3.0), gate=0.5),
    ),
    ("gate and floor", lambda: handed_over(off(1, "1001", 1.0), flags="01", gate=0.0)),
]


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
