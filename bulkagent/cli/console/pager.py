"""A pager: it shows text that is longer than the terminal, a screen at a time."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping

from bulkagent.cli.console.terminal import print_text

_USUAL = "less"
_SEARCHED_BY_ROOT = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def pager_words(environment: Mapping[str, str], *, root: bool) -> list[str]:
    """The command line of the pager; []: there is none, and text is printed.

    Args:
        environment: Of the process; `PAGER` names the program to use.
        root: Whether the process may do everything. Then no variable names a program.
    """
    try:
        words = [] if root else shlex.split(environment.get("PAGER", ""))
    except ValueError:
        words = []
    if not words:
        found = shutil.which(_USUAL, path=_SEARCHED_BY_ROOT if root else environment.get("PATH"))
        return [found, "-R"] if found else []
    return [*words, "-R"] if shows_styles(words) else words


def shows_styles(words: list[str]) -> bool:
    """Whether a pager takes bold and colours as such; another one may show their codes."""
    return os.path.basename(words[0]) == _USUAL  # noqa: PTH119 - a name, not a file


def pager_environment(environment: Mapping[str, str], *, root: bool) -> dict[str, str]:
    """The environment of the pager: less gets no shell, no editor and no other file."""
    kept = {
        name: value
        for name, value in environment.items()
        # By the first, less allows again what LESSSECURE takes from it.
        if name != "LESSSECURE_ALLOW"
        and not (root and (name.startswith("LESS") or name in {"PAGER", "PATH"}))
    }
    path = {"PATH": _SEARCHED_BY_ROOT} if root else {}
    return {**kept, **path, "LESSSECURE": "1"}


def is_at_terminal() -> bool:
    """Whether a person is there to turn pages: stdin and stdout are terminals."""
    streams = (sys.stdin, sys.stdout)
    return shows_control_codes() and all(each and each.isatty() for each in streams)


def shows_control_codes() -> bool:
    """Whether the terminal does more than show characters: bold, colours, a screen to turn."""
    return os.environ.get("TERM") not in {"dumb", "", None}


def fits(text: str) -> bool:
    """Whether the terminal shows all lines of a text at once, with the prompt below them."""
    return text.count("\n") + 2 <= os.get_terminal_size(sys.stdout.fileno()).lines


def show(text: str, words: list[str], *, root: bool) -> None:
    """Show a text with a pager; print it where there is none or it cannot be started."""
    if not words:
        print_text(text)
        return
    try:
        pager = subprocess.Popen(  # noqa: S603 - the person's own choice; root has none
            words,
            stdin=subprocess.PIPE,
            env=pager_environment(os.environ, root=root),
        )
    except OSError:
        print_text(text)
        return
    # Ctrl-C is the pager's: it ends a search there, and must not leave a pager without us.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with contextlib.suppress(BrokenPipeError):
            pager.communicate(f"{text}\n".encode(sys.stdout.encoding, "backslashreplace"))
        pager.wait()
    finally:
        signal.signal(signal.SIGINT, before)
