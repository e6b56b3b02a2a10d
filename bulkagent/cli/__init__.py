"""The command line: parse, call, print, exit code.

What may live here: one thin module a command, and what they share to talk to people. What this
room must not know: how anything is done. Everything heavy is imported when a command runs, so that
`--help` and completion answer at once.

At the root: `app` (all commands), `parser` (a command is made of the rows of its options),
`help_text`, `shells` (completion), `wrong_command_lines` and `error_exit` (how a command ends when
something goes wrong). Inside: `commands`, `progress`, `options`, `render` and `console`, each of
which imports none before it.
"""

from __future__ import annotations

import io
import os
import sys

from bulkagent.cli.app import app
from bulkagent.cli.console import signals as status
from bulkagent.cli.console import terminal

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; the console script and `python -m bulkagent` come here."""
    _fill_standard_streams()
    # By TLS keys in a file GUIDs could be read off the wire; libraries obey this on import.
    os.environ.pop("SSLKEYLOGFILE", None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that a terminal cannot show must not cost the line it stands in.
            stream.reconfigure(errors="backslashreplace")
    status.listen()
    code = 0
    try:
        app(prog_name="bulkagent")
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except OSError as error:  # of what click prints by itself: help, completion
        terminal.not_printed(error.strerror or str(error))
    sys.exit(terminal.leave(code))


def _fill_standard_streams() -> None:
    """Give closed standard streams the null device.

    Otherwise the next file or socket that is opened gets number 1 or 2, and code that prints
    writes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
