"""One hold as a command or a program carries it out: prepared, agreed to, run."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock, SystemClock
from bulkagent.errors import ConsentRefused, SettingsRefused
from bulkagent.files.user_folders import absolute
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.preflight import run_preflight
from bulkagent.gateway.session_client import SessionClient
from bulkagent.gateway.sessions_file import SavedSession
from bulkagent.roster import RosterRules
from bulkagent.sessions.holder import Holder, HoldPolicy
from bulkagent.sessions.registry import Registry, SessionGroup, StateChange
from bulkagent.sessions.roster import HoldRoster, SignInChoice, enrol
from bulkagent.sessions.state_machine import SessionEvent, SessionState
from bulkagent.sessions.store import SessionStore, StoreWriter


class StateLog(Protocol):
    """A log of the changes of state."""

    def __call__(self, event: str, **facts: object) -> None:
        """Log one event."""


class HoldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The order for one hold."""

    roster: str
    """Path of the roster; `-` is standard input."""
    rules: RosterRules
    """How the roster is read; names the gateways that it may have."""
    sessions: Path
    """The sessions file."""
    endpoints: Mapping[str, Endpoint]
    """The gateways by name."""
    choice: SignInChoice = SignInChoice()
    policy: HoldPolicy = HoldPolicy()
    max_agents: int | None = None
    sign_in_unknown: bool = False
    """Whether agents are signed in although an earlier sign-in of theirs ended in doubt."""
    sign_in_refused: bool = False
    """Whether agents are signed in whose password an earlier hold found refused or locked."""
    connect_timeout_s: float = 3.0


class HoldPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a hold."""

    enrolled: HoldRoster
    agents: Mapping[str, int]
    """How many are to be held, by gateway."""
    to_sign_in: int
    adopting: int
    """Sessions of the file, which are polled before any agent is signed in."""
    unknown: int
    """Agents left alone because an earlier sign-in of theirs ended in doubt."""
    refused: int
    """Agents left alone because their password was refused, or they are locked."""
    others: int
    """Sessions of the file whose agents are not in the roster; left as they are."""
    first: Sequence[str]
    """Some of the agents that are to be signed in."""
    first_unknown: Sequence[str]

    @property
    def may_be_signed_in(self) -> int:
        """Agents who are signed in, or will be where the session in the file has ended."""
        return self.to_sign_in + self.adopting


class HoldStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a hold, in counts."""

    agents: int
    counts: Mapping[SessionState, int]
    stopped: str
    """Why no more agents are signed in; "" where they may be."""
    unsaved: str
    """Why the file could not be written; "" where it could."""
    must_change_password: int


