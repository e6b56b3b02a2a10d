"""A stray reply, one too many on a keep-alive connection, is not taken for the next agent's.

README: A reply that belongs to no request closes its connection before the next request.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import select
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp.client_proto import ResponseHandler
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.attempt import Attempt
from bulkagent.gateway import connection_pool
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.connection import HttpConnection
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.retcodes import RETCODES
from tests.gateway.raw import (
    SUCCESS,
    TO_AGENT_101,
    OneGuid,
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

REFUSED_BODY = b'{"retcode":"100-006","message":"agent not login"}'
REFUSED = http(REFUSED_BODY)
NOBODY = b"<html>408 Request Time-out</html>"


class Told:
    """What is said of connections that are out of step."""

    def __init__(self, client: GatewayClient) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.seen = asyncio.Event()
        self.client = client
        client.listen(self._hear)

    def _hear(self, rows: tuple[int, ...]) -> None:
        self.rows.append(rows)
        self.seen.set()

    async def attempt(self, row: int) -> Attempt:
        return await self.client.attempt(msgspec.structs.replace(TO_AGENT_101, row=row))

    @property
    def resting(self) -> list[HttpConnection]:
        pool = over_sockets(self.client)._pool
        assert pool is not None
        return list(pool.resting())

    @property
    def singly(self) -> bool:
        return over_sockets(self.client).singly


@contextlib.asynccontextmanager
async def talking(*script: Say) -> AsyncIterator[tuple[RawGateway, Told]]:
    async with raw_gateway(*script) as gateway, client_of(gateway) as client:
        yield gateway, Told(client)


async def test_a_reply_that_lies_in_the_socket_is_seen_before_the_next_request_is_written() -> None:
    async with talking(http(), http(), REFUSED) as (gateway, told):
        for row in (2, 3):
            assert (await told.attempt(row)).disposition is RETCODES["0"]
        gateway.push(http().reply)
        assert (await told.attempt(4)).disposition is RETCODES["100-006"]
        assert told.rows == [(2, 3)]
        assert (await told.attempt(5)).disposition is RETCODES["100-006"]
    assert len(gateway.requests) == 4
    assert gateway.connections == 3  # one request each, once it is known
    assert told.rows == [(2, 3)]


async def test_what_lies_in_the_socket_is_seen_without_a_turn_of_the_loop() -> None:
    async with talking(http(), REFUSED) as (gateway, told):
        await told.attempt(2)
        (connection,) = told.resting
        before = connection.unread
        gateway.push(http().reply)
        assert (before, connection.unread) == (not hasattr(select, "poll"), True)


async def test_a_reply_too_many_in_the_same_breath_puts_its_own_attempt_in_doubt() -> None:
    both = Say(http().reply + http().reply)
    async with talking(http(), both, REFUSED) as (gateway, told):
        assert (await told.attempt(2)).disposition is RETCODES["0"]
        assert (await told.attempt(3)).disposition is FAULTS[Fault.OUT_OF_STEP]
        assert (await told.attempt(4)).disposition is RETCODES["100-006"]
        assert told.rows == [(2, 3)]
        assert told.singly
    assert gateway.connections == 2


@pytest.mark.parametrize(
    ("pushed", "is_reply"),
    [
        (http(NOBODY, b"Connection: close", status=b"408 Request Timeout").reply, False),
        (b"HTTP/1.0 408 Request Time-out\r\n\r\n<html>", False),
        (b"HTTP/1.1 408 Req", False),
        (b"\r\n\r\n", False),
        (http(NOBODY, status=b"408 Request Timeout").reply, True),
        (http(b"", b"Connection: close", status=b"400 Bad Request").reply, True),
        (http(b"", b"Connection: close", status=b"408 x").reply + http().reply, True),
        (b"HTTP/1.1 200 OK\r\nContent-Le", True),
        (b"GARBAGE", True),
        (b"\0", True),
    ],
)
async def test_a_408_with_close_on_an_idle_connection_is_a_close_and_nothing_else(
    pushed: bytes, is_reply: bool
) -> None:
    """Nothing is sent on what anything has come on; what is no close puts attempts in doubt."""
    async with talking(http(), REFUSED) as (gateway, told):
        assert (await told.attempt(2)).disposition is RETCODES["0"]
        gateway.push(pushed)
        assert (await told.attempt(3)).disposition is RETCODES["100-006"]
        assert told.rows == ([(2,)] if is_reply else [])
        assert told.singly is is_reply
    assert gateway.connections == len(gateway.requests) == 2


@pytest.mark.parametrize("late", [False, True])
async def test_two_replies_of_the_same_words_to_the_only_request_of_a_connection_are_one(
    monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    """One of the two is its own; where they differ nobody knows which."""
    monkeypatch.setattr(connection_pool, "_LEAST_AT_UNSOUND_S", 0.2)
    success, refusal = http().reply, REFUSED.reply
    script = [http(), Say(success + success), Say(success + refusal), Say(refusal + success)]
    async with raw_gateway(*script, http()) as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
        client = GatewayClient(endpoint, SET_TALK_RIGHT, OneGuid(), singly=True)
        async with client:
            told = Told(client)
            if late:
                gateway.script = (http(),)
                for row, more in ((2, b""), (3, success), (4, refusal), (5, success + refusal)):
                    assert (await told.attempt(row)).disposition is RETCODES["0"]
                    gateway.push(more)
                await client.await_strays()
                assert sorted(told.rows) == [(4,), (5,)]
            else:
                ended = [(await told.attempt(row)).disposition.name for row in range(2, 7)]
                assert ended == ["0", "0", "out_of_step", "out_of_step", "0"]
    assert gateway.connections == len(gateway.requests)


CLOSE = b"Connection: close"


@pytest.mark.parametrize("earlier", [0, 1])
@pytest.mark.parametrize("broken", [False, True])
async def test_a_reply_after_connection_close_is_read_and_puts_all_of_it_in_doubt(
    monkeypatch: pytest.MonkeyPatch, earlier: int, *, broken: bool
) -> None:
    """The first of the two was a stray reply, or garbage follows: `Connection: close` ends none."""
    monkeypatch.setattr(connection_pool, "_LEAST_AT_UNSOUND_S", 0.2)
    script = [http()] * earlier + [http(SUCCESS, CLOSE), http()]
    async with talking(*script) as (gateway, told):
        rows = tuple(range(2, 3 + earlier))
        for row in rows:
            assert (await told.attempt(row)).disposition is RETCODES["0"]
        gateway.push(b"GARBAGE" if broken else http(REFUSED_BODY, CLOSE).reply)
        await told.attempt(9)
        await told.client.await_strays()
        assert told.rows == [rows]
        assert told.singly
    assert gateway.connections == 2


@pytest.mark.parametrize("parted", [False, True])
async def test_a_reply_right_behind_connection_close_puts_its_own_attempt_in_doubt(
    *, parted: bool
) -> None:
    whole = http(SUCCESS, CLOSE).reply + REFUSED.reply
    head = whole.index(b"\r\n\r\n") + 4 if parted else len(whole)
    async with talking(http(), Say(whole[:head]), REFUSED) as (gateway, told):
        assert (await told.attempt(2)).disposition is RETCODES["0"]
        gateway.asked.clear()
        async with asyncio.TaskGroup() as tasks:
            attempt = tasks.create_task(told.attempt(3))
            await gateway.asked.wait()
            for _ in range(20):
                await asyncio.sleep(0)  # the head is read by itself
            gateway.push(whole[head:])
        assert attempt.result().disposition is FAULTS[Fault.OUT_OF_STEP]
        assert told.rows == [(2, 3)]
        assert (await told.attempt(4)).disposition is RETCODES["100-006"]


async def test_who_closes_after_connection_close_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else this would not end, and a gateway without keep-alive would cost time at the end."""
    monkeypatch.setattr(connection_pool, "_LEAST_S", math.inf)
    async with talking(http(SUCCESS, CLOSE, then=Then.CLOSE)) as (gateway, told):
        for row in range(2, 5):
            assert (await told.attempt(row)).disposition is RETCODES["0"]
        pool = over_sockets(told.client)._pool
        assert pool is not None
        async with asyncio.timeout(HANG_S):
            while list(pool.resting()):
                pool._left.clear()
                await pool._left.wait()
        await told.client.await_strays()
        assert told.rows == []
        assert not told.singly
    assert gateway.connections == 3


