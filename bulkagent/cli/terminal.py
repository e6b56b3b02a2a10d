"""How the commands speak: to people on stderr, with data on stdout, and a question in between.

What may live here: writing that survives closed streams, and asking. What this room must not
know: what is said.
"""

from __future__ import annotations

import contextlib
import os
import sys
import termios
from typing import TextIO

__all__ = ["agreed", "print_data", "say"]


def say(text: str = "") -> None:
    """A line for people, on stderr, with everything that a terminal would obey spelled out."""
    from bulkagent.report import printable

    _write(sys.stderr, "\n".join(printable(line) for line in text.split("\n")))


def print_data(text: str) -> None:
    """A line of data, on stdout."""
    _write(sys.stdout, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except (OSError, ValueError):
        # Whoever read it has gone: that is no reason to leave a shift half set. What is still in
        # the buffer must go somewhere, or the interpreter complains about it on its way out.
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def agreed(question: str, *, otherwise: str = "nothing was sent") -> bool:
    """Ask at the controlling terminal, which a roster on standard input leaves free.

    Args:
        question: With all that is agreed to.
        otherwise: What is so as long as nobody agrees.

    Raises:
        ConsentRefused: There is no terminal to ask at.
    """
    from bulkagent.errors import ConsentRefused
    from bulkagent.report import printable

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise ConsentRefused(
            f"{otherwise}: there is no terminal to ask at. Add --yes to agree beforehand to"
            f" this: {question}"
        ) from None
    asked = "\n".join(printable(line) for line in question.split("\n"))
    try:
        with os.fdopen(terminal, "r+b", buffering=0) as tty:
            # What was typed before the question is no answer to it.
            termios.tcflush(tty, termios.TCIFLUSH)
            tty.write(f"{asked} [y/N] ".encode())
            answer = tty.readline().decode(errors="replace")
    except (OSError, termios.error):
        raise ConsentRefused(f"{otherwise}: the terminal has gone") from None
    return answer.strip().lower() in {"y", "yes"}