class Hold:
    """One hold; use it as a context manager, which gives the sessions file free.

    Args:
        request: The order.
        clock: Time.
        log: Takes each change of state.
    """

    def __init__(
        self, request: HoldRequest, *, clock: Clock | None = None, log: StateLog | None = None
    ) -> None:
        self._request = request
        self._clock = clock or SystemClock()
        self._log = log
        self._file: SessionStore | None = None
        self._registry: Registry | None = None
        self._holder: Holder | None = None
        self.agreed = False
        """Whether a person agreed to the plan; without it no agent is signed in."""

    def __repr__(self) -> str:
        return f"<Hold of {self._request.roster}: {self._registry!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.release()

    def prepare(self, *, stdin: BinaryIO | None = None) -> HoldPlan:
        """Read roster and sessions file, and lock the latter; nothing is sent.

        Raises:
            BulkagentError: It cannot be done as asked.
        """
        request = self._request
        enrolled = enrol(
            request.roster,
            request.rules,
            request.choice,
            max_agents=request.max_agents,
            stdin=stdin,
        )
        places = [absolute(path).resolve() for path in (request.sessions, Path(request.roster))]
        if request.roster != "-" and places[0] == places[1]:
            raise SettingsRefused("the sessions file would replace the roster; give another path")
        self._file = SessionStore(request.sessions)
        found = self._file.read()
        _refuse_elsewhere(request.sessions, found, enrolled)
        registry = self._registry = Registry(enrolled.sign_ins, self._changed)
        for session in found:
            registry.found(session)
        for entry in registry:
            if entry.state in self._asked_again:
                registry.advance(entry, SessionEvent.AGAIN, "asked for")
        to_sign_in = [entry.agent_id for entry in registry if entry.state is SessionState.WAITING]
        unknown = [entry.agent_id for entry in registry if entry.state is SessionState.UNKNOWN]
        agents = dict.fromkeys((gateway for gateway, _ in enrolled.sign_ins), 0)
        for gateway, _ in enrolled.sign_ins:
            agents[gateway] += 1
        counts = registry.counts
        return HoldPlan(
            enrolled=enrolled,
            agents=agents,
            to_sign_in=len(to_sign_in),
            adopting=counts[SessionState.ADOPTING],
            unknown=counts[SessionState.UNKNOWN],
            refused=counts[SessionState.WRONG_PASSWORD] + counts[SessionState.LOCKED],
            others=registry.others,
            first=to_sign_in[:_FIRST],
            first_unknown=unknown[:_FIRST],
        )

    async def run(self) -> None:
        """Hold until stopped, or until nothing is left to hold.

        Raises:
            SettingsRefused: A gateway cannot be spoken to at all; nothing was sent.
            ConsentRefused: The plan has sign-ins, and no person agreed; nothing was sent.
        """
        registry, file = self._registry, self._file
        if registry is None or file is None:
            raise RuntimeError("a hold is prepared before it runs")
        if self.agreed is not True and (
            registry.counts[SessionState.WAITING] or registry.counts[SessionState.ADOPTING]
        ):
            raise ConsentRefused("nobody agreed to the sign-ins, so nothing was sent")
        names = {entry.gateway for entry in registry}
        clients: dict[str, SessionClient] = {}
        async with AsyncExitStack() as stack:
            for name in sorted(names):
                endpoint = self._request.endpoints[name]
                timeout_s = self._request.connect_timeout_s
                await run_preflight(endpoint, connect_timeout_s=timeout_s, clock=self._clock)
                client = SessionClient(endpoint, self._clock, connect_timeout_s=timeout_s)
                clients[name] = await stack.enter_async_context(client)

            self._holder = Holder(
                registry,
                clients,
                StoreWriter(registry, _InThread(file), self._clock),
                self._request.policy,
                clock=self._clock,
                chance=random.random,
            )
            await self._holder.run()

    def stop(self) -> None:
        """Begin no more sign-ins, let those in flight finish, save, and end."""
        if self._holder is not None:
            self._holder.stop()

    def cut(self) -> None:
        """End without waiting for anything but the file."""
        if self._holder is not None:
            self._holder.cut()

    def status(self) -> HoldStatus:
        """The state of the hold; from any thread."""
        registry, holder = self._registry, self._holder
        counts = dict(registry.counts) if registry is not None else dict.fromkeys(SessionState, 0)
        return HoldStatus(
            agents=sum(counts.values()),
            counts=counts,
            stopped=holder.sign_in_queue.lockout_guard.verdict if holder is not None else "",
            unsaved=holder.writer.trouble if holder is not None else "",
            must_change_password=registry.must_change_password if registry is not None else 0,
        )

    def groups(self) -> list[SessionGroup]:
        """The agents who are not up, by state and reason."""
        return self._registry.groups() if self._registry is not None else []

    @property
    def _asked_again(self) -> frozenset[SessionState]:
        asked: frozenset[SessionState] = frozenset()
        if self._request.sign_in_unknown:
            asked |= {SessionState.UNKNOWN}
        if self._request.sign_in_refused:
            asked |= {SessionState.WRONG_PASSWORD, SessionState.LOCKED}
        return asked

    def _changed(self, change: StateChange) -> None:
        if self._holder is not None:
            self._holder.writer.changed()
        if self._log is not None:
            self._log(
                "session.state",
                agent=change.agent_id,
                gateway=change.gateway,
                before=change.before.value,
                after=change.after.value,
                reason=change.why,
                message=change.message,
            )


_FIRST = 3


def _refuse_elsewhere(path: Path, found: Sequence[SavedSession], enrolled: HoldRoster) -> None:
    """Refuse a file of other gateways' sessions alone: not polled, all of them would end.

    Raises:
        SettingsRefused: It is one.
    """
    here = {gateway for gateway, _ in enrolled.sign_ins}
    there = {session.gateway for session in found if session.credential is not None}
    if there and not there & here:
        raise SettingsRefused(
            f"{path} has sessions of {', '.join(sorted(there)[:3])}, and none of"
            f" {', '.join(sorted(here)[:3])}. They would not be polled for and would end; give"
            " their gateway, or another file with --sessions"
        )


class _InThread:
    """A sessions file that holds up no loop."""

    def __init__(self, file: SessionStore) -> None:
        self._file = file

    async def write(self, sessions: Sequence[SavedSession]) -> None:
        await in_thread(self._file.write, sessions)

    async def append(self, sessions: Sequence[SavedSession]) -> None:
        await in_thread(self._file.append, sessions)
