"""A command as a person starts it: at a terminal of its own, which a test reads and types at."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
from collections.abc import Sequence
from pathlib import Path

from tests.cli.command import COMMAND, environment


def at_a_terminal(
    folder: Path, command: Sequence[object], **surroundings: str
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the installed command; its process, and the other side of its controlling terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *map(str, command)],
        cwd=folder,
        env=environment(folder, {"TERM": "dumb", **surroundings}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - no other thread is running here
    )
    os.close(theirs)
    return process, ours


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def shown_until(terminal: int, text: bytes) -> str:
    """What the terminal shows up to a text, or up to its end."""
    shown = b""
    while not text or text not in shown:
        try:
            more = os.read(terminal, 1024)
        except OSError:  # the other side has closed it
            break
        if not more:
            break
        shown += more
    return shown.decode(errors="replace")
