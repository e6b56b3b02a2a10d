"""What is left of a morning: it goes at its end, in silence, and does not disturb the next one."""

from __future__ import annotations

import contextlib
import gc
import itertools
import sys
import warnings
from collections.abc import Iterable, Iterator
from functools import cache

from anyio._backends._asyncio import _task_states

from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Process

_mornings = itertools.count(1)
_SETTLED_AFTER = frozenset({1, 10, 50, 200})


@cache
def settle_memory() -> None:
    """Keep what is there before all mornings out of the collections at their ends."""
    gc.freeze()


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing within.

    A killed process's tasks are garbage. Where one is collected its `finally` clauses run, at a
    moment that depends on all that this interpreter did before.
    """
    settle_memory()
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def end(loop: VirtualLoop, processes: Iterable[Process]) -> None:
    """Have all of a morning go."""
    with _silence():
        for process in processes:
            process.let_go()
        _forget(loop)
        loop.close()
    let_go()


def let_go() -> None:
    """Have what was killed go: it is not gone on with, and cannot do anything."""
    with _silence():
        gc.collect()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Say nothing of what a killed process has left: errors, and tasks that it had not begun.

    A coroutine that a living process forgets goes at once, and is warned of.
    """
    hook, sys.unraisablehook = sys.unraisablehook, lambda _args: None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            yield
    finally:
        sys.unraisablehook = hook


def let_all_go() -> None:
    """The same at the end of a morning, once it is judged.

    After the first mornings, what is left are caches and modules that are imported late. They stay,
    so that no later collection looks through them.
    """
    let_go()
    if next(_mornings) in _SETTLED_AFTER:
        gc.freeze()


def _forget(loop: VirtualLoop) -> None:
    """Take its tasks out of anyio's table, whose values keep the keys of tasks that never end."""
    for task in list(_task_states):
        if task.get_loop() is loop:
            del _task_states[task]
