"""The other side in memory: sessions as the documents have them, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bulkagent.clock import Clock
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.gateway.session_requests import Answer, SignIn
from bulkagent.gateway.sessions_file import SavedSession
from bulkagent.sessions.holder import Holder, HoldPolicy
from bulkagent.sessions.registry import Registry, StateChange
from bulkagent.sessions.store import StoreWriter
from tests.jumping import JumpingClock

OK = Answer(RETCODES["0"])
LIFE_S = 120.0


def says(name: str) -> Answer:
    """A retcode, or a fault by its name."""
    return Answer(RETCODES[name] if name in RETCODES else FAULTS[Fault(name)])


class FarGateway:
    """Signs in agents that ask, renews GUIDs each minute, signs out agents that never poll."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sign_ins: list[str] = []
        self.forced: list[str] = []
        self.polls: list[tuple[float, str]] = []
        self.sign_outs: list[str] = []
        self.answers: dict[str, list[Answer]] = {}
        """What agents' next sign-ins get; the last for ever; without any: a session."""
        self.polled: dict[str, list[Answer]] = {}
        """What agents' next polls get, before those that the sessions get."""
        self.sessions: dict[str, tuple[str, float, float]] = {}
        self.superseded: dict[str, tuple[str, float]] = {}
        """GUIDs that were renewed, with their agents and when they die."""
        self.renewals: list[str] = []
        self.losing = False
        """Whether replies get lost on their way."""
        self.busy: set[str] = set()
        self.most_at_once = 0
        self.wait_s = 10.0
        self._number = 0
        self._signing_in = 0

    async def sign_in(self, sign_in: SignIn, *, forced: bool = False) -> Answer:
        agent = sign_in.agent_id
        (self.forced if forced else self.sign_ins).append(agent)
        self._signing_in += 1
        self.most_at_once = max(self.most_at_once, self._signing_in)
        await self._exclusively(agent, 0.5)
        self._signing_in -= 1
        planned = self.answers.get(agent, [])
        if planned and not forced:
            return planned.pop(0) if len(planned) > 1 else planned[0]
        return Answer(RETCODES["0"], credential=self._issue(agent))

    async def poll(
        self, agent_id: str, credential: Credential, *, returning: bool = False
    ) -> Answer:
        now = self.clock.monotonic()
        self.polls.append((now, agent_id))
        guid, issued, polled = self.sessions.get(agent_id, ("", 0.0, 0.0))
        planned = self.polled.get(agent_id)
        if planned:
            await self._exclusively(agent_id, 0.1)
            return planned.pop(0)
        other, dies = self.superseded.get(credential.guid, ("", 0.0))
        if now - polled > LIFE_S or (guid != credential.guid and (other != agent_id or now > dies)):
            return says("100-006")
        await self._exclusively(agent_id, self.wait_s)
        if agent_id not in self.sessions:
            return says("100-006")
        now = self.clock.monotonic()
        if now - issued >= LIFE_S / 2:
            renewed = Answer(RETCODES["0"], credential=self._issue(agent_id))
            return says("reset") if self.losing else renewed
        self.sessions[agent_id] = (guid, issued, now)
        return OK

    async def renew(self, agent_id: str, credential: Credential) -> Answer:
        self.renewals.append(agent_id)
        await self._exclusively(agent_id, 0.1)
        other, dies = self.superseded.get(credential.guid, ("", 0.0))
        current = self.sessions[agent_id][0] == credential.guid
        if current or (other == agent_id and self.clock.monotonic() <= dies):
            return Answer(RETCODES["0"], credential=self._issue(agent_id))
        return says("100-006")

    async def sign_out(self, agent_id: str, credential: Credential) -> Answer:
        self.sign_outs.append(agent_id)
        await self._exclusively(agent_id, 0.1)
        planned = self.polled.get(agent_id)
        if planned:
            return planned.pop(0)
        return OK if self.sessions.pop(agent_id, None) else says("100-006")

    def _issue(self, agent: str) -> Credential:
        self._number += 1
        now = self.clock.monotonic()
        if agent in self.sessions:
            before, issued, _ = self.sessions[agent]
            self.superseded[before] = (agent, issued + LIFE_S)
        guid = f"guid-{self._number}"
        self.sessions[agent] = (guid, now, now)
        return Credential(guid, issued_at=self.clock.wall_ms())

    async def _exclusively(self, agent: str, seconds: float) -> None:
        """One request per agent at a time (page 1202)."""
        assert agent not in self.busy
        self.busy.add(agent)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.busy.discard(agent)


class File:
    """A sessions file in memory."""

    def __init__(self) -> None:
        self.now: list[SavedSession] = []
        self.writes = 0
        self.appends = 0
        self.full = False

    async def write(self, sessions: Sequence[SavedSession]) -> None:
        await asyncio.sleep(0.01)
        if self.full:
            raise OSError(28, "No space left on device")
        self.writes += 1
        self.now = list(sessions)

    async def append(self, sessions: Sequence[SavedSession]) -> None:
        await asyncio.sleep(0.001)
        if self.full:
            raise OSError(28, "No space left on device")
        self.appends += 1
        now = {(session.gateway, session.agent_id): session for session in (*self.now, *sessions)}
        self.now = list(now.values())

    @property
    def guids(self) -> dict[str, str]:
        return {
            session.agent_id: session.credential.guid
            for session in self.now
            if session.credential is not None
        }

    @property
    def states(self) -> dict[str, str]:
        return {session.agent_id: session.state for session in self.now}


class Stage:
    """A holding with everything around it in memory."""

    def __init__(
        self,
        agents: int,
        policy: HoldPolicy | None = None,
        *,
        file: File | None = None,
        gateway: FarGateway | None = None,
        found: Sequence[SavedSession] = (),
    ) -> None:
        self.clock = JumpingClock()
        self.gateway = gateway or FarGateway(self.clock)
        self.file = file or File()
        self.changes: list[StateChange] = []
        ids = [str(101 + number) for number in range(agents)]
        self.registry = Registry(
            [("g", SignIn(agent, {"password": "p", "phonenum": agent})) for agent in ids],
            self._changed,
        )
        self.writer = StoreWriter(self.registry, self.file, self.clock)
        for session in found:
            self.registry.found(session)
        self.holder = Holder(
            self.registry,
            {"g": self.gateway},
            self.writer,
            policy or HoldPolicy(),
            clock=self.clock,
            chance=lambda: 0.5,
        )

    def _changed(self, change: StateChange) -> None:
        self.changes.append(change)
        self.writer.changed()

    async def hold_for(self, seconds: float) -> None:
        """Hold so long, then stop."""
        task = asyncio.create_task(self.holder.run())
        await asyncio.sleep(seconds)
        self.holder.stop()
        await task
