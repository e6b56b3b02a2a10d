"""One gateway, one ledger and rosters beside them, for what takes more than one leg or run."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from bulkagent.clock import SystemClock
from bulkagent.emulator import (
    AgentIds,
    ChangeKind,
    EmulatedGateway,
    FaultKind,
    Scenario,
    ScenarioFault,
)
from bulkagent.ledger import Leg, RunRecord, find_run, legs_of, lines, open_ledger
from bulkagent.model import Line, Outcome
from bulkagent.run import Choices, Consent, Plan, Request, Resume, Revert, Run, RunResult
from bulkagent.run.history.report import FLAGS
from bulkagent.settings import Settings

AGENTS = range(101, 111)
STALE = "11111111-1111-1111-1111-111111111111.AgentGateway1"


class MovedClock(SystemClock):
    """The machine's clock with a time of day that tests move on."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0

    def busy_s(self) -> float:
        return 0.0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.ahead_ms


def fault(kind: FaultKind, agents: str = "101-59999", **more: Any) -> ScenarioFault:
    """A fault that strikes these agents, once each unless `per_agent` says otherwise."""
    return ScenarioFault(kind=kind, agents=AgentIds(agents), share=1.0, **{"per_agent": 1, **more})


def code(retcode: str, agents: str = "101-59999", **more: Any) -> ScenarioFault:
    return fault(FaultKind.RETCODE, agents, retcode=retcode, **more)


