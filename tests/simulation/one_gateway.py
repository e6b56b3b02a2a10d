"""One gateway and one process that sends to it, for tests of either."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from yarl import URL

from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange import Reply
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.faults import Fault as Ended
from tests.jumping import run
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.surroundings.wire import SimulatedNetwork, SimulatedTransport
from tests.simulation.world import Fault, FaultKind, GatewayModel, SourceKind, World, url_of

EAST = GatewayModel("east", latency_s=0.1, spread=0.0)
ENDPOINT = Endpoint(name="east", url=url_of("east"))
TIMEOUT_S = 2.0
CONTENT = {"Content-Type": "application/json; charset=UTF-8"}


def world_of(model: GatewayModel, *faults: Fault, source_faults: tuple[Fault, ...] = ()) -> World:
    return World(
        seed=7,
        profile="calm",
        rosters=(),
        gateways=(model,),
        faults=faults,
        source=SourceKind.SERVICE,
        source_faults=source_faults,
        settings={},
        events=(),
        ends_s=100.0,
    )


class Morning:
    """One process at one gateway."""

    def __init__(
        self, model: GatewayModel, faults: tuple[Fault, ...], source_faults: tuple[Fault, ...]
    ) -> None:
        self.log: list[str] = []
        self.strays: list[tuple[int, ...]] = []
        world = world_of(model, *faults, source_faults=source_faults)
        self.gateways = Gateways(world, asyncio.get_running_loop(), self.log.append)
        self.network = SimulatedNetwork(self.gateways, 3)
        self.transport = self.open()

    def open(self, **options: Any) -> SimulatedTransport:
        return self.network.trust(ENDPOINT).transport(
            connect_timeout_s=1.0,
            timeout_s=TIMEOUT_S,
            out_of_step=self.strays.append,
            **options,
        )

    async def send(self, agent: str = "101", flag: str = "1", **options: Any) -> Reply:
        url = URL(
            f"{ENDPOINT.url}/agentgateway/resource/onlineagent/{agent}/settalkright?flag={flag}"
        )
        guid = options.pop("guid", None) or self.gateways.current_guid_of("east", agent)
        headers = {**CONTENT, "Guid": guid or "none"}
        return await self.transport.exchange("POST", url, headers, **options)

    async def ask(self, path: str, guid: str) -> Reply:
        headers = {**CONTENT, "Guid": guid}
        url = URL(f"{ENDPOINT.url}/agentgateway/resource/{path}")
        return await self.transport.exchange("GET", url, headers)


def live(
    story: Callable[[Morning], Awaitable[None]],
    *faults: Fault,
    model: GatewayModel = EAST,
    source_faults: tuple[Fault, ...] = (),
    **options: Any,
) -> Morning:
    async def main() -> Morning:
        morning = Morning(model, faults, source_faults)
        morning.transport = morning.open(**options)
        async with morning.transport:
            await story(morning)
        await asyncio.sleep(30.0)
        return morning

    return run(main())


def fault(kind: FaultKind, **fields: Any) -> Fault:
    return Fault(kind, **{"gateway": "east", "begins_s": 0.0, "ends_s": 50.0, **fields})


async def failure(sending: Awaitable[Reply]) -> Ended:
    with pytest.raises(ExchangeFailed) as caught:
        await sending
    return caught.value.fault
