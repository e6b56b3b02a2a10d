"""Clients that hang up, over HTTPS: the gateway processes to the end what it has taken."""

from __future__ import annotations

import asyncio

from bulkagent.emulator import EmulatedGateway, Latency, Scenario
from tests.emulator.conftest import SteppedTime
from tests.emulator.wire import connected, settalkright
from tests.waiting import HANG_S

HELD = Scenario(seed=7, latency=Latency(milliseconds=2000))


async def until_in_flight(gateway: EmulatedGateway, number: int) -> None:
    async with asyncio.timeout(HANG_S):
        while gateway.stats().in_flight != number:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.001)


async def until_hung_up(gateway: EmulatedGateway) -> None:
    async with asyncio.timeout(HANG_S):
        while not len(gateway._server._abandoned):  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.001)


async def test_a_hung_up_client_counts_as_in_flight_until_its_request_is_processed(
    stepped_time: SteppedTime,
) -> None:
    """Slower than --timeout: a client that hangs up and asks again has two in flight (A3)."""
    async with EmulatedGateway(HELD, clock=stepped_time.clock, sleep=stepped_time.sleep) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as impatient:
            await impatient.send(post)
            await until_in_flight(gateway, 1)
            stepped_time.step(0.5)
        await until_hung_up(gateway)
        assert gateway.stats().in_flight == 1
        async with connected(gateway) as again:
            await again.send(post)
            await until_in_flight(gateway, 2)
            stepped_time.step(1.5)  # the first is over, the second is not
            await until_in_flight(gateway, 1)
            stepped_time.step(0.5)
            assert (await again.receive()).retcode == "0"
        stats = gateway.stats()
    assert (stats.peak_in_flight, stats.in_flight) == (2, 0)
    assert stats.answered == {"0": 1}, "nobody was there to be told of the first"
    assert gateway.agents()[0].times_set == 2


async def test_a_power_cut_ends_what_was_processed_for_nobody(stepped_time: SteppedTime) -> None:
    async with EmulatedGateway(HELD, clock=stepped_time.clock, sleep=stepped_time.sleep) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as impatient:
            await impatient.send(post)
            await until_in_flight(gateway, 1)
        await until_hung_up(gateway)
        assert gateway.stats().in_flight == 1
        assert repr(gateway._server._abandoned) == "<AbandonedRequests: 1 requests>"
        await gateway.go_away()
        await until_in_flight(gateway, 0)


async def test_an_emulated_gateway_ends_at_once_whatever_is_processed(
    stepped_time: SteppedTime,
) -> None:
    async with EmulatedGateway(HELD, clock=stepped_time.clock, sleep=stepped_time.sleep) as gateway:
        async with connected(gateway) as impatient:
            await impatient.send(settalkright("101", gateway.sign_in("101")))
            await until_in_flight(gateway, 1)
        await until_hung_up(gateway)
    assert gateway.stats().in_flight == 0
