"""Mornings that keep or break a promise about ends and outputs of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulation.hand_made import (
    SETTINGS,
    ended,
    morning,
    reported,
    request,
    run,
)
from tests.simulation.history import Ended, Handled, Morning, ReportRow
from tests.simulation.world import Command, CommandKind, GatewayModel

WRONG: dict[str, Any] = {"effect_s": None, "accepted": False, "answer": "000-003"}


def answered(lines: tuple[ReportRow, ...]) -> tuple[Handled, ...]:
    """A request for each row that has attempts, and a "0" for those that are applied."""
    return tuple(
        request(row.row, row.agent_id, row.row, flag=row.flag, **_answer_of(row))
        for row in lines
        if row.attempts
    )


def _answer_of(row: ReportRow) -> dict[str, Any]:
    if row.status == "applied":
        return {}
    return {**WRONG, "answer": row.retcode or "nothing"}


def ending(exit_code: int, *lines: ReportRow, **fields: Any) -> Morning:
    """A command that ends so, with this report."""
    return morning(
        handled=answered(lines), ends=(ended(exit_code=exit_code, report=lines, **fields),)
    )


def at_the_end(exit_code: int, *lines: ReportRow, stuck: str = "", **world: Any) -> Morning:
    """A morning whose run came to this end."""
    made = morning(
        handled=answered(lines),
        ends=(),
        runs=(run(report=lines, exit_code=exit_code, state="completed"),),
        **world,
    )
    made.last = [ended(exit_code=exit_code, report=lines)]
    made.stuck = stuck
    return made


def saying(**fields: Any) -> Morning:
    return morning(handled=(request(1, "1001", 1.0),), ends=(ended(**fields),))


def with_log(line: str) -> Morning:
    made = saying()
    made.log = [line]
    return made


def with_file(name: str, content: bytes) -> Morning:
    made = saying()
    made.files = {name: content}
    return made


def with_request(told: str) -> Morning:
    made = saying()
    made.violations = [told]
    return made


def setting(**fields: Any) -> tuple[Ended, ...]:
    return (ended(settings={**SETTINGS, **fields}),)


def first_agents(*answers: str, **fields: Any) -> Morning:
    """The first two agents got these answers, and then came a third."""
    return morning(
        "1",
        "1",
        "1",
        handled=(
            *(
                request(n, str(1000 + n), n, **{**WRONG, "answer": answer})
                for n, answer in enumerate(answers, 1)
            ),
            request(3, "1003", 9.0, **WRONG),
        ),
        ends=setting(halt_first=2, **fields),
        runs=(run(),),
    )


ABSENT = GatewayModel("east", 0.1, 0.1, leaves={"1001": 5.0})
GUID = request(1, "1001", 1.0).guid
LATE = (request(1, "1001", 1.0), request(2, "1002", 9.0))
KEPT: dict[str, Callable[[], Morning]] = {
    "a gate that holds": lambda: ending(
        6, reported(2), reported(3, "not_attempted", cause="gate", attempts=0)
    ),
    "what is rejected does not help": lambda: ending(
        4, reported(2), reported(3, "rejected", cause="bad_parameter", attempts=0)
    ),
    "what is absent may be": lambda: ending(
        0,
        reported(2),
        reported(3, "failed", cause="not_signed_in", flag="0", attempts=0),
        settings={**SETTINGS, "absent_ok": True},
    ),
    "a deadline that is kept": lambda: morning(handled=LATE, ends=setting(deadline_s=8.0)),
    "different answers are no wrong set-up": lambda: first_agents("000-003", "100-007"),
    "a canary first": lambda: morning(handled=LATE, ends=setting(canary=1)),
    "everything is set in the end": lambda: at_the_end(0, reported(2), reported(3)),
    "who has gone stays away": lambda: at_the_end(
        3,
        reported(2, "failed", cause="not_signed_in", attempts=0),
        reported(3),
        gateways=(ABSENT,),
    ),
    "a gate that cannot open": lambda: morning(
        "1",
        "0",
        ends=(ended(exit_code=6),),
        runs=(
            run(
                report=(
                    reported(2, "rejected", cause="not_permitted"),
                    reported(3, "not_attempted", cause="gate", flag="0", attempts=0),
                ),
                exit_code=6,
                state="halted",
            ),
        ),
    ),
}
BROKEN: list[tuple[str, Callable[[], Morning]]] = [
    ("refused sends nothing", lambda: saying(exit_code=2)),
    ("refused sends nothing", lambda: saying(exit_code=6, result={"state": "refused"})),
    (
        "refused sends nothing",
        lambda: saying(command=Command(CommandKind.REPORT), sent_for=""),
    ),
    ("exit code", lambda: ending(0, reported(2), reported(3, "unknown"))),
    ("exit code", lambda: ending(3, reported(2), reported(3))),
    ("exit code", lambda: ending(4, reported(2), reported(3, "failed"))),
    (
        "exit code",
        lambda: ending(5, reported(2), reported(3, "not_attempted", cause="gate", attempts=0)),
    ),
    ("exit code", lambda: saying(exit_code=143)),
    ("exit code", lambda: saying(result={"exit_code": 3})),
    ("exit code", lambda: saying(result={"state": "halted"})),
    ("no defect", lambda: saying(exit_code=1)),
    ("no defect", lambda: saying(traceback="Traceback (most recent call last):\nKeyError: 7")),
    (
        "written anew",
        lambda: morning(
            ends=(ended(exit_code=3, report=(reported(2, "unknown"), reported(3, "unknown"))),),
            runs=(run(report=(reported(2, "unknown"), reported(3, "failed"))),),
        ),
    ),
    ("no secret", lambda: saying(said=(f"refused: {GUID}",))),
    ("no secret", lambda: saying(reports={"page.html": f"<td>{GUID}</td>".encode()})),
    ("no secret", lambda: saying(result={"error": GUID})),
    ("no secret", lambda: with_log(f"sent with {GUID}")),
    ("no secret", lambda: with_file("ledger.sqlite3", b"\x00SQLite\x00" + GUID.encode())),
    ("memory is bounded", lambda: saying(most_tasks=1_000)),
    ("as the interface has it", lambda: with_request("GET /agentevent/1001")),
    ("deadline", lambda: morning(handled=LATE, ends=setting(deadline_s=5.0))),
    ("wrong set-up halts", lambda: first_agents("000-003", "000-003")),
    (
        "canary",
        lambda: morning(
            handled=(request(1, "1001", 1.0, **WRONG), request(2, "1002", 2.0)),
            ends=setting(canary=1),
        ),
    ),
    ("comes to its end", lambda: at_the_end(0, reported(2), reported(3), stuck="it waits")),
    ("reaches its aim", lambda: at_the_end(3, reported(2, "unknown"), reported(3))),
    (
        "reaches its aim",
        lambda: at_the_end(5, reported(2, "not_attempted", cause="deadline"), reported(3)),
    ),
    (
        "reaches its aim",
        lambda: at_the_end(
            6, reported(2, "not_attempted", cause="canary", attempts=0), reported(3)
        ),
    ),
]
