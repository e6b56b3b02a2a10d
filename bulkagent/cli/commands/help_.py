"""`bulkagent help`: the help of a command."""

from __future__ import annotations

from typing import Any

import click

from bulkagent.cli.options.given import Given
from bulkagent.cli.options.parameters import EVERYTHING
from bulkagent.cli.options.without_effect import PRESENT


def show_help(given: Given) -> None:
    """Show how a command is used. Without one, list all commands.

    Example: bulkagent help apply
    """
    from bulkagent.errors import SettingsRefused

    context: click.Context = PRESENT.get().find_root()
    command: Any = context.command
    words = list(given["words"])
    while words and isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        context = command.context_class(command, info_name=name, parent=context)
    if words:
        raise SettingsRefused(
            f"there is a word too many: {words[0]!r}; {context.command_path} has no commands. See"
            f" `{context.command_path} --help`"
        )
    context.meta[EVERYTHING] = given["help_all"]
    click.echo(command.get_help(context))
