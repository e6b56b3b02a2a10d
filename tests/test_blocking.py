"""Calls that block: made in threads, in their order, to their end. Guide "The flow"."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeVar, TypeVarTuple

import anyio
import pytest

from bulkagent.blocking import (
    BLOCKING,
    OwnThread,
    Threads,
    in_thread,
    monotonic,
    own_thread,
    pause,
)
from tests.waiting import HANG_S

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
SAID: ContextVar[str] = ContextVar("SAID", default="nothing")


class Held:
    """A call that goes on until it is let go."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self.begun = threading.Event()
        self.ended = False

    def __call__(self) -> None:
        self.begun.set()
        assert self._go.wait(HANG_S)
        self.ended = True

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.let_go()


@pytest.fixture
def own() -> Iterator[OwnThread]:
    made = own_thread("bulkagent-tested")
    yield made
    made.close()


async def has_begun(held: Held) -> None:
    assert await asyncio.get_running_loop().run_in_executor(None, held.begun.wait, HANG_S)


async def test_a_call_is_made_in_another_thread_with_the_context_of_its_caller() -> None:
    SAID.set("hello")
    found = await in_thread(lambda *words: (threading.get_ident(), SAID.get(), words), 1, "two")
    assert found == (found[0], "hello", (1, "two"))
    assert found[0] != threading.get_ident()


async def test_a_caller_who_is_cancelled_already_makes_its_call_behind_a_shield_alone() -> None:
    made: list[str] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await in_thread(made.append, "open")
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(made.append, "shielded")
    assert scope.cancelled_caught
    assert made == ["shielded"]


async def test_what_a_call_raises_comes_to_its_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 1, 0)


async def test_a_cancelled_caller_waits_for_the_end_of_the_call(held: Held) -> None:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(in_thread, held)
            await has_begun(held)
            scope.cancel()
            asyncio.get_running_loop().call_soon(held.let_go)
    assert scope.cancelled_caught
    assert held.ended


async def test_a_cancelled_caller_goes_on_at_once_where_it_says_so(held: Held) -> None:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: in_thread(held, abandon_on_cancel=True))
            await has_begun(held)
            scope.cancel()
    assert scope.cancelled_caught
    assert not held.ended


async def test_a_thread_of_ones_own_makes_its_calls_in_their_order(
    own: OwnThread, held: Held
) -> None:
    made: list[tuple[int, str]] = []

    def note(number: int) -> int:
        made.append((number, threading.current_thread().name))
        return -number

    first = own.submit(held)
    coming = [own.submit(note, number) for number in range(50)]
    await has_begun(held)
    assert not made
    held.let_go()
    assert await asyncio.gather(*coming) == [-number for number in range(50)]
    assert first.done()
    assert [number for number, _ in made] == [*range(50)]
    assert {name.rpartition("_")[0] for _, name in made} == {"bulkagent-tested"}
    assert len({name for _, name in made}) == 1


async def test_a_call_in_ones_own_thread_has_the_context_of_its_caller(own: OwnThread) -> None:
    """So that a pause in it is the one of the simulated process that submitted it."""

    async def said(words: str) -> str:
        SAID.set(words)
        return await own.submit(SAID.get)

    coming = [asyncio.create_task(said(words)) for words in ("one", "two")]
    assert await asyncio.gather(*coming) == ["one", "two"]
    assert await own.submit(SAID.get) == "nothing"

    noted = Noted()
    BLOCKING.set(noted)
    await own.submit(pause, 0.5)
    assert noted.noted == [("pause", 0.5)]


async def test_what_a_call_in_ones_own_thread_raises_is_in_its_future(own: OwnThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await own.submit(divmod, 1, 0)
    assert await own.submit(divmod, 7, 2) == (3, 1)


async def test_a_call_that_has_begun_is_made_to_its_end(own: OwnThread, held: Held) -> None:
    """So that what it writes is written, although nobody waits for it any more."""
    coming = own.submit(held)
    await has_begun(held)
    coming.cancel()
    held.let_go()
    own.close()
    assert held.ended


async def test_closing_waits_for_all_that_was_submitted(own: OwnThread, held: Held) -> None:
    made: list[int] = []
    own.submit(held)
    coming = [own.submit(made.append, number) for number in range(10)]
    await has_begun(held)
    closing = asyncio.create_task(in_thread(own.close))
    await asyncio.sleep(0)
    assert not closing.done()
    held.let_go()
    await closing
    assert made == [*range(10)]
    await asyncio.gather(*coming)
    assert not [x for x in threading.enumerate() if x.name.startswith("bulkagent-tested")]


async def test_nothing_is_submitted_to_a_thread_that_is_closed(own: OwnThread) -> None:
    own.close()
    with pytest.raises(RuntimeError):
        own.submit(divmod, 1, 1)


def test_a_pause_blocks_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    pause(0.25)
    assert slept == [0.25]


class Noted:
    """Makes each call where it is asked for, and notes it."""

    def __init__(self) -> None:
        self.noted: list[object] = []

    async def call(
        self,
        function: Callable[[*_Ts], _T],
        *arguments: *_Ts,
        abandon_on_cancel: bool = False,
    ) -> _T:
        self.noted.append(("call", arguments, abandon_on_cancel))
        return function(*arguments)

    def thread(self, name: str) -> OwnThread:
        self.noted.append(("thread", name))
        return Threads().thread(name)

    def pause(self, seconds: float) -> None:
        self.noted.append(("pause", seconds))

    def monotonic(self) -> float:
        self.noted.append(("monotonic",))
        return 1.0


async def test_a_context_may_have_its_own_way_to_make_them() -> None:
    """Which holds there alone: that is how a simulation puts them in an order of its own."""
    noted = Noted()

    async def inside() -> None:
        BLOCKING.set(noted)
        assert await in_thread(divmod, 7, 2) == (3, 1)
        await in_thread(pause, 0.5, abandon_on_cancel=True)
        own_thread("mine").close()
        assert monotonic() == 1.0

    await asyncio.create_task(inside())
    assert noted.noted == [
        ("call", (7, 2), False),
        ("call", (0.5,), True),
        ("pause", 0.5),
        ("thread", "mine"),
        ("monotonic",),
    ]
    await in_thread(divmod, 7, 2)
    assert len(noted.noted) == 5
