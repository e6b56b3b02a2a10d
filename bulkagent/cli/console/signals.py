"""What is said to somebody who asks with SIGUSR1 how it stands; nothing is stopped by it.

What may live here: the signal and who answers now. What this room must not know: what is said.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
from collections.abc import Callable, Iterator

from bulkagent.cli.console.terminal import say_soon

__all__ = ["answering", "listen"]

_ASKING = (signal.SIGUSR1, signal.SIGUSR2)
"""Both would end a process that does not expect them."""

_answers: list[Callable[[], str]] = [lambda: "bulkagent is at work; nothing is sent now"]


def listen() -> None:
    """Answer from now on; a signal that somebody upstream has set to be ignored stays ignored."""
    for number in _ASKING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _answer)


@contextlib.contextmanager
def answering(status: Callable[[], str]) -> Iterator[None]:
    """Have this say how it stands; it is asked in the main thread, at any moment."""
    _answers.append(status)
    try:
        yield
    finally:
        _answers.remove(status)


def _answer(_number: int, _frame: object) -> None:
    with contextlib.suppress(Exception):  # whatever it may be: asking must not end anything
        now = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        say_soon(f"{now} {_answers[-1]()}")
