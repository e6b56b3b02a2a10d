"""--timeout: an answer that is overdue is read on for, because a gateway does not stop (A3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bulkagent.attempt import Attempt
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.faults import FAULTS, WITHOUT_AN_ANSWER, Fault
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.gateway.timeouts import Deadlines
from bulkagent.model import Delivery
from tests.gateway.raw import (
    TO_AGENT_101,
    RawGateway,
    Say,
    Then,
    ca_pem,
    client_of,
    http,
    over_sockets,
    raw_gateway,
)
from tests.waiting import HANG_S

PAGE = http(b"<html>busy</html>", status=b"503 Service Unavailable").reply


class Asked:
    """One attempt that a gateway has taken and does not answer of itself."""

    def __init__(self, gateway: RawGateway, client: GatewayClient) -> None:
        self.gateway = gateway
        self.told = 0
        self.task = asyncio.create_task(client.attempt(TO_AGENT_101, self._overdue))
        self.deadlines: Deadlines = over_sockets(client)._deadlines

    def _overdue(self) -> None:
        self.told += 1

    def time_passes(self) -> None:
        """As much as the time-out, without waiting for it."""
        (deadline,) = (*self.deadlines._running, *self.deadlines._overdue)
        deadline.at = asyncio.get_running_loop().time()
        self.deadlines._pass()

    async def ended(self) -> Attempt:
        async with asyncio.timeout(HANG_S):
            return await self.task


@asynccontextmanager
async def asked() -> AsyncIterator[Asked]:
    async with raw_gateway(Say(then=Then.HANG)) as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
        async with client_of(endpoint) as client:
            attempt = Asked(gateway, client)
            async with asyncio.timeout(HANG_S):
                await gateway.asked.wait()
            yield attempt
            assert len(attempt.deadlines) == 0


@pytest.mark.parametrize(
    ("reply", "name"),
    [(http().reply, "0"), (PAGE, "unavailable"), (b"\r\nwhat?\r\n\r\n", "not_a_gateway")],
)
async def test_a_late_reply_settles_the_attempt_like_any(reply: bytes, name: str) -> None:
    async with asked() as attempt:
        attempt.time_passes()
        assert (attempt.told, attempt.task.done()) == (1, False)
        attempt.gateway.push(reply)
        ended = await attempt.ended()
    assert ended.disposition.name == name
    assert not ended.disposition.lingers, "a whole reply of any kind ends the request"
    assert attempt.told == 1


async def test_after_twice_the_timeout_it_is_cut_and_in_doubt() -> None:
    async with asked() as attempt:
        attempt.time_passes()
        await asyncio.sleep(0)
        assert not attempt.task.done()
        attempt.time_passes()
        ended = await attempt.ended()
    assert ended.disposition is FAULTS[Fault.READ_TIMEOUT]
    assert attempt.told == 1


async def test_a_reply_in_time_is_never_overdue() -> None:
    async with asked() as attempt:
        attempt.gateway.push(http().reply)
        assert (await attempt.ended()).disposition is RETCODES["0"]
    assert attempt.told == 0


async def test_a_connection_that_ends_while_it_is_read_on_is_a_reset() -> None:
    async with asked() as attempt:
        attempt.time_passes()
        await attempt.gateway.end()
        ended = await attempt.ended()
    assert ended.disposition is FAULTS[Fault.RESET]
    assert ended.since_sent_s is not None
    assert 0.0 <= ended.since_sent_s <= ended.latency_ms / 1000.0


async def test_whoever_does_not_ask_for_that_is_cut_at_the_timeout() -> None:
    """Queries, sign-ins and the GUID service: nobody there may wait twice as long."""
    async with raw_gateway(Say(then=Then.HANG)) as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
        async with client_of(endpoint, timeout_s=0.3, connect_timeout_s=0.29) as client:
            transport = over_sockets(client)
            attempt = await client.attempt(TO_AGENT_101)
            assert len(transport._deadlines) == 0
    assert attempt.disposition in {FAULTS[Fault.READ_TIMEOUT], FAULTS[Fault.CONNECT_TIMEOUT]}


def test_what_may_be_at_work_is_in_doubt_and_all_that_had_an_answer_is_not() -> None:
    lingering = {fault for fault, disposition in FAULTS.items() if disposition.lingers}
    assert lingering == WITHOUT_AN_ANSWER
    assert all(FAULTS[fault].delivery is Delivery.IN_DOUBT for fault in lingering)
    assert not any(disposition.lingers for disposition in RETCODES.values())
