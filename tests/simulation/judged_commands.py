"""Mornings that keep or break a promise about several runs, commands, their ends and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulation.hand_made import (
    SETTINGS,
    ended,
    morning,
    of_two_processes,
    off,
    reported,
    request,
    run,
)
from tests.simulation.history import Ended, Handled, Morning, ReportRow
from tests.simulation.world import Command, CommandKind, GatewayModel

AGAIN = Command(CommandKind.APPLY, roster="shift", or_resume=True)
PERSON = Command(CommandKind.APPLY, roster="few", person=True)
KILLED = {"exit_code": 137, "ended_s": 3.0}
WRONG: dict[str, Any] = {"effect_s": None, "accepted": False, "answer": "000-003"}


def resumed(*handled: Handled, **first: Any) -> Morning:
    """Process 1 was killed after 3 s, and process 2 goes on with its run from 4 s on."""
    return of_two_processes(*handled, first={**KILLED, **first}, began_s=4.0)


def of_two_runs(*handled: Handled, **second: Any) -> Morning:
    """Process 1 carries out run A from the beginning, and process 2 run B from 5 s on."""
    return of_two_processes(
        *handled, first={}, **{"run_id": "B", "sent_for": "B", "began_s": 5.0, **second}
    )


def rivals(*handled: Handled, first: int = 0, second: int = 5, sent_for: str = "") -> Morning:
    """Two commands with --or-resume at once."""
    return of_two_processes(
        *handled,
        first={"command": AGAIN, "exit_code": first, "sent_for": "A" if first == 0 else ""},
        command=AGAIN,
        exit_code=second,
        sent_for=sent_for,
        run_id=sent_for,
    )


def after_a_person(*handled: Handled, **third: Any) -> Morning:
    """Run A finished, a person's run B set some agents, and then run C begins unattended."""
    return morning(
        handled=handled,
        ends=(
            ended(1, command=AGAIN, ended_s=4.0),
            ended(2, command=PERSON, began_s=5.0, ended_s=8.0, run_id="B", sent_for="B"),
            ended(
                3,
                **{
                    "command": AGAIN,
                    "began_s": 10.0,
                    "run_id": "C",
                    "sent_for": "C",
                    **third,
                },
            ),
        ),
        runs=(run("A"), run("B", roster="few"), run("C")),
    )


def ending(exit_code: int, *lines: ReportRow, **fields: Any) -> Morning:
    """A command that ends so, with this report."""
    return morning(ends=(ended(exit_code=exit_code, report=lines, **fields),))


def reverted(*handled: Handled, **fields: Any) -> Morning:
    """Run A of process 1, and from 10 s on its revert B by process 2, with what stood before."""
    command = Command(CommandKind.REVERT, run="process:1", **fields)
    return morning(
        handled=handled,
        ends=(
            ended(0, run_id="0", sent_for="0", ended_s=1.5),
            ended(1, began_s=1.8, ended_s=9.0),
            ended(2, command=command, began_s=10.0, run_id="B", sent_for="B"),
            ended(3, command=PERSON, began_s=5.0, ended_s=9.0, run_id="C", sent_for="C"),
        ),
        runs=(run("0"), run("A"), run("B", roster="", reverts="A"), run("C", roster="few")),
    )