class Shift:
    """Runs against one gateway: each begins some seconds after the one before."""

    def __init__(self, folder: Path, gateway: EmulatedGateway) -> None:
        self.folder = folder
        self.gateway = gateway
        self.clock = MovedClock()
        self.ledger = folder / "ledger.sqlite3"
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(gateway.ca_pem)
        self.roster = self.write(AGENTS)
        self.plan: Plan | None = None
        self.outcomes: list[Outcome] = []
        """Of the latest leg."""

    def write(
        self,
        agents: Iterable[int],
        *,
        flags: Mapping[int, int] | None = None,
        guids: Mapping[int, str] | None = None,
        more: Sequence[str] = (),
        team: str = "",
        name: str = "roster.csv",
    ) -> Path:
        """A roster of agents, each with the GUID of the session that there is or will be."""
        rows = [f"agent,guid,team{',flag' if flags is not None else ''}"]
        for agent in agents:
            guid = (guids or {}).get(agent) or self.gateway.sign_in(str(agent)) or STALE
            rows.append(f"{agent},{guid},{team}{f',{flags[agent]}' if flags is not None else ''}")
        path = self.folder / name
        path.write_text("\n".join([*rows, *more, ""]))
        return path

    def misbehave(self, *faults: ScenarioFault) -> None:
        """Have the gateway go wrong in these ways, and no others, from now on."""
        emulation = self.gateway._emulation
        emulation._scenario = Scenario(seed=1, faults=faults)
        emulation._state.history.struck.clear()

    def sign_in_again(self, agents: Iterable[int]) -> None:
        """Give agents a new session, and with it a new GUID."""
        for agent in map(str, agents):
            state = self.gateway._emulation.agents
            state.sign_out(agent, state.guid(agent), 0)
            self.gateway.sign_in(agent)

    def request(self, roster: Path | None = None, **more: Any) -> Request:
        names = Settings.__struct_fields__
        settings = {name: more.pop(name) for name in names if name in more}
        limits = {
            "concurrency": 1,
            "per_second": None,
            "max_attempts": 1,
            "retry_for_s": 0.0,
            "halt_first": 0,
        }
        asked = {
            "roster": str(roster or self.roster),
            "gateway": self.gateway.url,
            "flag": 0,
            "ca_file": self.ca_file,
            "reports": (self.folder / "report.csv",),
            "settings": Settings(**{"ledger": self.ledger, **limits, **settings}),
        }
        return Request(**{**asked, **more})

    async def apply(
        self, roster: Path | None = None, *, stop_after: int | None = None, **more: Any
    ) -> RunResult:
        return await self.carried_out(self.request(roster, **more), stop_after=stop_after)

    async def resume(
        self,
        run: str = "last",
        *,
        agreed: bool = False,
        stop_after: int | None = None,
        stdin: BinaryIO | None = None,
        explicit: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> RunResult:
        given = {"choices": self.choices(explicit or {}), **more}
        asked = Resume(run=run, **given)
        return await self.carried_out(asked, agreed=agreed, stop_after=stop_after, stdin=stdin)

    async def revert(
        self,
        run: str = "last",
        *,
        stop_after: int | None = None,
        explicit: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> RunResult:
        given = {
            "choices": self.choices(explicit or {}),
            "reports": (self.folder / "revert.csv",),
            **more,
        }
        return await self.carried_out(Revert(run=run, **given), stop_after=stop_after)

    def choices(self, explicit: Mapping[str, Any]) -> Choices:
        return Choices(explicit={"ledger": self.ledger, **explicit})

    async def carried_out(
        self,
        asked: Request | Resume | Revert,
        *,
        agreed: bool = False,
        stop_after: int | None = None,
        stdin: BinaryIO | None = None,
        between: Callable[[], None] = lambda: None,
    ) -> RunResult:
        """Prepare and execute; `between` is called before each retry, which then comes at once."""
        self.clock.ahead_ms += 21_000  # nothing of the one before may still take effect
        self.outcomes = []

        def settled(outcome: Outcome) -> None:
            self.outcomes.append(outcome)
            if len(self.outcomes) == stop_after:
                prepared.stop(signal.SIGINT)

        def uniform() -> float:
            between()
            self.clock.ahead_ms += 5  # the clock tells what follows from what was before
            return 0.0

        with Run(asked, clock=self.clock, uniform=uniform, settled=settled) as run:
            prepared = run.prepare(stdin=stdin)
            self.plan = prepared.plan
            finished = await prepared.execute(Consent.PROGRAM, answered=agreed)
            return finished.result_or_defect()

    def lines(self, run: str = "last") -> list[Line]:
        with open_ledger(self.ledger) as database:
            return list(lines(RunRecord(database, find_run(database, run).run), FLAGS))

    def stands(self, run: str = "last") -> dict[str, str]:
        """Agent ID -> status and cause."""
        return {
            line.agent_id: f"{line.status} {line.cause}" if line.cause else str(line.status)
            for line in self.lines(run)
        }

    def legs(self, run: str = "last") -> tuple[Leg, ...]:
        with open_ledger(self.ledger) as database:
            return legs_of(RunRecord(database, find_run(database, run).run))

    def times_set(self) -> dict[str, int]:
        """Agent ID -> how often somebody set the talk right, of those whose it was."""
        return {
            agent.agent_id: agent.times_set for agent in self.gateway.agents() if agent.times_set
        }

    def rights(self) -> dict[str, int | None]:
        return {agent.agent_id: agent.talk_right for agent in self.gateway.agents()}

    def history(self) -> list[tuple[str, int | None]]:
        """The agents that were set and their flags, in order."""
        changes = self.gateway.history()
        return [(x.agent_id, x.flag) for x in changes if x.event is ChangeKind.TALK_RIGHT]

    @property
    def gateway_name(self) -> str:
        """As reports call it."""
        return self.gateway.url.removeprefix("https://")

    @property
    def requests(self) -> int:
        return self.gateway.stats().requests


@contextlib.asynccontextmanager
async def shift(folder: Path, *faults: ScenarioFault) -> AsyncIterator[Shift]:
    """A gateway with ten agents, 101 to 110, and a roster of them."""
    scenario = Scenario(seed=1, faults=faults)
    gateway = EmulatedGateway(scenario, agent_ids=range(101, 121), agent_id_range=(101, 120))
    async with gateway:
        yield Shift(folder, gateway)
