"""Whole runs over a network that exists only in the test: all that crosses the wire has one seam.

Proves guide "The flow", "A service".
"""

from __future__ import annotations

import asyncio
import csv
import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, NoReturn, Self
from unittest import mock

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from bulkagent.clock import SystemClock
from bulkagent.diagnostics import CheckRequest, probes, run_checks
from bulkagent.errors import SettingsRefused
from bulkagent.gateway import tls_context
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange import Reply
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.faults import Fault
from bulkagent.gateway.network import HTTPS, NETWORK
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.preflight import run_preflight
from bulkagent.gateway.queries import Queries
from bulkagent.gateway.session_client import SessionClient
from bulkagent.run import Consent, Request, Run, RunResult
from bulkagent.run.clients.target import Target
from bulkagent.settings import GuidService, Settings
from tests.gateway.raw import GUID, OneGuid

GATEWAY = "https://gw.imagined:8043"
SERVICE = "https://guids.imagined"
AGENTS = [str(agent) for agent in range(101, 131)]


class Asked(msgspec.Struct, frozen=True):
    """A request as it came in."""

    method: str
    url: str
    guid: str


class Imagined:
    """A network with one gateway and one service of GUIDs."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.talk_rights: dict[str, str] = {}
        self.trusted: list[str] = []
        self.connected: list[str] = []
        self.transports: list[dict[str, Any]] = []
        self.opened = self.closed = 0
        self.connects: Callable[[], int | None] = lambda: None
        self.struck: set[str] = set()
        """Agents whose next request does not reach the gateway."""

    def trust(self, endpoint: Endpoint, *, ca_option: str = "--ca-file") -> Believed:
        self.trusted.append(f"{endpoint.url} {ca_option}")
        return Believed(self, endpoint)

    def answer(self, method: str, url: URL, headers: Mapping[str, str]) -> bytes:
        self.asked.append(Asked(method, str(url), headers.get("Guid", "")))
        if url.host == "guids.imagined":
            return json.dumps({"guid": f"{url.name}-{GUID}"}).encode()
        agent_id = url.parts[-2]
        if headers["Guid"] != f"{agent_id}-{GUID}":
            return b'{"retcode":"000-003","message":"guid"}'
        if agent_id in self.struck:
            self.struck.remove(agent_id)
            raise ExchangeFailed(Fault.REFUSED, "imagined")
        self.talk_rights[agent_id] = url.query["flag"]
        return b'{"result":{},"message":"success","retcode":"0"}'

    @property
    def to_gateway(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.url.startswith(GATEWAY)]


class Believed:
    """Trust in one side of it."""

    def __init__(self, network: Imagined, endpoint: Endpoint) -> None:
        self._network = network
        self._endpoint = endpoint

    def transport(self, **wanted: Any) -> Imagination:
        self._network.transports.append({"trust": self._endpoint.name, **wanted})
        return Imagination(self._network)

    async def connect(self) -> int | None:
        self._network.connected.append(self._endpoint.url)
        return self._network.connects()


class Imagination:
    """A way into it."""

    singly = False

    def __init__(self, network: Imagined) -> None:
        self._network = network

    async def __aenter__(self) -> Self:
        self._network.opened += 1
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._network.closed += 1

    async def await_strays(self) -> None:
        pass

    async def exchange(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        in_turn: bool = False,
        name: int | None = None,
        overdue: Callable[[], None] | None = None,
    ) -> Reply:
        nothing: CIMultiDict[str] = CIMultiDict()
        return Reply(200, CIMultiDictProxy(nothing), self._network.answer(method, url, headers))


@pytest.fixture
def network() -> Iterator[Imagined]:
    imagined = Imagined()
    token = NETWORK.set(imagined)
    yield imagined
    NETWORK.reset(token)


def no_sockets(*_args: object, **_named: object) -> NoReturn:
    raise AssertionError("a socket, or a name to look up")


async def applied(folder: Path) -> RunResult:
    roster = folder / "roster.csv"
    roster.write_text("\n".join(["agent_id", *AGENTS, ""]))
    asked = Request(
        roster=str(roster),
        gateway=GATEWAY,
        flag=0,
        reports=(folder / "report.csv",),
        settings=Settings(
            ledger=folder / "ledger.sqlite3",
            per_second=None,
            guids=GuidService(f"{SERVICE}/of/{{agentid}}"),
        ),
    )
    with pytest.MonkeyPatch.context() as patch, Run(asked, uniform=lambda: 0.0) as run:
        patch.setattr(socket, "socket", no_sockets)
        patch.setattr(socket, "getaddrinfo", no_sockets)
        prepared = run.prepare()
        return (await prepared.execute(Consent.YES)).result_or_defect()


async def test_a_whole_run_goes_over_the_network_that_is_in_its_context(
    network: Imagined, tmp_path: Path
) -> None:
    network.struck = {"104"}
    result = await applied(tmp_path)
    assert (result.exit_code, result.totals["applied"]) == (0, len(AGENTS))
    assert (result.requests, result.not_sent) == (len(AGENTS), 1)
    assert network.talk_rights == dict.fromkeys(AGENTS, "0")
    assert len(network.to_gateway) == len(AGENTS) + 1
    assert {asked.method for asked in network.to_gateway} == {"POST"}
    with (tmp_path / "report.csv").open(newline="") as file:
        assert [(row["agent_id"], row["status"]) for row in csv.DictReader(file)] == [
            (agent, "applied") for agent in AGENTS
        ]


async def test_the_preflight_and_the_service_of_guids_do_as_well(
    network: Imagined, tmp_path: Path
) -> None:
    await applied(tmp_path)
    assert network.connected == [GATEWAY]
    assert f"{GATEWAY} --ca-file" in network.trusted
    assert {asked.url for asked in network.asked if asked.url.startswith(SERVICE)} == {
        f"{SERVICE}/of/{agent}" for agent in AGENTS
    }
    service, gateway = network.transports
    assert service["trust"] == "GUID service"
    assert network.trusted.count(" --guid-ca-file") == 1
    assert gateway["trust"] == "gw.imagined:8043"
    assert gateway["wary"]
    assert network.opened == network.closed == 2


async def test_what_the_network_says_of_a_gateway_refuses_a_run(
    network: Imagined, tmp_path: Path
) -> None:
    def no_such_name() -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    network.connects = no_such_name
    with pytest.raises(SettingsRefused, match="has no address"):
        await applied(tmp_path)
    assert network.asked == []


async def test_each_client_says_what_it_needs_of_the_network(network: Imagined) -> None:
    endpoint = Endpoint(name="g", url=GATEWAY)
    async with GatewayClient(endpoint, SET_TALK_RIGHT, OneGuid(GUID), singly=True):
        (setting,) = network.transports
    assert {"wary": True, "singly": True}.items() <= setting.items()
    async with Queries(endpoint, OneGuid(GUID)):
        (_, asking) = network.transports
    assert {"wary": True, "longest": 1_048_576}.items() <= asking.items()
    async with SessionClient(endpoint, SystemClock()):
        (_, _, polling, signing_in) = network.transports
    assert (polling["opening_at_once"], polling["once"]) == (64, False)
    assert (signing_in["opening_at_once"], signing_in["once"]) == (0, True)
    assert network.opened == network.closed == 4
    assert network.trusted == [f"{GATEWAY} --ca-file"] * 3


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the event loop was held up, for each time that certificate files are read."""
    held_up: list[bool] = []

    def read(*given: Any, **named: Any) -> ssl.SSLContext:
        held_up.append(threading.current_thread() is threading.main_thread())
        return tls_context.tls_context(*given, **named)

    in_place = SimpleNamespace(tls_context=read)
    monkeypatch.setitem(sys.modules, tls_context.__name__, in_place)
    monkeypatch.setattr(probes, "tls_context", read)
    return held_up


