"""How the commands speak: to people on stderr, with data on stdout, and a question in between."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import termios
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, TextIO

from bulkagent.cli.console.announcer import Console


def say(text: str = "") -> None:
    """A line for people, on stderr, with everything that a terminal would obey spelled out.

    Waits for a moment where nobody takes it, and not any more once that is known.
    """
    _tell(text, Console.say)


def say_soon(text: str) -> None:
    """The same from any thread and from handlers of signals, without ever waiting."""
    _tell(text, Console.put)


def _tell(text: str, how: Callable[[Console, bytes], object]) -> None:
    from bulkagent.reports import printable

    stream = sys.stderr
    width = width_of(stream)
    lines = (printable(line) for line in text.split("\n"))
    shown = "\n".join(part for line in lines for part in wrapped(line, width))
    console = console_of(stream)
    if console is None:
        _write(stream, shown)
    elif stream is not None:
        how(console, f"{shown}\n".encode(stream.encoding, "backslashreplace"))


def console_of(stream: TextIO | None) -> Console | None:
    """What writes to stderr; None where that is something else, as a test's."""
    try:
        real = isinstance(stream, io.TextIOWrapper) and stream.fileno() == _STDERR
    except (OSError, ValueError):
        return None
    return _console() if real else None


@cache
def _console() -> Console:
    return Console(_STDERR)


_STDERR = 2
_LAST_WORDS_S = 2.0
"""For so long a reader that takes nothing is waited for in the end; a terminal for ever."""


def leave(code: int) -> int:
    """Let all that was said and printed be written; the exit code, which that may worsen."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
            # Some file systems say only now that there was no room.
            os.close(os.dup(sys.stdout.fileno()))
        except (OSError, ValueError) as error:
            _not_printed(error, sys.stdout)
    console = console_of(sys.stderr)
    if console is not None:
        console.show(b"")
        console.drain(None if sys.stderr.isatty() else _LAST_WORDS_S)
    return _UNPRINTED if _failed and code != _REFUSED else code


_UNPRINTED, _REFUSED = 1, 2
_failed: list[str] = []


def not_printed(said: str) -> None:
    """Take note that data could not be written to stdout, and say so."""
    if not _failed:
        say(
            f"bulkagent: standard output could not be written: {said}; everything that was done"
            " before still holds"
        )
    _failed.append(said)


def _not_printed(error: OSError | ValueError, stream: TextIO) -> None:
    # What is still in the buffer must go somewhere, or the interpreter complains about it on its
    # way out.
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    # Its reader has gone: that is no reason to leave a shift half set, nor worth a word.
    if isinstance(error, OSError) and error.errno not in {errno.EPIPE, None}:
        not_printed(error.strerror or str(error))


def wrapped(line: str, width: int | None) -> list[str]:
    """A line as a terminal of so many columns shows it without cutting a word.

    What is to be copied, a command or a path, stays in one piece.
    """
    # A character takes two columns at most.
    if width is None or len(line) * 2 <= width or width <= len(_INDENT) * 2:
        return [line]
    from bulkagent.cli.console.labels import MARGIN, is_whole
    from bulkagent.text import columns

    if columns.columns_of(line) <= width or is_whole(line):
        return [line]
    # A label stays beside what it is about.
    return columns.wrapped(line, width, _INDENT, first=len(line[:MARGIN].rstrip()))


def width_of(stream: TextIO | None) -> int | None:
    """Columns of the terminal that a stream goes to; None: it is none, so nothing need fit."""
    if stream is None or not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked):
        return int(asked)
    try:
        return _columns_of(stream.fileno())
    except ValueError:
        return None


def _columns_of(number: int) -> int | None:
    """Columns of a terminal, by the number of an open file; None: nobody knows."""
    try:
        return os.get_terminal_size(number).columns or None
    except OSError:
        return None


_INDENT = " " * 8


def printed() -> bool:
    """Whether this command has printed data."""
    return bool(_printed)


def forget_printed() -> None:
    """Begin a command, which has not printed anything."""
    _printed.clear()


_printed: list[bool] = []


def print_data(text: str) -> None:
    """Data, on stdout, with everything that a terminal would obey spelled out.

    What cannot be written is said, and worsens the exit code; a reader that has gone does neither.
    """
    from bulkagent.reports import printable

    print_text("\n".join(map(printable, text.split("\n"))))


def print_wrapped(text: str) -> None:
    """Lines for people on stdout, in the width of the terminal where that is one."""
    width = width_of(sys.stdout)
    print_data("\n".join(part for line in text.split("\n") for part in wrapped(line, width)))


def print_text(text: str) -> None:
    """Text of the program's own on stdout as it stands, with the styles of a terminal."""
    _printed.append(True)
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _not_printed(error, sys.stdout)


def print_json(value: object) -> None:
    """Data as one line of JSON, on stdout, in which every character is escaped that is obeyed."""
    from bulkagent.reports import encoded

    print_data(encoded(value).decode())


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        stream.write(text + "\n")
        stream.flush()


class TypedAnswer(NamedTuple):
    """What a person answered to a question."""

    agreed: bool
    typed: str


def has_terminal() -> bool:
    """Whether there is a controlling terminal to ask at."""
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    return False


def agreed(effect: str, *, otherwise: str = "nothing was sent") -> bool:
    """Whether a person agrees, asked as by `answer_to`.

    Raises:
        ConsentRefused: There is no terminal to ask at.
    """
    return answer_to(effect, otherwise=otherwise).agreed


def answer_to(effect: str, *, otherwise: str = "nothing was sent", number: int = 0) -> TypedAnswer:
    """Ask at the controlling terminal, which a roster on standard input leaves free.

    Args:
        effect: What is agreed to, as a statement, with what parts it from a question.
        number: What has to be typed to agree; 0: yes or y. Anything else, Enter too, is no.
        otherwise: What is so as long as nobody agrees.

    Raises:
        ConsentRefused: There is no terminal to ask at.
    """
    from bulkagent.errors import ConsentRefused
    from bulkagent.language import translate
    from bulkagent.reports import printable

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise ConsentRefused(
            f"{otherwise}: there is no terminal to ask at. Add --yes to agree beforehand to"
            f" this: {effect.rstrip()}"
        ) from None
    try:
        with os.fdopen(terminal, "r+b", buffering=0) as tty:
            # What was typed before the question is no answer to it.
            termios.tcflush(tty, termios.TCIFLUSH)
            how = translate("Type the number {number} to agree:").format(number=number)
            go_on = translate("Go on?")
            asked = f"{effect}{how if number else f'{go_on} [y/N]'}"
            width = _columns_of(tty.fileno())
            lines = [part for line in asked.split("\n") for part in wrapped(printable(line), width)]
            tty.write(("\n".join(lines) + " ").encode())
            answer = tty.readline().decode(errors="replace")
    except (OSError, termios.error):
        raise ConsentRefused(f"{otherwise}: the terminal has gone") from None
    typed = answer.strip()
    if number:
        return TypedAnswer(typed.replace(",", "") == str(number), typed)
    return TypedAnswer(typed.lower() in {"y", "yes"}, typed)
