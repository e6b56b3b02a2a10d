"""Mornings that keep or break a promise about several commands and several runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

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
from tests.simulation.history import Handled, Morning
from tests.simulation.world import Command, CommandKind

AGAIN = Command(CommandKind.APPLY, roster="shift", or_resume=True)
PERSON = Command(CommandKind.APPLY, roster="few", person=True)
IMPATIENT = {**SETTINGS, "max_age_s": 20.0}
KILLED: dict[str, Any] = {"exit_code": 137, "ended_s": 3.0}
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


KEPT: dict[str, Callable[[], Morning]] = {
    "in doubt before a kill, sent again after it": lambda: resumed(
        request(1, "1001", 2.9), request(2, "1001", 5.0, process=2)
    ),
    "a later run leaves nothing to an earlier one": lambda: of_two_runs(
        request(1, "1001", 1.0), off(2, "1001", 6.0, process=2)
    ),
    "a take-over that waited": lambda: of_two_runs(
        request(1, "1001", 1.0),
        request(3, "1001", 6.0, process=2),
        command=msgspec.structs.replace(PERSON, take_over="all"),
    ),
    "an unattended run leaves a person's agent alone": lambda: after_a_person(
        request(1, "1001", 1.0), off(2, "1001", 6.0, process=2), request(3, "1002", 11.0, process=3)
    ),
    "a run of just now": lambda: of_two_processes(
        request(1, "1001", 2.9), first=KILLED, began_s=12.0, settings=IMPATIENT
    ),
    "one of two rivals sends": lambda: rivals(request(1, "1001", 1.0)),
    "a revert to what was known": lambda: reverted(
        off(1, "1001", 0.1, process=0),
        request(2, "1001", 2.0),
        off(3, "1001", 11.0, process=2),
    ),
    "a revert that guesses": lambda: reverted(
        request(2, "1001", 2.0), off(3, "1001", 11.0, process=2), assume_opposite=True
    ),
}
BROKEN: list[tuple[str, Callable[[], Morning]]] = [
    (
        "not sent again",
        lambda: resumed(request(1, "1001", 1.0), request(2, "1001", 5.0, process=2)),
    ),
    (
        "not sent again",
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
        "a person's word",
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
    (
        "take-over waits",
        lambda: of_two_runs(
            request(1, "1001", 1.0),
            request(2, "1002", 5.5, 1.5),
            request(3, "1001", 6.0, process=2),
            command=msgspec.structs.replace(PERSON, take_over="all"),
        ),
    ),
    ("one of several sends", lambda: rivals(first=5, second=5)),
    ("one of several sends", lambda: rivals(request(1, "1001", 1.0), second=2)),
    (
        "one of several sends",
        lambda: rivals(
            request(1, "1001", 1.0),
            request(2, "1002", 2.0, process=2),
            request(3, "1003", 3.0),
            second=0,
            sent_for="B",
        ),
    ),
    (
        "not too old",
        lambda: of_two_processes(
            request(1, "1001", 1.0), first=KILLED, began_s=30.0, settings=IMPATIENT
        ),
    ),
    (
        "not too old",
        lambda: of_two_processes(
            request(1, "1001", 2.0),
            first={**KILLED, "ahead_s": 600.0},
            began_s=30.0,
            settings=SETTINGS,
        ),
    ),
    (
        "revert",
        lambda: reverted(request(2, "1001", 2.0), off(3, "1001", 11.0, process=2)),
    ),
    ("revert", lambda: reverted(off(3, "1001", 11.0, process=2))),
    (
        "revert",
        lambda: reverted(
            off(1, "1001", 0.1, process=0),
            request(2, "1001", 2.0, **WRONG),
            off(3, "1001", 11.0, process=2),
        ),
    ),
    (
        "revert",
        lambda: reverted(
            off(1, "1001", 0.1, process=0),
            request(2, "1001", 2.0),
            request(3, "1001", 11.0, process=2),
        ),
    ),
    (
        "revert",
        lambda: reverted(
            off(1, "1001", 0.1, process=0),
            request(2, "1001", 2.0),
            request(3, "1001", 6.0, process=3),
            off(4, "1001", 11.0, process=2),
        ),
    ),
]
