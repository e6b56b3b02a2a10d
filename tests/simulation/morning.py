"""A morning is lived: the product's own code under a world, to its end and to the evidence."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from anyio._backends._asyncio import _task_states

from bulkagent.blocking import BLOCKING
from bulkagent.errors import BulkagentError
from bulkagent.gateway.network import NETWORK
from bulkagent.ledger import read_ledger
from bulkagent.run import run_list, write_report
from tests.simulation.commands import STOPPED, CommandAtWork, Site, rows_of
from tests.simulation.disk import Disk
from tests.simulation.draw.rosters import sessions_text, text_of
from tests.simulation.draw.settings import LEDGER, SESSIONS
from tests.simulation.history import Ended, Morning, RunRow
from tests.simulation.loop import Stuck, VirtualLoop
from tests.simulation.process import Process, SimulatedBlocking
from tests.simulation.seams import replaced
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.surroundings.wire import SimulatedNetwork
from tests.simulation.world import (
    Command,
    CommandKind,
    Event,
    EventKind,
    SourceKind,
    World,
)

ENDS_WITHIN_S = 5_000.0
"""A morning that has not ended so long after all faults have never does."""
_RESUMES = 6
"""With so many resumes everything comes to its end, once nothing is wrong any more."""
_AGAIN = frozenset({3, 5, 137}) | STOPPED
_RESTART_S = (0.1, 20.0)
_WRITTEN_AFTER_S = 0.2
"""So much after a session begins or ends, the sessions file says so."""
_FIRST_OF_THE_END = 1000
_PATIENT: Mapping[str, Any] = {"max_age_s": 604_800.0, "deadline_s": None}
"""The settings by which everything unfinished is gone on with at the end."""
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there


@cache
def _settle_memory() -> None:
    """Keep what is there before all mornings out of the collections at their ends."""
    gc.freeze()


def live(world: World) -> Morning:
    """Live a morning."""
    _settle_memory()
    where = str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="bulkagent-morning-", dir=where))
    try:
        return _Life(world, folder).live()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Life:
    """One morning as it goes on."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._random = Random(f"{world.seed}:morning")
        self.morning = Morning(world)
        self._loop = VirtualLoop(Random(f"{world.seed}:turns"))
        self._gateways = Gateways(world, self._loop, self._note)
        self._disk = Disk(
            folder / LEDGER,
            Random(f"{world.seed}:disk"),
            self._loop.time,
            loses_power=any(event.kind is EventKind.POWER_LOSS for event in world.events),
        )
        self._processes: list[Process] = []
        self._at_work: dict[int, CommandAtWork] = {}
        self._ran: dict[int, str] = {}
        """Number of a process that the script names -> its run."""
        self._first: dict[int, int] = {}
        """Number of a process -> that of the one that an orchestrator had started first."""
        self._next = 100
        self._restarts = 0
        self._jumped_s = 0.0
        self._idle = asyncio.Event()

    def live(self) -> Morning:
        """Live it."""
        with replaced(self._disk, Random(f"{self._world.seed}:names")):
            try:
                self._live()
            finally:
                told = list(self.morning.log)
                _end(self._loop, self._processes)
                # What goes says things in an order of its own.
                self.morning.log = told
        return self.morning

    def _live(self) -> None:
        self._write_files()
        try:
            self._loop.run_to_end(self._day(), most_s=self._world.ends_s + ENDS_WITHIN_S)
        except Stuck as stuck:
            at_work = ", ".join(
                f"process {number} ({found.command.kind.value})"
                for number, found in self._at_work.items()
            )
            self.morning.stuck = f"{stuck}; at work: {at_work or 'nobody'}"
            for found in list(self._at_work.values()):
                found.process.kill()
        self.morning.handled = self._gateways.handled
        self.morning.rights = self._gateways.rights
        self.morning.violations = self._gateways.violations
        self.morning.runs = self._runs()
        for unhandled in self._loop.unhandled:
            self._note(f"unhandled: {unhandled.get('message')} {unhandled.get('exception')!r}")

    async def _day(self) -> None:
        for event in self._world.events:
            self._loop.call_at(event.at_s, self._happen, event)
        await self._until(self._world.ends_s)
        await self._all_ended()
        await self._finish()

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._loop.time()))

    async def _all_ended(self) -> None:
        while self._at_work or self._restarts:
            self._idle.clear()
            await self._idle.wait()

    async def _finish(self) -> None:
        """Go on with everything unfinished, now that nothing is wrong any more."""
        number = _FIRST_OF_THE_END
        before: list[Mapping[str, Any]] = []
        for _ in range(_RESUMES):
            left = [run for run in reversed(self._lines()) if _unfinished(run)]
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
                self._start(number, command, ahead_s=0.0, again=0)
                await self._all_ended()
                self.morning.last.append(self.morning.ended[-1])
                number += 1

    def _happen(self, event: Event) -> None:
        self._note(f"{event.kind.value} {event.process or ''} {event.number or ''}".rstrip())
        _HAPPEN[event.kind](self, event)

    def _begin(self, event: Event) -> None:
        if event.command is not None:
            self._start(event.process, event.command, ahead_s=event.ahead_s, again=event.again)

    def _signal(self, event: Event) -> None:
        if (found := self._at_work.get(self._latest(event.process))) is not None:
            # As a handler of the loop, which is called in the process's own turn.
            self._loop.call_soon(found.signal, event.number, context=found.process.context.copy())

    def _kill(self, event: Event) -> None:
        if (found := self._at_work.get(self._latest(event.process))) is not None:
            found.process.kill()

    def _kill_at_commit(self, event: Event) -> None:
        if (found := self._at_work.get(self._latest(event.process))) is not None:
            found.process.looks_left = event.number

    def _lose_power(self, _event: Event) -> None:
        for found in list(self._at_work.values()):
            found.process.kill()
        self._disk.lose_power()

    def _jump(self, event: Event) -> None:
        self._jumped_s += event.seconds
        for found in self._at_work.values():
            found.process.clock.ahead_s += event.seconds

    def _fill(self, event: Event) -> None:
        self._disk.full_until = self._loop.time() + event.seconds

    def _break(self, event: Event) -> None:
        self._disk.broken_until = self._loop.time() + event.seconds

    def _latest(self, number: int) -> int:
        """The process at work in the place of one that the script names."""
        return next((at for at in self._at_work if self._first.get(at, at) == number), number)

    def _start(self, number: int, command: Command, *, ahead_s: float, again: int) -> None:
        first = self._first.setdefault(number, number)
        if command.run.startswith("process:") and not self._run_of(command.run):
            self._note(f"process {number}: {command.run} has no run")
            return
        process = Process(
            number,
            self._loop,
            self._disk,
            Random(f"{self._world.seed}:process:{number}"),
            ahead_s=ahead_s + self._jumped_s,
        )
        process.context.run(BLOCKING.set, SimulatedBlocking(process))
        process.context.run(NETWORK.set, SimulatedNetwork(self._gateways, process.number))
        site = Site(
            world=self._world,
            folder=self._folder,
            ledger=self._disk.ledger,
            run_of=self._run_of,
        )
        self._processes.append(process)
        at_work = CommandAtWork(process, command, site)
        self._at_work[number] = at_work

        def over(ended: Ended) -> None:
            del self._at_work[number]
            self._ran.setdefault(first, ended.run_id)
            self._ran[first] = self._ran[first] or ended.run_id
            self.morning.ended.append(ended)
            self._note(f"process {number} ended {ended.exit_code} {ended.run_id}")
            if again and ended.exit_code in _AGAIN:
                self._start_again(first, command, ahead_s, again - 1)
            self._idle.set()

        async def main() -> None:
            ended = await at_work.carry_out()
            process.ended()
            self._loop.surrounded(over, ended)

        process.on_killed = lambda: self._loop.surrounded(over, at_work.ended(137))
        self._note(f"process {number} begins {command.kind.value}")
        process.begin(main())

    def _start_again(self, first: int, command: Command, ahead_s: float, again: int) -> None:
        """Do what an orchestrator does whose command was killed or may be tried again."""
        self._next += 1
        number = self._next
        self._first[number] = first
        self._restarts += 1

        def start() -> None:
            self._restarts -= 1
            self._start(number, command, ahead_s=ahead_s, again=again)
            self._idle.set()

        self._loop.call_later(self._random.uniform(*_RESTART_S), start)

    def _run_of(self, word: str) -> str:
        if word.startswith("process:"):
            return self._ran.get(int(word.removeprefix("process:")), "")
        return word

    def _write_files(self) -> None:
        column = self._world.source is SourceKind.COLUMN
        for roster in self._world.rosters:
            text = text_of(roster, self._guid_of if column else None)
            (self._folder / f"{roster.name}.csv").write_text(text, encoding="utf-8")
        if self._world.source is SourceKind.FILE:
            self._write_sessions()
            for model in self._world.gateways:
                for times in (model.absent, model.newer, model.leaves):
                    for at_s in times.values():
                        self._loop.call_at(at_s + _WRITTEN_AFTER_S, self._write_sessions)

    def _write_sessions(self) -> None:
        draft = self._folder / "sessions.draft"
        draft.write_text(sessions_text(self._world, self._guid_of), encoding="utf-8")
        draft.replace(self._folder / SESSIONS)

    def _guid_of(self, gateway: str, agent: str) -> str:
        return self._gateways.guid_of(gateway, agent, self._loop.time())

    def _lines(self) -> list[Mapping[str, Any]]:
        if not self._disk.ledger.exists():
            return []
        with contextlib.suppress(BulkagentError):
            found: list[Mapping[str, Any]] = msgspec.to_builtins(run_list(self._disk.ledger, 1_000))
            return found
        return []

    def _runs(self) -> list[RunRow]:
        rows = []
        for line in reversed(self._lines()):
            path = self._folder / f"{line['run_id']}.csv"
            with contextlib.suppress(BulkagentError), read_ledger(self._disk.ledger) as database:
                write_report(database, line["run_id"], path)
            rows.append(
                RunRow(
                    run_id=line["run_id"],
                    state=line["state"],
                    exit_code=line["exit_code"],
                    roster="" if line["reverts"] else Path(line["roster"]).stem,
                    report=rows_of(path),
                    begun=line["legs"] > 0,
                    reverts=line["reverts"] or "",
                )
            )
        return rows

    def _note(self, text: str) -> None:
        self.morning.log.append(f"{self._loop.time():12.6f} {text}")


