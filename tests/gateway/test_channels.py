"""A stray reply, one too many on a keep-alive connection, is not taken for the next agent's."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp.client_proto import ResponseHandler

from bulkagent.gateway import channels
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.outcome import Attempt
from tests.gateway.raw import (
    TO_AGENT_101,
    OneGuid,
    RawGateway,
    Say,
    ca_pem,
    client_of,
    http,
    raw_gateway,
)

REFUSED = http(b'{"retcode":"100-006","message":"agent not login"}')
NOBODY = b"<html>408 Request Time-out</html>"


class Told:
    """What is said of connections that are out of step."""

    def __init__(self, client: GatewayClient) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.client = client
        client.listen(self.rows.append)

    async def attempt(self, row: int) -> Attempt:
        return await self.client.attempt(msgspec.structs.replace(TO_AGENT_101, row=row))

    @property
    def singly(self) -> bool:
        assert self.client._connections is not None
        return self.client._connections.singly


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
    *, late: bool
) -> None:
    """One of the two is its own; where they differ nobody knows which."""
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
                await client.look_back()
                assert sorted(told.rows) == [(4,), (5,)]
            else:
                ended = [(await told.attempt(row)).disposition.name for row in range(2, 7)]
                assert ended == ["0", "0", "out_of_step", "out_of_step", "0"]
    assert gateway.connections == len(gateway.requests)


async def test_a_connection_is_given_up_after_as_many_requests_as_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert channels.MOST_REQUESTS == 1_000
    monkeypatch.setattr(channels, "MOST_REQUESTS", 3)
    async with talking() as (gateway, told):
        for row in range(2, 9):
            await told.attempt(row)
        assert gateway.connections == 3
        assert not told.singly


async def test_what_comes_at_last_is_seen_when_all_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the connections that wait and on those that were given up, which are read on."""
    monkeypatch.setattr(channels, "MOST_REQUESTS", 2)
    async with talking() as (gateway, told):
        await told.attempt(2)
        await told.attempt(3)
        first = gateway.push
        await told.attempt(4)
        await told.client.look_back()
        assert told.rows == []
        first(http().reply)
        gateway.push(http().reply)
        await told.client.look_back()
        assert sorted(told.rows) == [(2, 3), (4,)]
        await told.client.look_back()
    assert len(told.rows) == 2


async def test_what_comes_before_any_request_is_nobodys_answer() -> None:
    async with talking(REFUSED) as (gateway, told):
        greeting = http().reply
        assert told.client._connections is not None

        def greet(_self: object, transport: object) -> None:
            ResponseHandler.connection_made(_self, transport)  # type: ignore[arg-type]
            channels.Channel.data_received(_self, greeting)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(channels.Channel, "connection_made", greet)
            early = await told.attempt(2)
        assert early.disposition is FAULTS[Fault.RESET]
        assert (await told.attempt(3)).disposition is RETCODES["100-006"]
    assert len(gateway.requests) == 1
