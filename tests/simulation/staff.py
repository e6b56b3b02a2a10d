"""The processes of a morning: begun, looked for, begun again, and awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from bulkagent.blocking import BLOCKING
from bulkagent.gateway.network import NETWORK
from tests.simulation.commands import STOPPED, CommandAtWork, Site
from tests.simulation.disk import Disk
from tests.simulation.history import Ended
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Process, SimulatedBlocking
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.surroundings.wire import SimulatedNetwork
from tests.simulation.world import Command, Event, World

KILLED = 137
_AGAIN = frozenset({3, 5, KILLED}) | STOPPED
_RESTART_S = (0.1, 20.0)
_FIRST_OF_RESTARTS = 100


class Staff:
    """The commands at work, and those that will be.

    Args:
        world: The world.
        folder: Where they work.
        loop: The loop of all.
        disk: The disk under the ledger.
        gateways: All that can be spoken to.
        note: Told what happens.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        *,
        loop: VirtualLoop,
        disk: Disk,
        gateways: Gateways,
        note: Callable[[str], None],
    ) -> None:
        self._seed = world.seed
        self._random = Random(f"{world.seed}:morning")
        self._loop = loop
        self._disk = disk
        self._gateways = gateways
        self._note = note
        self._site = Site(world=world, folder=folder, ledger=disk.ledger, run_of=self._run_of)
        self.processes: list[Process] = []
        """All that ever were."""
        self.ended: list[Ended] = []
        """In the order of their ends."""
        self.at_work: dict[int, CommandAtWork] = {}
        self._ran: dict[int, str] = {}
        """Number of a process that the script names -> its run."""
        self._first: dict[int, int] = {}
        """Number of a process -> that of the one that an orchestrator had started first."""
        self._next = _FIRST_OF_RESTARTS
        self._restarts = 0
        self._jumped_s = 0.0
        self._idle = asyncio.Event()

    def find(self, number: int) -> CommandAtWork | None:
        """The command at work in the place of the process that the script names."""
        return next(
            (found for at, found in self.at_work.items() if self._first.get(at, at) == number),
            None,
        )

    def kill_all(self) -> None:
        """End all of them where they are."""
        for found in list(self.at_work.values()):
            found.process.kill()

    def set_clocks(self, by_s: float) -> None:
        """Set all clocks of day, also of those that begin later."""
        self._jumped_s += by_s
        for found in self.at_work.values():
            found.process.clock.ahead_s += by_s

    async def all_ended(self) -> None:
        """Wait until nobody is at work, and nobody will be."""
        while self.at_work or self._restarts:
            self._idle.clear()
            await self._idle.wait()

    def start(self, event: Event) -> None:
        """Begin a command as the script says."""
        if event.command is not None:
            self.begin(event.process, event.command, ahead_s=event.ahead_s, again=event.again)

    def begin(self, number: int, command: Command, *, ahead_s: float = 0.0, again: int = 0) -> None:
        """Begin a command, unless it needs a run that there is not."""
        first = self._first.setdefault(number, number)
        for word in (command.run, command.take_over):
            if word.startswith(_OF_PROCESS) and not self._run_of(word):
                self._note(f"process {number}: {word} has no run")
                return
        process = self._process(number, ahead_s)
        at_work = CommandAtWork(process, command, self._site)
        self.at_work[number] = at_work

        def over(ended: Ended) -> None:
            del self.at_work[number]
            self._ran[first] = self._ran.get(first, "") or ended.run_id
            self.ended.append(ended)
            self._note(f"process {number} ended {ended.exit_code} {ended.run_id}".rstrip())
            for words in ended.said:
                # The folder has another name each time.
                self._note(f"  said: {words.replace(f'{self._site.folder}/', '')}")
            if again and ended.exit_code in _AGAIN:
                self._begin_again(first, command, ahead_s, again - 1)
            self._idle.set()

        async def main() -> None:
            ended = await at_work.carry_out()
            process.ended()
            self._loop.surrounded(over, ended)

        process.on_killed = lambda: self._loop.surrounded(over, at_work.ended(KILLED))
        self._note(f"process {number} begins {command.kind.value}")
        process.begin(main())

    def _process(self, number: int, ahead_s: float) -> Process:
        random = Random(f"{self._seed}:process:{number}")
        process = Process(number, self._loop, self._disk, random, ahead_s=ahead_s + self._jumped_s)
        process.context.run(BLOCKING.set, SimulatedBlocking(process))
        process.context.run(NETWORK.set, SimulatedNetwork(self._gateways, number))
        self.processes.append(process)
        return process

    def _begin_again(self, first: int, command: Command, ahead_s: float, again: int) -> None:
        """Do what an orchestrator does whose command was killed or may be tried again."""
        self._next += 1
        number = self._next
        self._first[number] = first
        self._restarts += 1

        def start() -> None:
            self._restarts -= 1
            self.begin(number, command, ahead_s=ahead_s, again=again)
            self._idle.set()

        self._loop.call_later(self._random.uniform(*_RESTART_S), start)

    def _run_of(self, word: str) -> str:
        if word.startswith(_OF_PROCESS):
            return self._ran.get(int(word.removeprefix(_OF_PROCESS)), "")
        return word


_OF_PROCESS = "process:"