_HAPPEN: Mapping[EventKind, Callable[[_Life, Event], None]] = {
    EventKind.START: _Life._begin,
    EventKind.SIGNAL: _Life._signal,
    EventKind.KILL: _Life._kill,
    EventKind.KILL_AT_COMMIT: _Life._kill_at_commit,
    EventKind.POWER_LOSS: _Life._lose_power,
    EventKind.CLOCK_JUMP: _Life._jump,
    EventKind.DISK_FULL: _Life._fill,
    EventKind.READ_ONLY: _Life._break,
}


def _unfinished(run: Mapping[str, Any]) -> bool:
    """Whether another attempt may help this run; one that never began is nobody's."""
    return run["legs"] > 0 and (
        run["state"] in {"interrupted", "halted"} or run["exit_code"] in {3, 5, 6}
    )


def let_go() -> None:
    """Have what is left of a morning go in silence: it would disturb the next one.

    It is not gone on with, and cannot do anything.
    """
    hook, sys.unraisablehook = sys.unraisablehook, lambda _args: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


def _end(loop: VirtualLoop, processes: list[Process]) -> None:
    """Have all of a morning go."""
    for process in processes:
        process.let_go()
    _forget(loop)
    loop.close()
    let_go()


def _forget(loop: VirtualLoop) -> None:
    """Take its tasks out of anyio's table, whose values keep the keys of tasks that never end."""
    for task in list(_task_states):
        if task.get_loop() is loop:
            del _task_states[task]
