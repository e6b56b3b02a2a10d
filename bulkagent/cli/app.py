"""All commands."""

from __future__ import annotations

from typing import Any

import click

from bulkagent.cli.commands import (
    apply,
    check,
    config,
    doctor,
    emulate,
    explain,
    guide,
    help_,
    prune,
    report,
    resume,
    revert,
    runs,
    session_hold,
    show,
)
from bulkagent.cli.parser import Command, CommandGroup


def _group(name: str, help: str, *commands: click.Command) -> CommandGroup:  # noqa: A002 - click's word
    named = {str(each.name): each for each in commands}
    return CommandGroup(name, named, help=help, no_args_is_help=False)


def _version(ctx: click.Context, _param: object, asked: Any) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"bulkagent {version('bulkagent')}")
        ctx.exit()


def _install_completion(ctx: click.Context, _param: object, shell: str | None) -> None:
    if shell is not None and not ctx.resilient_parsing:
        from bulkagent.cli import shells

        name, path = shells.install(shell)
        click.secho(f"{name} completion installed in {path}", fg="green")
        click.echo("Completion will take effect once you restart the terminal")
        ctx.exit()


def _show_completion(ctx: click.Context, _param: object, shell: str | None) -> None:
    if shell is not None and not ctx.resilient_parsing:
        from bulkagent.cli import shells

        click.echo(shells.show(shell))
        ctx.exit()


_EAGER: dict[str, Any] = {"is_eager": True, "expose_value": False}
_SHELL: dict[str, Any] = {"is_flag": False, "flag_value": "", "metavar": "[SHELL]", **_EAGER}

app = CommandGroup(
    "bulkagent",
    {
        "check": Command("check", check.check),
        "apply": Command("apply", apply.apply),
        "resume": Command("resume", resume.resume),
        "revert": Command("revert", revert.revert),
        "report": Command("report", report.report),
        "runs": Command("runs", runs.runs),
        "show": Command("show", show.show),
        "doctor": Command("doctor", doctor.doctor),
        "explain": Command("explain", explain.explain),
        "prune": Command("prune", prune.prune),
        "emulate": Command("emulate", emulate.emulate),
        "session": _group(
            "session",
            "Sessions of agents that bulkagent itself signs in.",
            Command("session hold", session_hold.hold),
        ),
        "config": _group(
            "config",
            "Show which settings hold and where they come from, or write a file of them.",
            Command("config show", config.show),
            Command("config init", config.init),
        ),
        "guide": Command("guide", guide.guide),
        "help": Command("help", help_.show_help),
    },
    help="Set, for a whole shift at once, whether contact-centre agents answer inbound calls.",
    no_args_is_help=True,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            callback=_version,
            help="Print the version and exit.",
            **_EAGER,
        ),
        click.Option(
            ["--install-completion"],
            callback=_install_completion,
            help="Install completion for the current shell.",
            **_SHELL,
        ),
        click.Option(
            ["--show-completion"],
            callback=_show_completion,
            help="Show completion for the current shell, to copy or change it.",
            **_SHELL,
        ),
    ],
)
"""The command line."""