def at_the_end(exit_code: int, *lines: ReportRow, stuck: str = "", **world: Any) -> Morning:
    """A morning whose run came to this end."""
    made = morning(
        handled=tuple(
            request(row.row, row.agent_id, row.row) for row in lines if row.status == "applied"
        ),
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
    "in doubt before a kill, sent again after it": lambda: resumed(
        request(1, "1001", 2.9), request(2, "1001", 5.0, process=2)
    ),
    "a later run leaves nothing to an earlier one": lambda: of_two_runs(
        request(1, "1001", 1.0), off(2, "1001", 6.0, process=2)
    ),
    "an unattended run leaves a person's agent alone": lambda: after_a_person(
        request(1, "1001", 1.0), off(2, "1001", 6.0, process=2), request(3, "1002", 11.0, process=3)
    ),
    "one of two rivals sends": lambda: rivals(request(1, "1001", 1.0)),
    "an interrupted run": lambda: morning(
        ends=(
            ended(
                exit_code=6,
                report=(reported(2), reported(3, "not_attempted", cause="gate", attempts=0)),
            ),
        )
    ),
    "what is rejected does not help": lambda: ending(
        4, reported(2), reported(3, "rejected", cause="bad_parameter")
    ),
    "what is absent may be": lambda: ending(
        0,
        reported(2),
        reported(3, "failed", cause="not_signed_in", flag="0"),
        settings={**SETTINGS, "absent_ok": True},
    ),
    "a deadline that is kept": lambda: morning(handled=LATE, ends=setting(deadline_s=8.0)),
    "different answers are no wrong set-up": lambda: first_agents("000-003", "100-007"),
    "a canary first": lambda: morning(handled=LATE, ends=setting(canary=1)),
    "a revert to what was known": lambda: reverted(
        off(1, "1001", 0.1, process=0),
        request(2, "1001", 2.0),
        off(3, "1001", 11.0, process=2),
    ),
    "a revert that guesses": lambda: reverted(
        request(2, "1001", 2.0), off(3, "1001", 11.0, process=2), assume_opposite=True
    ),
    "everything is set in the end": lambda: at_the_end(0, reported(2), reported(3)),
    "who has gone stays away": lambda: at_the_end(
        3,
        reported(2, "failed", cause="not_signed_in"),
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
    (
        "applied once",
        lambda: resumed(request(1, "1001", 1.0), request(2, "1001", 5.0, process=2)),
    ),
    (
        "applied once",
        lambda: resumed(
            request(1, "1001", 2.9),
            request(2, "1001", 5.0, process=2),
            report=(reported(2), reported(3, "unknown")),
        ),
    ),
    (
        "left to later runs",
        lambda: of_two_runs(
            request(1, "1001", 1.0, answer="nothing"),
            off(2, "1001", 6.0, process=2),
            request(3, "1001", 9.0),
            command=PERSON,
        ),
    ),
    (
        "a person's setting stays",
        lambda: after_a_person(
            request(1, "1001", 1.0),
            off(2, "1001", 6.0, process=2),
            request(3, "1001", 11.0, process=3),
        ),
    ),
    (
        "one process at a time",
        lambda: of_two_processes(
            request(1, "1001", 1.0),
            request(2, "1002", 2.0, process=2),
            request(3, "1003", 3.0),
            first={},
        ),
    ),
    (
        "one process at a time",
        lambda: morning(handled=(request(1, "1001", 5.0),), ends=(ended(ended_s=4.0),)),
    ),
    (
        "one run for an agent",
        lambda: of_two_runs(
            request(1, "1001", 1.0),
            request(2, "1001", 6.0, process=2),
            request(3, "1002", 7.0),
        ),
    ),
    ("one of several", lambda: rivals(first=5, second=5)),
    ("one of several", lambda: rivals(request(1, "1001", 1.0), second=2)),
    (
        "one of several",
        lambda: rivals(
            request(1, "1001", 1.0),
            request(2, "1002", 2.0, process=2),
            request(3, "1003", 3.0),
            second=0,
            sent_for="B",
        ),
    ),
    ("refused sends nothing", lambda: saying(exit_code=2)),
    ("refused sends nothing", lambda: saying(exit_code=6, result={"state": "refused"})),
    (
        "refused sends nothing",
        lambda: saying(command=Command(CommandKind.REPORT), sent_for=""),
    ),
    ("exit code is true", lambda: ending(0, reported(2), reported(3, "unknown"))),
    ("exit code is true", lambda: ending(3, reported(2), reported(3))),
    ("exit code is true", lambda: ending(4, reported(2), reported(3, "failed"))),
    (
        "exit code is true",
        lambda: ending(5, reported(2), reported(3, "not_attempted", cause="gate", attempts=0)),
    ),
    ("exit code is true", lambda: saying(exit_code=143)),
    ("exit code is true", lambda: saying(result={"exit_code": 3})),
    ("exit code is true", lambda: saying(result={"state": "halted"})),
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
    ("memory is bounded", lambda: saying(most_tasks=1_000)),
    ("as the interface has it", lambda: with_request("GET /agentevent/1001")),
    ("deadline holds", lambda: morning(handled=LATE, ends=setting(deadline_s=5.0))),
    ("wrong set-up halts", lambda: first_agents("000-003", "000-003")),
    (
        "canaries go first",
        lambda: morning(
            handled=(request(1, "1001", 1.0, **WRONG), request(2, "1002", 2.0)),
            ends=setting(canary=1),
        ),
    ),
    (
        "revert gives back",
        lambda: reverted(request(2, "1001", 2.0), off(3, "1001", 11.0, process=2)),
    ),
    ("revert gives back", lambda: reverted(off(3, "1001", 11.0, process=2))),
    (
        "revert gives back",
        lambda: reverted(
            off(1, "1001", 0.1, process=0),
            request(2, "1001", 2.0, **WRONG),
            off(3, "1001", 11.0, process=2),
        ),
    ),
    (
        "revert gives back",
        lambda: reverted(
            off(1, "1001", 0.1, process=0),
            request(2, "1001", 2.0),
            request(3, "1001", 11.0, process=2),
        ),
    ),
    (
        "revert gives back",
        lambda: reverted(
            off(1, "1001", 0.1, process=0),
            request(2, "1001", 2.0),
            request(3, "1001", 6.0, process=3),
            off(4, "1001", 11.0, process=2),
        ),
    ),
    ("comes to an end", lambda: at_the_end(0, reported(2), reported(3), stuck="it waits")),
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
