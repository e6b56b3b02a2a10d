"""Simulated processes: turns, looks at the disk, kills and the loss of power."""

from __future__ import annotations

import asyncio
import functools
import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from random import Random

import pytest

from bulkagent.blocking import BLOCKING, in_thread, own_thread, pause
from tests.simulation.disk import Disk
from tests.simulation.loop import Stuck, VirtualLoop
from tests.simulation.process import Process, SimulatedBlocking
from tests.simulation.seams import replaced

_SAID: ContextVar[str] = ContextVar("_SAID", default="nothing")


class _Machine:
    """A loop, a disk and processes on it."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.loop = VirtualLoop(Random(seed))
        self.file = folder / "some.sqlite3"
        self.disk = Disk(self.file, Random(seed), self.loop.time, loses_power=True)
        self.seed = seed
        self.order: list[str] = []

    def process(self, number: int) -> Process:
        process = Process(
            number, self.loop, self.disk, Random(f"{self.seed}:{number}"), ahead_s=0.0
        )
        process.context.run(BLOCKING.set, SimulatedBlocking(process))
        return process

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        return connection

    def make(self) -> None:
        connection = self.connect()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE kept (word TEXT)")
        connection.close()

    def words(self) -> list[str]:
        with sqlite3.connect(self.file) as connection:
            return [word for (word,) in connection.execute("SELECT word FROM kept")]

    def write(self, word: str, connection: sqlite3.Connection | None = None) -> None:
        connection = connection or self.connect()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO kept VALUES (?)", (word,))
        self.order.append(word)
        connection.execute("COMMIT")

    def run(self, *steps: Callable[[], object], for_s: float = 10.0) -> None:
        async def main() -> None:
            for step in steps:
                step()
            await asyncio.sleep(for_s)

        self.loop.run_to_end(main(), most_s=1000.0)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[_Machine]:
    machine = _Machine(tmp_path)
    machine.make()
    with replaced(machine.disk, Random(1)):
        yield machine
    machine.loop.close()


def test_time_stands_still_until_nothing_is_ready(machine: _Machine) -> None:
    seen: list[float] = []

    async def main() -> None:
        for seconds in (0.0, 3600.0, 0.5):
            await asyncio.sleep(seconds)
            seen.append(machine.loop.time())

    machine.loop.run_to_end(main(), most_s=10_000.0)
    assert seen == [0.0, 3600.0, 3600.5]


def test_callbacks_of_one_process_keep_their_order(machine: _Machine) -> None:
    async def one(name: str) -> None:
        for number in range(20):
            machine.loop.call_soon(machine.order.append, f"{name}{number}")
            if number % 3 == 0:
                await asyncio.sleep(0)

    machine.run(
        lambda: machine.process(1).begin(one("a")), lambda: machine.process(2).begin(one("b"))
    )
    for name in "ab":
        assert [word for word in machine.order if word[0] == name] == [
            f"{name}{number}" for number in range(20)
        ]
    assert machine.order != sorted(machine.order, key=lambda word: word[0])


@pytest.mark.parametrize("seed", range(5))
def test_work_that_blocks_gives_way_at_each_transaction(machine: _Machine, seed: int) -> None:
    async def several(name: str) -> None:
        for number in range(5):
            await in_thread(machine.write, f"{name}{number}")

    machine.run(
        lambda: machine.process(10 * seed + 1).begin(several("a")),
        lambda: machine.process(10 * seed + 2).begin(several("b")),
    )
    assert len(machine.words()) == 10
    assert machine.words() == machine.order
    assert {word[0] for word in machine.order[:5]} == {"a", "b"}


def test_a_thread_makes_its_calls_in_order_and_is_waited_for(machine: _Machine) -> None:
    async def main() -> None:
        thread = own_thread("some")
        for number in range(4):
            thread.submit(machine.write, str(number))
        await in_thread(thread.close)
        machine.order.append("closed")
        with pytest.raises(RuntimeError):
            thread.submit(machine.write, "late")

    machine.run(lambda: machine.process(1).begin(main()))
    assert machine.order == ["0", "1", "2", "3", "closed"]


def test_each_call_has_the_context_of_its_caller_as_in_threads(machine: _Machine) -> None:
    def note(words: str) -> None:
        pause(0.1)
        machine.order.append(f"{words}: {_SAID.get()}")

    async def caller(words: str) -> None:
        _SAID.set(words)
        thread = own_thread(words)
        await asyncio.gather(thread.submit(note, "own"), in_thread(note, "shared"))
        assert _SAID.get() == words

    async def main() -> None:
        await asyncio.gather(caller("one"), caller("two"))
        await in_thread(note, "main")

    machine.run(lambda: machine.process(1).begin(main()))
    assert sorted(machine.order) == [
        "main: nothing",
        *("own: one", "own: two", "shared: one", "shared: two"),
    ]


def test_a_pause_takes_virtual_time(machine: _Machine) -> None:
    async def main() -> None:
        await in_thread(pause, 7.0)
        machine.order.append(f"{machine.loop.time():.0f}")

    machine.run(lambda: machine.process(1).begin(main()))
    assert machine.order == ["7"]


@pytest.mark.parametrize("on_the_loop", [False, True])
@pytest.mark.parametrize("look", range(8))
def test_a_kill_at_a_commit_loses_nothing_committed_and_nothing_else_happens(
    machine: _Machine, look: int, *, on_the_loop: bool
) -> None:
    process = machine.process(1)

    async def main() -> None:
        connection = machine.connect()
        for word in "abc":
            if on_the_loop:
                machine.write(word, connection)
            else:
                await in_thread(machine.write, word, connection)
        machine.order.append("end")

    def begin() -> None:
        process.looks_left = look
        process.begin(main())

    machine.run(begin)
    assert process.gone
    # Two looks before each commit is done, the beginning and the commit, and one after it.
    done = look // 3 + (1 if look % 3 == 2 else 0)
    assert machine.words() == list("abc"[:done])
    assert "end" not in machine.order


def test_others_go_on_after_a_kill_within_a_transaction_s_wait(machine: _Machine) -> None:
    first, second = machine.process(1), machine.process(2)

    async def main(word: str) -> None:
        await in_thread(machine.write, word)

    machine.run(
        lambda: first.begin(main("a")),
        first.kill,
        lambda: second.begin(main("b")),
    )
    assert machine.words() == ["b"]


def test_the_loss_of_power_loses_nothing_that_was_synced(machine: _Machine) -> None:
    for seed in range(20):
        disk = Disk(machine.file, Random(seed), machine.loop.time, loses_power=True)
        machine.disk = disk
        process = machine.process(1 + seed)

        async def main(process: Process = process) -> None:
            connection = machine.connect()
            for word in "ab":
                await in_thread(machine.write, f"{process.number}{word}", connection)
            await in_thread(connection.execute, "BEGIN IMMEDIATE")
            connection.execute("INSERT INTO kept VALUES ('never')")
            process.kill()

        with replaced(disk, Random(1)):
            machine.run(functools.partial(process.begin, main()))
            disk.lose_power()
        assert machine.words()[-2:] == [f"{process.number}a", f"{process.number}b"]


def test_a_morning_without_an_end_says_so(machine: _Machine) -> None:
    async def main() -> None:
        await machine.loop.create_future()

    with pytest.raises(Stuck, match="nothing is waited for"):
        machine.loop.run_to_end(main(), most_s=10.0)

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - to spin is its purpose
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="no end of turns"):
        machine.loop.run_to_end(spin(), most_s=10.0)


def test_nothing_of_a_killed_process_runs_again_until_the_morning_is_over(
    machine: _Machine,
) -> None:
    process = machine.process(1)

    async def main() -> None:
        try:
            await machine.loop.create_future()
        finally:
            machine.order.append("unwound")

    def collect() -> None:
        process.kill()
        gc.collect()

    machine.run(lambda: process.begin(main()), lambda: machine.loop.call_later(1.0, collect))
    assert machine.order == []
    process.let_go()
