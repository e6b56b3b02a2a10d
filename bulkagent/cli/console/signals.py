"""Signals: those that end a command, and those by which somebody asks how it stands."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
from collections.abc import Callable, Iterator

from bulkagent.cli.console.terminal import say_soon

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that end a command, before the first request at once and later by draining."""

_ASKING = (signal.SIGUSR1, signal.SIGUSR2)
"""Both would end a process that does not expect them."""

_answers: list[Callable[[], str]] = [lambda: "bulkagent is at work; nothing is sent now"]


def listen() -> None:
    """Answer from now on; a signal that somebody upstream has set to be ignored stays ignored."""
    for number in _ASKING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _answer)


@contextlib.contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Leave at once on a signal, by way of everything that has to be put back.

    For the time before anything is sent; an ignored signal stays ignored.
    """
    from bulkagent.errors import Interrupted

    def leave(number: int, _frame: object) -> None:
        raise Interrupted("interrupted; nothing was sent", signal=number)

    before = {
        number: signal.signal(number, leave)
        for number in SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is leave:  # else somebody has taken over
                signal.signal(number, handler)


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
