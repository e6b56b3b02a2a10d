"""Mornings that keep or break a promise about ends and outputs of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from bulkagent.units import HaltAtCount
from tests.simulation.hand_made import (
    APPLY,
    SETTINGS,
    ended,
    morning,
    reported,
    request,
    run,
)
from tests.simulation.history import Ended, Handled, Morning, ReportRow
from tests.simulation.world import Command, CommandKind, Event, EventKind, GatewayModel

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


def at_the_end(
    exit_code: int,
    *lines: ReportRow,
    stuck: str = "",
    flags: tuple[str, ...] = (),
    **world: Any,
) -> Morning:
    """A morning whose run came to this end."""
    made = morning(
        *flags,
        handled=answered(lines),
        ends=(),
        runs=(run(report=lines, exit_code=exit_code, state="completed"),),
        **world,
    )
    made.last = [ended(exit_code=exit_code, report=lines)]
    made.stuck = stuck
    return made


def held(flag_of_another: str) -> Morning:
    """A gate holds the second agent for good, and another run has asked this for the first one."""
    lines = (reported(2), reported(3, "not_attempted", cause="gate", flag="0", attempts=0))
    made = at_the_end(6, *lines, flags=("1", "0"))
    made.handled.append(request(9, "1001", 9.0, process=2, flag=flag_of_another))
    made.last[0] = ended(exit_code=6, report=lines, ended_s=8.0)
    made.ended = [ended(2, began_s=8.5, run_id="B", sent_for="B")]
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


def first_agents(*answers: str, times: int = 1, **fields: Any) -> Morning:
    """The first two agents got these answers, so many times each, and then came a third."""
    got = [(n, answer, n + 2.0 * k) for k in range(times) for n, answer in enumerate(answers, 1)]
    return morning(
        "1",
        "1",
        "1",
        handled=(
            *(
                request(number, str(1000 + n), at_s, **{**WRONG, "answer": answer})
                for number, (n, answer, at_s) in enumerate(got, 1)
            ),
            request(99, "1003", 20.0, **WRONG),
        ),
        ends=setting(halt_first=2, **fields),
        runs=(run(),),
    )


def unwell(*answers: tuple[float, str], agent: str = "", **fields: Any) -> Morning:
    """One agent after the other got such an answer at such a time, or one got all of them."""
    patient = {"max_attempts": 99, "retry_for_s": 0.0, "give_up_after_s": 300.0, "halt_first": 0}
    return morning(
        handled=tuple(
            request(
                n,
                agent or str(1000 + n),
                at_s,
                0.1,
                **{**WRONG, "answer": answer, "pause_s": fields.get("pause_s", 0.0)},
            )
            for n, (at_s, answer) in enumerate(answers, 1)
        ),
        ends=setting(**{**patient, "per_second": None, "concurrency": 64, **fields}),
    )


def each(step_s: float, number: int, answer: str, begin: int = 1) -> list[tuple[float, str]]:
    return [(n * step_s, answer) for n in range(begin, begin + number)]


def stopped(*at_s: float, ended_s: float, **fields: Any) -> Morning:
    """A command that got signals at these times, with a request at 1 s."""
    return morning(
        handled=(request(1, "1001", 1.0), *fields.pop("more", ())),
        ends=(ended(exit_code=130, ended_s=ended_s, settings={**SETTINGS, **fields}),),
        events=tuple(Event(EventKind.SIGNAL, each, 1, number=2) for each in at_s),
    )


def starting(at_s: float) -> Morning:
    """A command that begins at 0 s, starts at 5 s, and sends its first request then."""
    command = msgspec.structs.replace(APPLY, start_in_s=5.0)
    return morning(handled=(request(1, "1001", at_s),), ends=(ended(command=command),))


def failing(begun_s: float) -> Morning:
    """Fifty agents failed by 40 s, with --halt fail=10, and then another one is begun."""
    lines = tuple(reported(row, "rejected") for row in range(2, 52))
    late = reported(52, finished_at="2026-09-21T14:14:10.000Z")
    sent = tuple(
        request(n, line.agent_id, 1 + n / 8, **{**WRONG, "answer": "100-009"})
        for n, line in enumerate(lines, 1)
    )
    return morning(
        handled=(*sent, request(51, late.agent_id, begun_s)),
        ends=(
            ended(
                exit_code=6, report=(*lines, late), settings={**SETTINGS, "halt": HaltAtCount(10)}
            ),
        ),
    )


ABSENT = GatewayModel("east", 0.1, 0.1, leaves={"1001": 5.0})
GUID = request(1, "1001", 1.0).guid
LATE = (request(1, "1001", 1.0), request(2, "1002", 9.0))
KEPT: dict[str, Callable[[], Morning]] = {
    "a gate that holds": lambda: ending(
        6, reported(2), reported(3, "not_attempted", cause="gate", attempts=0)
    ),
    "what is rejected does not help": lambda: ending(
        4, reported(2), reported(3, "rejected", cause="bad_parameter")
    ),
    "what is absent may be": lambda: ending(
        0,
        reported(2),
        reported(
            3, "failed", cause="not_signed_in", flag="0", retcode="100-008", http_status="200"
        ),
        settings={**SETTINGS, "absent_ok": True},
    ),
    "a deadline that is kept": lambda: morning(handled=LATE, ends=setting(deadline_s=8.0)),
    "different answers are no wrong set-up": lambda: first_agents("000-003", "100-007"),
    "an answer that is tried again": lambda: first_agents("100-007", "100-007", times=3),
    "a canary first": lambda: morning(handled=LATE, ends=setting(canary=1)),
    "a stop within its grace": lambda: stopped(2.0, ended_s=9.0),
    "a second signal": lambda: stopped(2.0, 3.0, ended_s=4.0),
    "a start that was waited for": lambda: starting(5.2),
    "halted before another one": lambda: failing(8.0),
    "a probe after each pause": lambda: unwell(
        *each(0.2, 10, "http 503"), *each(1.5, 9, "reset", 2)
    ),
    "a short list of retries": lambda: unwell(
        *each(1.0, 3, "000-004"), agent="1001", max_attempts=3
    ),
    "retries within their time": lambda: unwell(
        *each(1.0, 9, "000-000"), agent="1001", max_attempts=3, retry_for_s=30.0
    ),
    "a pause that is kept": lambda: unwell((1.0, "http 429"), (6.2, "http 429"), pause_s=5.0),
    "given up in time": lambda: unwell((1.0, "http 503"), (9.0, "http 503"), give_up_after_s=10.0),
    "everything is set in the end": lambda: at_the_end(0, reported(2), reported(3)),
    "who has gone stays away": lambda: at_the_end(
        3,
        reported(2, "failed", cause="not_signed_in"),
        reported(3),
        gateways=(ABSENT,),
    ),
    "a gate that another run keeps shut": lambda: held("0"),
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
    (
        "exit code",
        lambda: ending(
            0,
            reported(2),
            reported(
                3, "failed", cause="not_signed_in", flag="0", retcode="100-006", http_status="200"
            ),
            settings={**SETTINGS, "absent_ok": True},
        ),
    ),
    ("exit code", lambda: ending(5, reported(2), reported(3))),
    ("exit code", lambda: ending(6, reported(2), reported(3))),
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
    ("wrong set-up halts", lambda: first_agents("100-007", "100-007", times=4)),
    (
        "canary",
        lambda: morning(
            handled=(request(1, "1001", 1.0, **WRONG), request(2, "1002", 2.0)),
            ends=setting(canary=1),
        ),
    ),
    ("stops in order", lambda: stopped(2.0, ended_s=30.0)),
    ("stops in order", lambda: stopped(2.0, 3.0, ended_s=15.0)),
    ("stops in order", lambda: stopped(2.0, ended_s=9.0, more=(request(2, "1002", 3.0),))),
    ("starts when told", lambda: starting(4.0)),
    ("too many fail", lambda: failing(45.0)),
    ("attempts end", lambda: unwell(*each(1.0, 4, "000-004"), agent="1001", max_attempts=3)),
    (
        "attempts end",
        lambda: unwell(*each(1.0, 9, "000-000"), agent="1001", max_attempts=3, retry_for_s=5.0),
    ),
    ("random waits", lambda: unwell(*each(0.105, 9, "000-000"), agent="1001")),
    ("retry budget", lambda: unwell(*each(0.01, 30, "000-000"), agent="1001")),
    ("pauses hold", lambda: unwell((1.0, "http 429"), (3.0, "http 429"), pause_s=5.0)),
    ("spared", lambda: unwell(*each(0.2, 30, "http 503"))),
    ("gives up", lambda: unwell((1.0, "http 503"), (12.0, "http 503"), give_up_after_s=10.0)),
    ("gives up", lambda: unwell((1.0, "reset"), (40.0, "reset"))),
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
    ("reaches its aim", lambda: held("1")),
]
