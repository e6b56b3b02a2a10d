"""A world while it is drawn: what is settled of it, and what happens in it so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tests.simulation.draw.dice import Dice
from tests.simulation.draw.faults import Window
from tests.simulation.draw.rosters import agents_of, assignments, invalid_rows
from tests.simulation.world import (
    Command,
    CommandKind,
    Event,
    EventKind,
    Fault,
    GatewayModel,
    Roster,
    SourceKind,
)

MAIN = 1
"""The number of the process that begins the main run."""


class Draft:
    """Troubles add to it. `begins_s` and `busy_s` tell them when it hurts.

    Args:
        dice: What decides.
        roster: That of the main run.
        gateways: All of them.
        settings: Those of the world.
        source: Where GUIDs come from.
    """

    def __init__(
        self,
        dice: Dice,
        roster: Roster,
        gateways: list[GatewayModel],
        settings: dict[str, Any],
        source: SourceKind,
    ) -> None:
        self.dice = dice
        self.rosters = [roster]
        self.gateways = gateways
        self.settings = settings
        self.source = source
        self.faults: list[Fault] = []
        self.source_faults: list[Fault] = []
        self.events: list[Event] = []
        self.processes = 0
        self.begins_s = dice.number(0.0, 2.0)
        """When the main process begins."""
        self.busy_s = busy_s(roster, gateways, settings)
        """How long it sends where nothing is wrong."""

    @property
    def roster(self) -> Roster:
        """That of the main run."""
        return self.rosters[0]

    @property
    def timeout_s(self) -> float:
        """The time-out of requests."""
        return float(self.settings.get("timeout_s", 10.0))

    def moment(self, low: float = 0.0, high: float = 1.2) -> float:
        """A time between these parts of the main run, or a little later."""
        late = self.dice.scale(0.01, 3) if self.dice.chance(0.4) else 0.0
        return round(max(0.0, self.begins_s + self.dice.number(low, high) * self.busy_s + late), 3)

    def afterwards(self) -> float:
        """A time at which the main run has probably ended."""
        return round(self.begins_s + self.busy_s * 1.5 + self.dice.number(3, 20), 3)

    def window(self, longest_s: float = 40.0) -> Window:
        """A time during the main run, from a moment to much longer than the run."""
        begins_s = self.moment(-0.2, 0.9)
        length_s = self.dice.weighted(
            [
                (self.dice.scale(0.05, 1.5) * self.busy_s + 0.01, 2.0),
                (self.dice.scale(0.1, longest_s), 2.0),
                (longest_s + self.busy_s, 0.3),
            ]
        )
        return Window(begins_s, round(begins_s + length_s, 3))

    def agents_at(self, gateway: str) -> list[str]:
        """The agents of all rosters at a gateway."""
        return [agent for at, agent in agents_of(self.rosters) if at == gateway]

    def add_roster(self, roster: Roster) -> str:
        """Take a further roster in, and give its name."""
        self.rosters.append(roster)
        return roster.name

    def roster_name(self, stem: str) -> str:
        """A name that no roster has yet."""
        return f"{stem}{len(self.rosters)}"

    def apply(self, roster: str, **asked: Any) -> Command:
        """A command that applies a roster, with what its invalid rows need."""
        found = next(each for each in self.rosters if each.name == roster)
        left_out = invalid_rows(found)
        refused = bool(left_out) and self.dice.chance(0.03)
        return Command(
            CommandKind.APPLY, roster=roster, skip_invalid=0 if refused else left_out, **asked
        )

    def start(self, at_s: float, command: Command, *, again: int = 0, ahead_s: float = 0.0) -> int:
        """A process begins; give its number."""
        self.processes += 1
        started = Event(
            EventKind.START,
            at_s=at_s,
            process=self.processes,
            command=command,
            again=again,
            ahead_s=ahead_s,
        )
        self.events.append(started)
        return self.processes

    def happens(self, kind: EventKind, at_s: float, process: int = 0, **facts: Any) -> None:
        """Anything else happens."""
        self.events.append(Event(kind, at_s=at_s, process=process, **facts))

    def change(self, process: int, **asked: Any) -> None:
        """Ask something else of the command of a process."""
        started = self._beginning(process)
        if started.command is not None:
            command = msgspec.structs.replace(started.command, **asked)
            self._put(started, command=command)

    def again(self, process: int, times: int) -> None:
        """Let an orchestrator start a process again, up to so many times."""
        self._put(self._beginning(process), again=times)

    def ahead(self, process: int, by_s: float) -> None:
        """Let the clock of a process be ahead."""
        self._put(self._beginning(process), ahead_s=by_s)

    def all_asked(self, more: Callable[[Command], Command]) -> None:
        """Ask more of all commands."""
        self.events = [
            msgspec.structs.replace(event, command=more(event.command)) if event.command else event
            for event in self.events
        ]

    def _beginning(self, process: int) -> Event:
        return next(
            event
            for event in self.events
            if event.kind is EventKind.START and event.process == process
        )

    def _put(self, event: Event, **fields: Any) -> None:
        place = self.events.index(event)
        self.events[place] = msgspec.structs.replace(event, **fields)


def busy_s(roster: Roster, gateways: list[GatewayModel], settings: dict[str, Any]) -> float:
    """How long a roster takes where nothing is wrong: as long as its slowest gateway takes."""
    limit = settings.get("concurrency", 16)
    at_once = limit if isinstance(limit, int) else int(limit.partition(":")[2].partition("-")[0])
    rate = settings.get("per_second", 100.0)
    rows = assignments(roster)
    longest = 0.01
    for gateway in gateways:
        here = sum(row.gateway == gateway.name for row in rows)
        by_time = here * gateway.latency_s / min(at_once, max(1, here))
        longest = max(longest, by_time, here / rate if rate else 0.0)
    return round(longest, 3)