Opened = Callable[[Endpoint], AbstractAsyncContextManager[object]]


@pytest.mark.parametrize(
    "opened",
    [
        lambda endpoint: GatewayClient(endpoint, SET_TALK_RIGHT, OneGuid(GUID)),
        lambda endpoint: Queries(endpoint, OneGuid(GUID)),
        lambda endpoint: SessionClient(endpoint, SystemClock()),
    ],
    ids=["setter", "queries", "sessions"],
)
async def test_a_client_reads_certificate_files_once_and_holds_up_nothing(
    reading: list[bool], opened: Opened
) -> None:
    """Two readings may differ, and one takes longer than anything on the event loop may."""
    async with opened(Endpoint(name="g", url=GATEWAY)):
        assert reading == [False]


async def test_neither_do_the_preflight_and_what_doctor_looks_at(
    reading: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    overloaded = mock.AsyncMock(side_effect=socket.gaierror(socket.EAI_AGAIN, "later"))
    monkeypatch.setattr(asyncio, "open_connection", overloaded)
    endpoint = Endpoint(name="g", url=GATEWAY)
    await run_preflight(endpoint, connect_timeout_s=1.0, clock=mock.Mock(sleep=mock.AsyncMock()))
    assert overloaded.await_count > 1
    assert reading == [False]
    with pytest.raises(socket.gaierror):
        await probes.shake_hands(endpoint)
    assert reading == [False, False]
    asked = CheckRequest(
        target=Target(gateway=GATEWAY), settings=Settings(ledger=tmp_path / "ledger.sqlite3")
    )
    monkeypatch.setattr(socket, "getaddrinfo", mock.Mock(side_effect=socket.gaierror))
    await run_checks(asked, SystemClock())
    assert reading == [False, False, False]


def test_where_nobody_has_put_another_it_is_https() -> None:
    assert NETWORK.get() is HTTPS
