"""A morning with every kind of end, killed at each of its looks at the disk, and gone on with.

What a kill leaves between two looks is what it leaves at the next one. Drawn mornings have some of
these kills. Here are all those of one run and its resume.

Proves --durability.

README: No byte of a request leaves before the ledger has a mark of it on disk.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.history import Morning
from tests.simulation.judge.evidence import KILLED
from tests.simulation.trial import judged
from tests.simulation.world import (
    Command,
    CommandKind,
    Event,
    EventKind,
    Fault,
    FaultKind,
    GatewayModel,
    Roster,
    Row,
    RowKind,
    SourceKind,
    World,
    url_of,
)

_GATEWAY = "east"
_AGENTS = [str(agent) for agent in range(101, 121)]
_APPLY, _RESUME, _REPORT = 1, 2, 3
"""Numbers of the processes."""
_NEXT_S = 20.0
_FAULTS_END_S = 60.0
_FAULTS = (
    (FaultKind.RESET_BEFORE, 0.15, ""),
    (FaultKind.RESET_AFTER, 0.15, ""),
    (FaultKind.LOST_ANSWER, 0.15, ""),
    (FaultKind.REFUSES, 0.15, "000-004"),
    (FaultKind.REFUSES, 0.1, "100-009"),
    (FaultKind.STATUS, 0.1, "503"),
    (FaultKind.GARBAGE, 0.1, "<html>"),
)


def _world(durability: str, killed: int, look: int) -> World:
    """A handover and its resume, of which one is killed at its `look`-th look at the disk."""
    rows = [
        Row(RowKind.ASSIGNMENT, agent, _GATEWAY, str(int(int(agent) % 3 == 0))) for agent in _AGENTS
    ]
    again = Row(RowKind.DUPLICATE, rows[0].agent, _GATEWAY, rows[0].flag)
    commands = (
        Command(CommandKind.APPLY, roster="shift"),
        Command(CommandKind.RESUME, run="process:1", override=True),
    )[:killed]
    report = Command(CommandKind.REPORT, run="process:1")
    return World(
        seed=11,
        profile="killed everywhere",
        rosters=(Roster("shift", (*rows, again)),),
        gateways=(
            GatewayModel(
                _GATEWAY,
                latency_s=0.05,
                spread=0.5,
                on=frozenset(row.agent for row in rows if row.flag == "0"),
                absent=dict.fromkeys(_AGENTS[9:12], _FAULTS_END_S),
            ),
        ),
        faults=tuple(
            Fault(kind, _GATEWAY, 0.0, _FAULTS_END_S, share=share, code=code)
            for kind, share, code in _FAULTS
        ),
        source=SourceKind.FILE,
        source_faults=(),
        settings={
            "concurrency": 5,
            "per_second": None,
            "max_attempts": 3,
            "retry_for_s": 0.0,
            "timeout_s": 2.0,
            "connect_timeout_s": 1.0,
            "durability": durability,
            "gate": 0.25,
            "floor": 0.5,
            "gateways": {_GATEWAY: {"url": url_of(_GATEWAY)}},
        },
        events=(
            *(
                Event(EventKind.START, _NEXT_S * (at - 1), process=at, command=command)
                for at, command in enumerate(commands, 1)
            ),
            Event(EventKind.KILL_AT_COMMIT, _NEXT_S * (killed - 1), process=killed, number=look),
            Event(EventKind.START, _NEXT_S * killed, process=_REPORT, command=report),
        ),
        ends_s=_FAULTS_END_S + 1.0,
    )


def _killed_at(durability: str, killed: int, look: int) -> Morning | None:
    """The morning; None where the command came to its end before so many looks."""
    morning, verdicts = judged(_world(durability, killed, look))
    assert not verdicts, "\n".join([f"killed at look {look}", *map(str, verdicts)])
    assert morning is not None
    (ended,) = (end for end in morning.ended if end.process == killed)
    return morning if ended.exit_code == KILLED else None


def _has_sent(morning: Morning, killed: int) -> bool:
    return any(request.process == killed for request in morning.handled)


def test_a_command_that_is_killed_in_the_middle_is_gone_on_with() -> None:
    morning = _killed_at("full", _APPLY, 60)
    assert morning is not None
    assert _has_sent(morning, _APPLY)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("durability", "killed"), [("normal", _APPLY), ("full", _APPLY), ("full", _RESUME)]
)
def test_whenever_a_command_is_killed_the_ledger_tells_the_truth(
    durability: str, killed: int, printed: Callable[[str], None]
) -> None:
    look, sent = 1, 0
    while (morning := _killed_at(durability, killed, look)) is not None:
        look += 1
        sent += _has_sent(morning, killed)
    assert sent > len(_AGENTS), "each mark and each end is between two looks"
    assert sent < look - 1, "some are killed before anything was sent"
    printed(
        f"killed at each of {look - 1} looks at the disk, durability {durability}: all true, and"
        f" all gone on with; {sent} had sent something"
    )
