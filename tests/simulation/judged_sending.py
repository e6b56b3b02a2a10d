"""Mornings that keep or break a promise about rows, requests and changes of shift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bulkagent.units import Adaptive
from tests.simulation.hand_made import (
    SETTINGS,
    ended,
    handed_over,
    morning,
    of_leg,
    of_report,
    of_two_processes,
    off,
    on,
    reported,
    request,
    two_applied,
    with_result,
)
from tests.simulation.history import Morning, Seen
from tests.simulation.world import Command, CommandKind


def by_sight(*seen_s: float) -> Morning:
    """Two agents are set on, seen at these times, and then one goes off at 3 s."""
    made = handed_over(
        on(1, "1001", 1.0), on(2, "1002", 2.0), off(3, "1003", 3.0), up_means="available"
    )
    made.seen = [Seen("east", str(1001 + n), 1, at_s) for n, at_s in enumerate(seen_s)]
    return made


def at_once(number: int) -> Morning:
    """With --concurrency auto:2-64 so many requests at once, and no answer yet."""
    auto = {**SETTINGS, "concurrency": Adaptive(2, 64), "per_second": None, "timeout_s": 10.0}
    return morning(
        handled=tuple(request(n, str(1000 + n), 1 + n / 1000, 3.0) for n in range(1, number + 1)),
        ends=(ended(settings=auto),),
    )


def guarded(*agents: str, exit_code: int = 0, **settings: Any) -> Morning:
    """One command with guardrails, of a roster of 1001 and 1002; its requests."""
    return morning(
        handled=tuple(request(n, agent, float(n)) for n, agent in enumerate(agents, 1)),
        ends=(ended(exit_code=exit_code),),
        settings={**SETTINGS, **settings},
    )


def passed_on(*, line: int, took_s: float = 2.0) -> Morning:
    """A stray reply hides a refusal, and the next request comes on this connection."""
    refused: dict[str, Any] = {"answer": "100-009", "effect_s": None, "accepted": False}
    return of_report(
        reported(2),
        reported(3, "unknown"),
        handled=(
            request(1, "1001", 1.0, 0.5, line=1, strayed_s=1.48, **refused),
            request(2, "1002", 1.5, took_s, line=line, strayed_s=1.5),
        ),
    )


KEPT: dict[str, Callable[[], Morning]] = {
    "a protected agent gets no request": lambda: guarded("1002", protect=["1001"]),
    "one agent too many is refused": lambda: guarded(exit_code=6, max_agents=1),
    "a protected agent is not one too many": lambda: guarded(
        "1002", protect=["1001"], max_agents=1
    ),
    "auto begins with sixteen": lambda: at_once(16),
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
    "a stray's true answer passes for the next agent's": lambda: passed_on(line=1),
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
    "a reply too many hides that a request is at work": lambda: morning(
        handled=(
            request(1, "1001", 1.0, 3.0, strayed_s=3.0),
            request(2, "1002", 1.5, 3.0),
            request(3, "1001", 3.5, 3.0),
        )
    ),
    "ten a second": lambda: morning(
        handled=tuple(request(n, str(1000 + n), n / 10, 0.05) for n in range(1, 40))
    ),
    "a handover in order": lambda: handed_over(
        on(1, "1001", 1.0), on(2, "1002", 2.0), off(3, "1003", 3.0), off(4, "1004", 4.0)
    ),
    "agents who were seen": lambda: by_sight(1.5, 2.5),
    "the floor leaves one on": lambda: handed_over(
        on(1, "1001", 1.0), off(2, "1003", 3.0), gate=0.5, floor=1.0
    ),
    "a closing that is allowed": lambda: handed_over(
        off(1, "1001", 1.0), flags="01", gate=0.0, floor=None
    ),
}
BROKEN: list[tuple[str, Callable[[], Morning]]] = [
    ("protected", lambda: guarded("1001", "1002", protect=["1001"])),
    ("too many agents", lambda: guarded("1001", exit_code=6, max_agents=1)),
    ("too many agents", lambda: guarded(exit_code=5, max_agents=1)),
    ("too many agents", lambda: guarded("1001", "1002", max_agents=1)),
    ("as it was answered", lambda: of_leg(reported(2, retcode="000-000"))),
    ("as it was answered", lambda: of_leg(reported(2, http_status="503"))),
    ("as it was answered", lambda: of_leg(reported(2, retcode=""))),
    ("not sent is true", lambda: of_leg(reported(2, attempts=2))),
    ("timed as it was", lambda: of_leg(reported(2, first_sent_at=""))),
    ("timed as it was", lambda: of_leg(reported(2, first_sent_at="2026-09-21T14:13:30.000Z"))),
    ("timed as it was", lambda: of_leg(reported(2, finished_at="2026-09-21T14:13:21.050Z"))),
    ("timed as it was", lambda: of_leg(reported(2, finished_at="2026-09-21T14:13:20.000Z"))),
    ("timed as it was", lambda: of_leg(reported(2, latency_ms="50.0"))),
    ("timed as it was", lambda: of_leg(reported(2, latency_ms=""))),
    (
        "answer is told",
        lambda: morning(
            handled=(request(1, "1001", 1.0),),
            ends=(ended(exit_code=130, report=(reported(2, "unknown", cause="interrupted"),)),),
        ),
    ),
    ("one line each", lambda: of_report(reported(2, "unknown"))),
    ("one line each", lambda: of_report(reported(3, "unknown"), reported(2, "unknown"))),
    ("one line each", lambda: of_report(reported(2, "unknown"), reported(3, "done"))),
    ("one line each", lambda: of_report(reported(2, "unknown"), reported(3, "duplicate"))),
    ("totals add up", lambda: with_result(rows=3)),
    ("totals add up", lambda: with_result(totals={"applied": 2})),
    ("counted as reported", lambda: with_result(causes={"timeout": 1})),
    ("applied is true", lambda: of_report(reported(2), reported(3, "unknown"))),
    ("applied is true", lambda: passed_on(line=2)),
    ("applied is true", lambda: passed_on(line=1, took_s=0.3)),
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
        "effect is told",
        lambda: morning(
            handled=(request(1, "1001", 1.0, answer="nothing"),),
            ends=(
                ended(exit_code=137, ended_s=10.0),
                ended(
                    2,
                    began_s=20.0,
                    ended_s=20.1,
                    command=Command(CommandKind.REPORT),
                    sent_for="",
                    result={"run_id": "A"},
                    report=(reported(2, "failed"),),
                ),
            ),
        ),
    ),
    (
        "not sent is true",
        lambda: of_report(reported(2, attempts=2), reported(3), handled=(request(1, "1001", 1.0),)),
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
        "within concurrency",
        lambda: morning(
            handled=(
                request(1, "1001", 1.0, 3.0, strayed_s=3.0),
                request(2, "1002", 1.5, 3.0),
                request(3, "1003", 2.5),
            )
        ),
    ),
    ("grows by answers", lambda: at_once(17)),
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
        "opposite waits",
        lambda: of_two_processes(
            request(1, "1001", 1.0, answer="nothing"),
            request(2, "1001", 3.0, process=2, flag="0"),
            first={"exit_code": 3, "ended_s": 2.0},
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
    ("gate and floor", lambda: by_sight(1.5, 5.0)),
]
