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

__all__ = ["agreed", "print_data", "say", "width_of", "wrapped"]


def say(text: str = "") -> None:
    """A line for people, on stderr, with everything that a terminal would obey spelled out."""
    from bulkagent.report import printable

    width = width_of(sys.stderr)
    lines = (printable(line) for line in text.split("\n"))
    _write(sys.stderr, "\n".join(part for line in lines for part in wrapped(line, width)))


def wrapped(line: str, width: int | None) -> list[str]:
    """A line as a terminal of so many columns shows it without cutting a word.

    What is to be copied, a command or a path, stays in one piece.
    """
    if width is None or len(line) <= width or width <= len(_INDENT) * 2:
        return [line]
    if line.startswith(_WHOLE) or line.lstrip().startswith("bulkagent "):
        return [line]
    import textwrap

    return textwrap.wrap(
        line, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )


def width_of(stream: TextIO | None) -> int | None:
    """Columns of the terminal that a stream goes to; None: it is none, so nothing need fit."""
    if stream is None or not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


_INDENT = " " * 8
_WHOLE = ("next    ", "report  ")


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


def agreed(question: str, *, otherwise: str = "nothing was sent", number: int = 0) -> bool:
    """Ask at the controlling terminal, which a roster on standard input leaves free.

    Args:
        question: With all that is agreed to.
        number: What has to be typed to agree; 0: yes or y. Anything else, Enter too, is no.
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
            how = f"Type the number {number} to agree: " if number else "[y/N] "
            tty.write(f"{asked} {how}".encode())
            answer = tty.readline().decode(errors="replace")
    except (OSError, termios.error):
        raise ConsentRefused(f"{otherwise}: the terminal has gone") from None
    if number:
        return answer.strip().replace(",", "") == str(number)
    return answer.strip().lower() in {"y", "yes"}
