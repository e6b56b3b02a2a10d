"""A morning is lived: the product's own code under a world, to its end and to the evidence."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from tests.simulation.disk import Disk
from tests.simulation.draw.settings import LEDGER
from tests.simulation.history import Morning
from tests.simulation.input_files import InputFiles, files_beside
from tests.simulation.leftovers import end, uncollected
from tests.simulation.loop import Stuck, VirtualLoop
from tests.simulation.recorded_runs import is_unfinished, recorded_runs, runs_in
from tests.simulation.seams import replaced, sized
from tests.simulation.staff import Staff
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.world import Command, CommandKind, Event, EventKind, World

ENDS_WITHIN_S = 5_000.0
"""A morning that has not ended so long after all faults have never does."""
_RESUMES = 6
"""With so many resumes everything comes to its end, once nothing is wrong any more."""
_FIRST_OF_THE_END = 1000
_PATIENT: Mapping[str, Any] = {"max_age_s": 604_800.0, "deadline_s": None, "verify_with": ()}
"""The settings by which everything unfinished is gone on with at the end."""
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there


def live(world: World) -> Morning:
    """Live a morning."""
    where = str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="bulkagent-morning-", dir=where))
    try:
        with uncollected():
            return _Life(world, folder).live()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Life:
    """One morning as it goes on."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self.morning = Morning(world)
        self._loop = VirtualLoop(Random(f"{world.seed}:turns"))
        self._gateways = Gateways(world, self._loop, self._note)
        self._disk = Disk(
            folder / LEDGER,
            Random(f"{world.seed}:disk"),
            self._loop.time,
            loses_power=any(event.kind is EventKind.POWER_LOSS for event in world.events),
        )
        self._staff = Staff(
            world,
            folder,
            loop=self._loop,
            disk=self._disk,
            gateways=self._gateways,
            note=self._note,
        )

    def live(self) -> Morning:
        """Live it."""
        names = Random(f"{self._world.seed}:names")
        with replaced(self._disk, names), sized(self._world.sizes):
            try:
                self._live()
            finally:
                told = list(self.morning.log)
                end(self._loop, self._staff.processes)
                # What goes says things in an order of its own.
                self.morning.log = told
        return self.morning

    def _live(self) -> None:
        InputFiles(self._world, self._folder, self._gateways, self._loop).write()
        try:
            self._loop.run_to_end(self._day(), most_s=self._world.ends_s + ENDS_WITHIN_S)
        except Stuck as stuck:
            at_work = ", ".join(
                f"process {number} ({found.command.kind.value})"
                for number, found in self._staff.at_work.items()
            )
            self.morning.stuck = f"{stuck}; at work: {at_work or 'nobody'}"
            self._staff.kill_all()
        self.morning.ended = self._staff.ended
        self.morning.handled = self._gateways.handled
        self.morning.rights = self._gateways.rights
        self.morning.seen = self._gateways.seen
        self.morning.violations = self._gateways.violations
        self.morning.runs = recorded_runs(self._disk.ledger, self._folder)
        self.morning.files = files_beside(self._world, self._folder)
        for unhandled in self._loop.unhandled:
            self._note(f"unhandled: {unhandled.get('message')} {unhandled.get('exception')!r}")

    async def _day(self) -> None:
        for event in self._world.events:
            self._loop.call_at(event.at_s, self._happen, event)
        await asyncio.sleep(max(0.0, self._world.ends_s - self._loop.time()))
        await self._staff.all_ended()
        await self._finish()

    async def _finish(self) -> None:
        """Go on with everything unfinished, now that nothing is wrong any more."""
        number = _FIRST_OF_THE_END
        before: list[Mapping[str, Any]] = []
        for _ in range(_RESUMES):
            left = [run for run in runs_in(self._disk.ledger) if is_unfinished(run)]
            standing = [run["totals"] for run in left]
            if standing == before:
                return  # nothing is left, or nothing helps any more, and the judge says which
            before = standing
            for run in left:
                command = Command(
                    CommandKind.RESUME,
                    run=run["run_id"],
                    person=True,
                    override=True,
                    settings=_PATIENT,
                )
                self._staff.begin(number, command)
                await self._staff.all_ended()
                self.morning.last.append(self._staff.ended[-1])
                number += 1

    def _happen(self, event: Event) -> None:
        self._note(f"{event.kind.value} {event.process or ''} {event.number or ''}".rstrip())
        _HAPPEN[event.kind](self, event)

    def _start(self, event: Event) -> None:
        self._staff.start(event)

    def _signal(self, event: Event) -> None:
        if (found := self._staff.find(event.process)) is not None:
            # As a handler of the loop, which is called in the process's own turn.
            self._loop.call_soon(found.signal, event.number, context=found.process.context.copy())

    def _kill(self, event: Event) -> None:
        if (found := self._staff.find(event.process)) is not None:
            found.process.kill()

    def _kill_at_commit(self, event: Event) -> None:
        if (found := self._staff.find(event.process)) is not None:
            found.process.looks_left = event.number

    def _lose_power(self, _event: Event) -> None:
        self._staff.kill_all()
        self._disk.lose_power()

    def _set_clocks(self, event: Event) -> None:
        self._staff.set_clocks(event.seconds)

    def _fill(self, event: Event) -> None:
        self._disk.holds_files = bool(event.number)
        self._disk.full_until = self._loop.time() + event.seconds

    def _break(self, event: Event) -> None:
        self._disk.holds_files = bool(event.number)
        self._disk.broken_until = self._loop.time() + event.seconds

    def _note(self, text: str) -> None:
        self.morning.log.append(f"{self._loop.time():12.6f} {text}")


_HAPPEN: Mapping[EventKind, Callable[[_Life, Event], None]] = {
    EventKind.START: _Life._start,
    EventKind.SIGNAL: _Life._signal,
    EventKind.KILL: _Life._kill,
    EventKind.KILL_AT_COMMIT: _Life._kill_at_commit,
    EventKind.POWER_LOSS: _Life._lose_power,
    EventKind.CLOCK_JUMP: _Life._set_clocks,
    EventKind.DISK_FULL: _Life._fill,
    EventKind.READ_ONLY: _Life._break,
}
