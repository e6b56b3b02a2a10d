"""Outages over HTTPS: nobody listens, connections are reset, and it comes back at its port."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bulkagent.emulator import EmulatedGateway, Latency, Outage, Scenario, load_scenario
from tests.emulator.conftest import FakeTime, SteppedTime
from tests.emulator.wire import (
    NOTHING,
    Received,
    Wire,
    ask,
    connected,
    is_listening,
    request,
    settalkright,
    trusting,
    turn_until_listening,
)
from tests.waiting import HANG_S

SAMPLES = Path(__file__).parents[2] / "samples" / "scenarios"


def emulated(
    stepped_time: SteppedTime, *outages: Outage, milliseconds: float = 0
) -> EmulatedGateway:
    return EmulatedGateway(
        Scenario(outages=outages, latency=Latency(milliseconds=milliseconds)),
        clock=stepped_time.clock,
        sleep=stepped_time.sleep,
    )


async def test_it_is_gone_and_back_by_hand(gateway: EmulatedGateway) -> None:
    url = gateway.url
    post = settalkright("101", gateway.sign_in("101"))
    async with connected(gateway) as wire:
        assert (await wire.exchange(post)).retcode == "0"
        for _ in range(2):  # two that have it gone call it back once
            await gateway.go_away()
        assert await wire.receive() == NOTHING
    assert not await is_listening(gateway)
    assert gateway.agents()[0].times_set == 1
    for _ in range(2):
        await gateway.come_back()
    assert gateway.url == url
    assert (await ask(gateway, post)).retcode == "0"
    stats = gateway.stats()
    assert (stats.requests, stats.faults) == (2, {})


async def test_it_may_end_while_it_is_gone(gateway: EmulatedGateway) -> None:
    await gateway.go_away()
    await gateway.__aexit__(None, None, None)
    await gateway.come_back()
    await gateway.go_away()
    with pytest.raises(RuntimeError, match="not running"):
        gateway.url  # noqa: B018 - asking is the test


async def test_its_port_is_kept_while_it_is_gone(gateway: EmulatedGateway) -> None:
    await gateway.go_away()
    others = [EmulatedGateway() for _ in range(20)]
    for other in others:
        await other.__aenter__()
    assert gateway.url not in [other.url for other in others]
    for other in others:
        await other.__aexit__(None, None, None)
    await gateway.come_back()
    assert await is_listening(gateway)


@pytest.mark.parametrize(
    "turns", [0, 3, *(pytest.param(turns, marks=pytest.mark.matrix) for turns in (1, 2, 4, 5))]
)
async def test_who_is_about_to_be_let_in_is_not(gateway: EmulatedGateway, turns: int) -> None:
    """Whatever the moment; a socket that is left behind would be a warning, and so an error."""
    address = urlsplit(gateway.url)
    coming = [socket.create_connection((address.hostname, address.port or 0)) for _ in range(5)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await gateway.go_away()
    assert not await is_listening(gateway)
    for each in coming:
        each.close()
    await gateway.come_back()
    assert await is_listening(gateway)
    gc.collect()


@pytest.mark.parametrize("asks_when", ["gone", "back"])
async def test_who_was_shaking_hands_when_it_went_gets_nothing(
    gateway: EmulatedGateway, asks_when: str
) -> None:
    post = settalkright("101", gateway.sign_in("101"))
    address = urlsplit(gateway.url)
    half_way = socket.create_connection((address.hostname, address.port or 0))
    assert (await ask(gateway, request("GET", "/emulator/stats"))).status == 200  # after it
    await gateway.go_away()
    reader, writer = await asyncio.open_connection(
        sock=half_way, ssl=trusting(gateway), server_hostname=address.hostname
    )
    if asks_when == "back":
        for _ in range(20):  # the server's side of the handshake ends later than the client's
            await asyncio.sleep(0)
        await gateway.come_back()
    wire = Wire(reader, writer)
    with contextlib.suppress(ConnectionError):
        assert await wire.exchange(post) == NOTHING
    writer.transport.abort()
    assert gateway.stats().requests == 0


async def test_the_named_request_is_the_first_without_an_answer(stepped_time: SteppedTime) -> None:
    async with emulated(stepped_time, Outage(from_request=3)) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as idle, connected(gateway) as wire:
            await idle.exchange(request("GET", "/emulator/stats"))
            seen = [await wire.exchange(post) for _ in range(3)]
            assert [received.status for received in seen] == [200, 200, 0]
            assert await idle.receive() == NOTHING
        assert not await is_listening(gateway)
        stepped_time.step(86_400)
        assert not await is_listening(gateway)
        stats = gateway.stats()
        assert (stats.requests, stats.in_flight) == (3, 0)
        assert (stats.answered, stats.faults) == ({"0": 2}, {"outage": 1})
        assert gateway.agents()[0].times_set == 2


async def test_it_is_back_after_its_seconds_and_stays(stepped_time: SteppedTime) -> None:
    async with emulated(stepped_time, Outage(from_request=2, seconds=5)) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        assert [(await ask(gateway, post)).status for _ in range(2)] == [200, 0]
        stepped_time.step(4.75)
        assert not await is_listening(gateway)
        stepped_time.step(0.25)
        await turn_until_listening(gateway, listens=True)
        assert [(await ask(gateway, post)).status for _ in range(3)] == [200] * 3


async def test_an_outage_by_the_clock_needs_no_request(stepped_time: SteppedTime) -> None:
    outages = (Outage(from_seconds=2, seconds=3), Outage(from_seconds=4, seconds=3))
    async with emulated(stepped_time, *outages) as gateway:
        stepped_time.step(100)  # the time before the first request does not count
        post = settalkright("101", gateway.sign_in("101"))
        assert (await ask(gateway, post)).status == 200
        stepped_time.step(1.75)
        assert (await ask(gateway, post)).status == 200
        async with connected(gateway) as wire:
            stepped_time.step(0.25)
            assert await wire.receive() == NOTHING
        await turn_until_listening(gateway, listens=False)
        for _ in range(3):  # to seconds 3.5, 5 and 6.5: the second begins before the first ends
            stepped_time.step(1.5)
            await asyncio.sleep(0)
            assert not await is_listening(gateway)
        stepped_time.step(0.5)
        await turn_until_listening(gateway, listens=True)
        assert (await ask(gateway, post)).status == 200
        assert gateway.stats().faults == {}


async def test_what_is_held_is_lost_with_its_connection(stepped_time: SteppedTime) -> None:
    async with emulated(stepped_time, Outage(from_request=2), milliseconds=20) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as first, connected(gateway) as second:
            await first.send(post)
            async with asyncio.timeout(HANG_S):
                while gateway.stats().in_flight != 1:  # noqa: ASYNC110 - no event to wait for
                    await asyncio.sleep(0.001)
            assert await second.exchange(post) == NOTHING
            assert await first.receive() == NOTHING
        stats = gateway.stats()
        assert (stats.requests, stats.in_flight, stats.answered) == (2, 0, {})
        assert gateway.agents()[0].times_set == 1


async def test_the_hand_and_the_scenario_both_have_to_let_it_come_back(
    stepped_time: SteppedTime,
) -> None:
    async with emulated(stepped_time, Outage(from_request=1, seconds=5)) as gateway:
        await ask(gateway, settalkright("101", gateway.sign_in("101")))
        await gateway.go_away()
        await gateway.come_back()
        assert not await is_listening(gateway)
        await gateway.go_away()
        stepped_time.step(5)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not await is_listening(gateway)
        await gateway.come_back()
        assert await is_listening(gateway)


async def test_a_restore_takes_the_outage_along(stepped_time: SteppedTime) -> None:
    async with emulated(stepped_time, Outage(from_request=2, seconds=5)) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        assert (await ask(gateway, post)).status == 200
        before = gateway.snapshot()
        assert (await ask(gateway, post)).status == 0
        stepped_time.step(4)
        during = gateway.snapshot()
        for _ in range(2):
            gateway.restore(before)
            await turn_until_listening(gateway, listens=True)
            assert (await ask(gateway, post)).status == 0
            assert not await is_listening(gateway)
            stepped_time.step(100)
            await turn_until_listening(gateway, listens=True)
            assert (await ask(gateway, post)).status == 200
            gateway.restore(before)
            await turn_until_listening(gateway, listens=True)
            assert (await ask(gateway, post)).status == 0
            gateway.restore(during)  # from an outage of 5 seconds into one with a second left
            await asyncio.sleep(0)
            assert sum("_keep_on" in repr(task) for task in asyncio.all_tasks()) == 1
            assert not await is_listening(gateway)
            stepped_time.step(1)
            await turn_until_listening(gateway, listens=True)


async def test_what_was_slept_has_passed_whatever_the_clock_says() -> None:
    """Else it would wait for ever for a clock that stands still."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    outages = (Outage(from_request=2, seconds=5), Outage(from_seconds=7, seconds=1))
    async with EmulatedGateway(
        Scenario(outages=outages), clock=lambda: 1000.0, sleep=sleep
    ) as gateway:
        await ask(gateway, settalkright("101", gateway.sign_in("101")))
        for _ in range(20):
            await asyncio.sleep(0)
        await turn_until_listening(gateway, listens=True)
        assert slept == [7, 1]


async def test_it_leaves_no_trace_in_the_log(
    stepped_time: SteppedTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with emulated(stepped_time, Outage(from_request=20)) as gateway:
        rows = list(gateway.roster(range(101, 161)))
        seen = await asyncio.gather(
            *(ask(gateway, settalkright(*row)) for row in rows), return_exceptions=True
        )
        assert all(isinstance(each, Received | OSError) for each in seen)
        assert seen.count(NOTHING) > 0
        assert gateway.stats().faults == {"outage": 1}
    assert caplog.records == []


@pytest.mark.parametrize(("name", "listens"), [("gone", False), ("dead", True)])
async def test_the_samples_die_at_the_three_hundredth_request(name: str, listens: bool) -> None:
    fake_time = FakeTime()
    async with EmulatedGateway(
        load_scenario(SAMPLES / f"{name}.toml"), clock=fake_time.clock, sleep=fake_time.sleep
    ) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as wire:
            statuses = [(await wire.exchange(post)).status for _ in range(300)]
        assert statuses == [200] * 299 + [0]
        assert await is_listening(gateway) is listens
        if listens:
            assert (await ask(gateway, post)).status == 0
        assert gateway.agents()[0].times_set == 299
