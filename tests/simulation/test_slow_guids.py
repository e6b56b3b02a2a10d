"""A GUID service that is slow changes nothing of what a gateway is promised.

Proves --guid-url, --rate, --concurrency; guide "Requests in doubt", "Rate and concurrency".
"""

from __future__ import annotations

import pytest

from tests.simulation.judge import judge
from tests.simulation.morning import live
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

_AGENTS = tuple(str(agent) for agent in range(1001, 1025))
_SLOW = Fault(FaultKind.SLOW, "", 0.0, 3.0, seconds=1.2)


def _morning(fault: Fault, *, concurrency: int, per_second: float) -> World:
    rows = tuple(Row(RowKind.ASSIGNMENT, agent, "east", "1") for agent in _AGENTS)
    return World(
        seed=1,
        profile="slow guids",
        rosters=(Roster("shift", rows),),
        gateways=(GatewayModel("east", latency_s=0.02, spread=0.3),),
        faults=(fault,),
        source=SourceKind.SERVICE,
        source_faults=(_SLOW,),
        settings={
            "concurrency": concurrency,
            "per_second": per_second,
            "gateways": {"east": {"url": url_of("east")}},
        },
        events=(Event(EventKind.START, 0.1, 1, Command(CommandKind.APPLY, roster="shift")),),
        ends_s=60.0,
    )


@pytest.mark.parametrize(
    ("fault", "concurrency", "per_second"),
    [
        (Fault(FaultKind.RESET_AFTER, "east", 0.0, 20.0, share=0.4, seconds=3.0), 2, 100.0),
        (Fault(FaultKind.SLOW, "east", 0.0, 0.1), 16, 4.0),
    ],
    ids=["a reset keeps its slot", "the rate holds when it is quick again"],
)
def test_a_gateway_is_spared(fault: Fault, concurrency: int, per_second: float) -> None:
    morning = live(_morning(fault, concurrency=concurrency, per_second=per_second))
    assert len(morning.handled) >= len(_AGENTS)
    assert not judge(morning)
