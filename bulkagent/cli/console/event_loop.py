"""The event loop that commands run on, and how often its garbage is looked through.

A program that imports bulkagent has a loop of its own; it works on any of asyncio's.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from bulkagent.cli.console.stray_errors import StrayErrors

ResultT = TypeVar("ResultT")


def run_on_loop(
    main: Coroutine[Any, Any, ResultT],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> ResultT:
    """Run to its end, with what nobody catches on the way said once, in a line.

    Args:
        main: What is run.
        loop_factory: The loop it runs on; the standard one, but for sessions that are held.
    """
    with (
        _collecting_seldom(),
        StrayErrors() as stray,
        asyncio.Runner(loop_factory=loop_factory) as runner,
    ):
        runner.get_loop().set_exception_handler(stray.of_loop)
        return runner.run(main)


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Have the garbage collector walk through all that is alive once in minutes, not seconds.

    Of 2,000 held sessions each such walk took a quarter of a second and more, every second or
    two, in which no session was polled. Young garbage is collected as before.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
