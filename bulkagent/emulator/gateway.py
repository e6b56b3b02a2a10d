"""The emulated gateway for a program that starts one: its life, and its levers by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from bulkagent.emulator.agents.affinity import cookie_of
from bulkagent.emulator.agents.events import EventType
from bulkagent.emulator.agents.records import AgentChange, AgentRecord
from bulkagent.emulator.faults.scenario import Scenario
from bulkagent.emulator.handlers.emulation import Emulation
from bulkagent.emulator.handlers.state import Snapshot
from bulkagent.emulator.http.certificates import CertificateAuthority
from bulkagent.emulator.http.server import Server
from bulkagent.emulator.http.sockets import listen
from bulkagent.emulator.protocol.authentication import SessionRules
from bulkagent.emulator.protocol.counters import Stats
from bulkagent.emulator.sessions_out import LiveSession

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
"""Hosts to listen on that no client can connect to by that name."""


class EmulatedGateway:
    """An agent gateway on this computer, with real agent state and scripted faults.

        async with EmulatedGateway(scenario, agent_ids=range(101, 201)) as gateway:
            guid = gateway.sign_in("101")

    Args:
        scenario: how it misbehaves; None for a gateway at its best.
        host: the name or address to listen on.
        port: the port to listen on; 0 for a free one.
        agent_ids: the numbers of the agents that exist; None for the whole range.
        agent_id_range: lowest and highest agent ID. Pages of 2023 say 101-59999 (1223), those
            of AICC 25.200 and later 101-999999 (0356).
        clock: the time of day in seconds since the Unix epoch.
        sleep: holds replies and waits for outages, for a number of seconds of that clock.
        sessions: how long sessions and GUIDs live; static authentication by default.

    Raises:
        SettingsRefused: on entering, where the host, the port, or a temporary folder for the
            certificate is not to be had.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        host: str = "localhost",
        port: int = 0,
        agent_ids: Iterable[int] | None = range(101, 5101),
        agent_id_range: tuple[int, int] = (101, 59999),
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        sessions: SessionRules = SessionRules(),  # noqa: B008 - a frozen record
    ) -> None:
        self._scenario = scenario or Scenario()
        self._emulation = Emulation(self._scenario, agent_ids, agent_id_range, clock, sessions)
        self._server = Server(self._emulation, self._scenario, clock, sleep)
        self._is_running = False
        self._host = host
        self._port = port
        self._authority = CertificateAuthority()

    def __repr__(self) -> str:
        where = f"at port {self._port}" if self._is_running else "not running"
        return f"<EmulatedGateway {where}: {self._emulation!r}>"

    async def __aenter__(self) -> Self:
        host = "localhost" if self._host in EVERYWHERE else self._host
        context = self._authority.server_context(host)
        listeners = listen(self._host, self._port)
        self._port = listeners[0].getsockname()[1]
        await self._server.open(listeners, context)
        self._is_running = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_running = False
        await self._server.close()

    async def go_away(self) -> None:
        """Close the listening sockets and reset all connections, as in a power cut.

        What the gateway knows stays, and its port is kept: until `come_back`, attempts to connect
        are refused. Does nothing while it is not running.
        """
        await self._server.go_away()

    async def come_back(self) -> None:
        """Listen at the same port again, unless the scenario has an outage just then."""
        await self._server.come_back()

    @property
    def url(self) -> str:
        """Where it is, without a path: `https://localhost:43211`, an IPv6 address in brackets.

        Raises:
            RuntimeError: it is not running.
        """
        if not self._is_running:
            raise RuntimeError("the emulated gateway is not running: use it with `async with`")
        host = "localhost" if self._host in EVERYWHERE else self._host
        return f"https://[{host}]:{self._port}" if ":" in host else f"https://{host}:{self._port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate, in PEM, of the authority that a client has to trust."""
        return self._authority.pem

    def sign_in(self, agent_id: str, *, force: bool = False) -> str | None:
        """Sign an agent in as a desktop would have; the GUID of the session, also of one that is.

        The emulated desktop polls all the time: its session does not time out, and under dynamic
        authentication its GUID is renewed at every interval. None of that is counted.

        None where there is no such agent, or the scenario keeps the agent signed out.

        Args:
            agent_id: the agent.
            force: sign in all the same where somebody is: that session is evicted (page 1203).
        """
        guid = self._emulation.sign_in_at_desktop(agent_id, force=force)
        if force:
            self._server.long_polls.look(agent_id)
        return guid

    def guid(self, agent_id: str) -> str | None:
        """The GUID of an agent's session now, of a desktop or not; None while signed out."""
        session = self._emulation.live_session(agent_id)
        return None if session is None else session.guid

    @property
    def has_affinity(self) -> bool:
        """Whether a session is on one node only, to which its cookie leads."""
        return self._scenario.cluster.affinity

    def cookie(self, agent_id: str) -> str:
        """The Cookie header that leads to the session's node.

        "" while signed out, and where the cluster has no affinity.
        """
        session = self._emulation.live_session(agent_id)
        return cookie_of(session.node) if session is not None and self.has_affinity else ""

    def live_sessions(self) -> list[LiveSession]:
        """The sessions of emulated desktops with their current GUIDs, by agent ID.

        A site's own integration would know these from the desktops.
        """
        found = []
        for agent_id in self._emulation.agents:
            session = self._emulation.live_session(agent_id)
            if session is not None and session.at_desktop:
                cookie = cookie_of(session.node) if self.has_affinity else ""
                found.append(LiveSession(agent_id, session.guid, cookie, session.issued_ms))
        return found

    def raise_event(self, agent_id: str, event_type: EventType) -> bool:
        """Let something happen to an agent that a client polls for; False where nobody does."""
        raised = self._emulation.raise_event(agent_id, event_type)
        self._server.long_polls.look(agent_id)
        return raised

    def roster(self, agent_ids: Iterable[int] | None = None) -> Iterator[tuple[str, str]]:
        """Agent IDs and GUIDs for a roster, each agent being signed in on the way.

        An agent without a session comes with a GUID that was never valid, as in a roster that was
        exported before the sign-out. The gateway shall refuse it, not the client.

        Args:
            agent_ids: the agents, in the order of the roster; None for all that exist.
        """
        wanted = self._emulation.agents if agent_ids is None else map(str, agent_ids)
        for agent_id in wanted:
            yield agent_id, self.sign_in(agent_id) or self._emulation.stale_guid()

    def agents(self) -> list[AgentRecord]:
        """Every agent that exists: the data of `GET /emulator/agents`."""
        return self._emulation.agents.records()

    def stats(self) -> Stats:
        """The settalkright requests so far: the data of `GET /emulator/stats`."""
        return self._emulation.traffic.stats()

    def history(self) -> list[AgentChange]:
        """Everything that happened to agents, in order: the data of `GET /emulator/history`."""
        return self._emulation.agents.history()

    def snapshot(self) -> Snapshot:
        """All that the gateway knows and has counted, to go on from with `restore`.

        A request whose reply is being held at that moment has taken effect: only its reply is
        left, and that is the connection's, not the snapshot's.
        """
        return self._emulation.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from an independent copy of a snapshot, which can be restored again.

        With a seeded scenario, the same requests then get the same answers each time. GUIDs,
        faults and the turns of nodes are what they would have been. The seconds of faults count on
        from where they were. Address, certificate and connections stay. An open connection keeps
        its node, and a reply that is being held is sent and counted. With a snapshot of an outage
        the gateway is gone, and with one of the time before it is back.
        """
        self._emulation.restore(snapshot)
        self._server.look_afresh()
