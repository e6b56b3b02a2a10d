"""How the commands speak: people on stderr, data on stdout, and a way out of every error.

What may live here: writing that survives closed streams, consent, and what an error prints.
What this room must not know: what is said.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from bulkagent.errors import BulkagentError

__all__ = ["agreed", "explained", "print_data", "say"]


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


def agreed(question: str) -> bool:
    """Ask at the controlling terminal, which a roster on standard input leaves free.

    Raises:
        ConsentRefused: There is no terminal to ask at.
    """
    from bulkagent.errors import ConsentRefused
    from bulkagent.report import printable

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise ConsentRefused(
            f"{question.splitlines()[0]} There is no terminal to ask at, so nothing was sent;"
            " add --yes to agree beforehand"
        ) from None
    with os.fdopen(terminal, "r+b", buffering=0) as tty:
        asked = "\n".join(printable(line) for line in question.split("\n"))
        tty.write(f"{asked} [y/N] ".encode())
        answer = tty.readline().decode(errors="replace")
    return answer.strip().lower() in {"y", "yes"}


@contextlib.contextmanager
def explained(*, as_json: bool = False) -> Iterator[None]:
    """Turn what a command raises into a sentence and an exit code, never a traceback."""
    from bulkagent.errors import BulkagentError

    try:
        yield
    except BulkagentError as error:
        if as_json:
            _print_refusal(error)
        else:
            say(f"bulkagent: {error}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        say("bulkagent: interrupted; nothing was sent")
        raise typer.Exit(130) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as defect:  # noqa: BLE001 - the last resort of every command
        say(
            f"bulkagent: this is a defect in bulkagent: {type(defect).__name__}.{_recorded(defect)}"
        )
        raise typer.Exit(1) from None


def _print_refusal(error: BulkagentError) -> None:
    from bulkagent.cli.screen import as_json_object
    from bulkagent.errors import RosterRefused
    from bulkagent.run import RunResult, no_totals

    bad_rows = error.bad_rows if isinstance(error, RosterRefused) else ()
    totals = no_totals()
    rows = error.rows if isinstance(error, RosterRefused) else 0
    print_data(
        as_json_object(
            RunResult(
                run_id=None,
                state="refused",
                exit_code=error.exit_code,
                rows=rows,
                totals=totals,
                causes={},
                error=str(error),
                errors=bad_rows,
            )
        )
    )


def _recorded(defect: BaseException) -> str:
    """Keep the traceback, without the values in it, where it can be sent from."""
    import time
    import traceback

    from bulkagent.gateway.reply import without_secrets
    from bulkagent.ledger import default_path

    log = default_path().with_name("defects.log")
    text = "".join(traceback.format_exception(defect))
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            file.write(f"--- {stamp}\n{without_secrets(text)}\n")
    except OSError:
        return " Its traceback could not be kept: " + Path(log).as_posix() + " cannot be written"
    return f" Please report it with the traceback in {log}; what was sent is in the ledger"
