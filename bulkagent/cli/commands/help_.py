"""`bulkagent help`: the help of a command."""

from __future__ import annotations

from typing import Any

import click

from bulkagent.cli.options.given import Given
from bulkagent.cli.options.idle import PRESENT


def show_help(given: Given) -> None:
    """Show how a command is used; without one, which there are.

    Example: bulkagent help apply
    """
    context: click.Context = PRESENT.get().find_root()
    command: Any = context.command
    words = list(given["words"])
    while words and isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        context = command.context_class(command, info_name=name, parent=context)
    click.echo(command.get_help(context))
