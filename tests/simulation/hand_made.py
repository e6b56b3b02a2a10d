"""Small mornings that are written by hand, to try the judge with."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.simulation.history import Ended, Handled, Morning, ReportRow, RunRow
from tests.simulation.world import (
    Command,
    CommandKind,
    Event,
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
    "max_attempts": 8,
    "retry_for_s": 120.0,
    "give_up_after_s": 300.0,
    "grace_s": 15.0,
}


def rows(*flags: str) -> tuple[Row, ...]:
    return tuple(
        Row(RowKind.ASSIGNMENT, str(1001 + number), "east", flag)
        for number, flag in enumerate(flags)
    )


def reported(row: int, status: str = "applied", **fields: Any) -> ReportRow:
    """Row `row` of the roster that `rows` makes."""
    retcode = {"applied": "0", "rejected": "100-009"}.get(status, "")
    said: dict[str, Any] = {
        "agent_id": str(999 + row),
        "gateway": "east",
        "flag": "1",
        "cause": "" if status == "applied" else "timeout",
        "retcode": retcode,
        "attempts": 1,
        "first_sent_at": "2026-09-21T14:13:21.000Z" if fields.get("attempts", 1) else "",
        "finished_at": "2026-09-21T14:14:00.000Z",
        "message": "success" if status == "applied" else "",
        "http_status": "200" if retcode else "",
        "latency_ms": "100.0",
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
        "rosters": (Roster("shift", rows(*(flags or ("1", "1")))), Roster("few", rows("0"))),
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


def of_leg(row: ReportRow) -> Morning:
    """A command that sent one request, for the first agent, and reports this."""
    return morning(
        "1", handled=(request(1, "1001", 1.0),), ends=(ended(report=(row,)),), runs=(run(),)
    )


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


def off(number: int, agent: str, at_s: float, **fields: Any) -> Handled:
    return request(number, agent, at_s, flag="0", **fields)
