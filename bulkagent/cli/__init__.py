"""The command line: parse, call, print, exit code.

What may live here: one thin module a command, and what they share to talk to people. What
this room must not know: how anything is done. Everything heavy is imported when a command
runs, so that `--help` and completion answer at once.
"""

from __future__ import annotations

import io
import os
import sys

import typer

from bulkagent.cli.commands import (
    apply,
    check,
    doctor,
    emulate,
    explain,
    prune,
    report,
    resume,
    revert,
    runs,
    show,
)
from bulkagent.cli.commands import config as configuration
from bulkagent.cli.commands import session_hold as hold
from bulkagent.cli.console import signals as status
from bulkagent.cli.console import terminal
from bulkagent.cli.parser import Command, Group

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Group,
    name="bulkagent",
    help="Set, for a whole shift at once, whether contact-centre agents answer inbound calls.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("check", cls=Command)(check.check)
app.command("apply", cls=Command)(apply.apply)
app.command("resume", cls=Command)(resume.resume)
app.command("revert", cls=Command)(revert.revert)
app.command("report", cls=Command)(report.report)
app.command("runs", cls=Command)(runs.runs)
app.command("show", cls=Command)(show.show)
app.command("doctor", cls=Command)(doctor.doctor)
app.command("explain", cls=Command)(explain.explain)
app.command("prune", cls=Command)(prune.prune)
app.command("emulate", cls=Command)(emulate.emulate)

session = typer.Typer(cls=Group, help="Sessions of agents that bulkagent itself signs in.")
session.command("hold", cls=Command)(hold.hold)
app.add_typer(session, name="session")

config = typer.Typer(
    cls=Group, help="Settings: which hold, where they come from, and a file of them."
)
config.command("show", cls=Command)(configuration.show)
config.command("init", cls=Command)(configuration.init)
app.add_typer(config, name="config")


@app.callback(invoke_without_command=True)
def _version(
    ctx: typer.Context,
    *,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"bulkagent {installed('bulkagent')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit


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
    except OSError as error:  # of what Typer prints by itself: help, completion
        terminal.not_printed(error.strerror or str(error))
    sys.exit(terminal.leave(code))


def _fill_standard_streams() -> None:
    """Give closed standard streams the null device.

    Otherwise the next file or socket that is opened gets number 1 or 2, and whoever prints
    writes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