@given(
    longest_s=st.floats(0.0, 60.0),
    timeout_s=st.floats(0.1, 60.0),
    unsound=st.booleans(),
)
def test_a_connection_is_read_on_for_the_longest_answer_and_a_little(
    *, longest_s: float, timeout_s: float, unsound: bool
) -> None:
    """No shorter: a stray reply says nothing of how late the request's own will come."""
    seconds = connection_pool.read_on_s(longest_s, timeout_s, unsound=unsound)
    assert seconds >= longest_s + 0.1
    assert seconds <= max(longest_s + 0.1, min(1.0, timeout_s) if unsound else 0.0)
    if unsound:
        assert seconds >= min(1.0, timeout_s)


async def test_an_answer_that_came_late_beside_a_stray_one_makes_all_be_read_on_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The longest answer is not measured by stray replies alone."""
    monkeypatch.setattr(connection_pool, "_LEAST_S", 0.0)
    async with talking() as (gateway, told):
        await told.attempt(2)
        pool = over_sockets(told.client)._pool
        assert pool is not None
        (connection,) = pool.resting()
        connection._began -= 3.0
        gateway.push(http(REFUSED_BODY).reply)
        async with asyncio.timeout(HANG_S):
            await told.seen.wait()
        assert pool.longest_s >= 3.0
        await told.attempt(3)
        (connection,) = pool.resting()
        assert pool.due(connection) >= connection.rested_at + 3.0


@pytest.mark.parametrize("singly", [False, True])
async def test_only_so_many_connections_are_read_on_at_once(
    monkeypatch: pytest.MonkeyPatch, *, singly: bool
) -> None:
    """Each is an open file; at a gateway that is unsound a request waits, elsewhere none does."""
    monkeypatch.setattr(connection_pool, "MOST_READ_ON", 2)
    monkeypatch.setattr(connection_pool, "_LEAST_AT_UNSOUND_S", 0.0)
    monkeypatch.setattr(connection_pool, "_LEAST_S", 0.02 if singly else 30.0)
    async with raw_gateway(http() if singly else http(SUCCESS, CLOSE)) as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
        client = GatewayClient(endpoint, SET_TALK_RIGHT, OneGuid(), singly=singly)
        async with client:
            told = Told(client)
            pool = over_sockets(client)._pool
            assert pool is not None
            for row in range(2, 8):
                assert (await told.attempt(row)).disposition is RETCODES["0"]
                assert len(list(pool.resting())) <= 2
        assert gateway.connections == 6


async def test_a_connection_is_given_up_after_as_many_requests_as_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert connection_pool.MOST_REQUESTS == 1_000
    monkeypatch.setattr(connection_pool, "MOST_REQUESTS", 3)
    async with talking() as (gateway, told):
        for row in range(2, 9):
            await told.attempt(row)
        assert gateway.connections == 3
        assert not told.singly


async def test_what_comes_at_last_is_seen_when_all_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the connections that wait and on those that were given up, which are read on."""
    monkeypatch.setattr(connection_pool, "MOST_REQUESTS", 2)
    monkeypatch.setattr(connection_pool, "_LEAST_S", 0.5)
    async with talking() as (gateway, told):
        await told.attempt(2)
        await told.attempt(3)
        first = gateway.push
        await told.attempt(4)
        assert told.rows == []
        first(http().reply)
        gateway.push(http().reply)
        await told.client.await_strays()
        assert sorted(told.rows) == [(2, 3), (4,)]
        await told.client.await_strays()
    assert len(told.rows) == 2


async def test_what_comes_before_any_request_is_nobodys_answer() -> None:
    async with talking(REFUSED) as (gateway, told):
        greeting = http().reply
        assert told.client._transport is not None

        def greet(_self: object, transport: object) -> None:
            ResponseHandler.connection_made(_self, transport)  # type: ignore[arg-type]
            HttpConnection.data_received(_self, greeting)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(HttpConnection, "connection_made", greet)
            early = await told.attempt(2)
        assert early.disposition is FAULTS[Fault.RESET]
        assert (await told.attempt(3)).disposition is RETCODES["100-006"]
    assert len(gateway.requests) == 1
