"""Commands that are made of rows, and the group of all of them."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from bulkagent.cli import wrong_command_lines
from bulkagent.cli.console.terminal import forget_printed, say
from bulkagent.cli.error_exit import explained, tell_defect, tell_refusal
from bulkagent.cli.help_text import Context, format_group, format_options
from bulkagent.cli.options import rows_of
from bulkagent.cli.options.environment import look_through
from bulkagent.cli.options.given import Given
from bulkagent.cli.options.optional_values import filled_in
from bulkagent.cli.options.parameters import EVERYTHING, RowArgument, RowOption, parameter_of
from bulkagent.cli.options.without_effect import PRESENT
from bulkagent.errors import BulkagentError, SettingsRefused
from bulkagent.settings.row import Row

_COMPLETE = "_BULKAGENT_COMPLETE"


class CommandGroup(click.Group):
    """Several commands; what ends one of them is told in our words, and as data where asked for."""

    context_class = Context

    def __init__(self, name: str, commands: Mapping[str, click.Command], **more: Any) -> None:
        super().__init__(name, dict(commands), **more)
        self.context_settings = {"help_option_names": ["-h", "--help"]}

    def main(self, args: Sequence[str] | None = None, *more: Any, **named: Any) -> Any:
        """Run a command line, and leave with its exit code."""
        instruction = os.environ.get(_COMPLETE)
        if instruction:
            from bulkagent.cli import shells

            sys.exit(shells.answer(self, instruction))
        if not named.get("standalone_mode", True):
            return super().main(args, *more, **named)
        words = sys.argv[1:] if args is None else list(args)
        as_json = "--json" in words
        forget_printed()
        try:
            code = super().main(words, *more, **{**named, "standalone_mode": False})
        except BulkagentError as error:
            tell_refusal(error, as_json=as_json)
            code = error.exit_code
        except click.exceptions.NoArgsIsHelpError as error:
            code = _begin(error.exit_code)
        except click.UsageError as error:
            told = SettingsRefused(wrong_command_lines.of_all(error))
            tell_refusal(told, as_json=as_json)
            code = error.exit_code
        except click.Abort:
            code = 1
        except (OSError, KeyboardInterrupt):
            raise
        except Exception as defect:  # noqa: BLE001 - the last resort of everything
            from bulkagent.cli.commands.refused_reports import replace_reports

            tell_defect(defect, as_json=as_json)
            replace_reports("a defect in bulkagent, before anything was sent", 1)
            code = 1
        sys.exit(code if isinstance(code, int) else 0)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The parameters; `--help-all` shows of a group what `--help` does."""
        return [*super().get_params(ctx), _HELP_ALL_OF_GROUP]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of a run's life."""
        del ctx
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and the commands, each with its whole first sentence."""
        options = [each for each in self.params if isinstance(each, click.Option)]
        told = {name: each.get_short_help_str(_WHOLE) for name, each in self.commands.items()}
        format_group(formatter, options, told)
        del ctx

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that a word names.

        Raises:
            SettingsRefused: There is none of that name.
        """
        if not ctx.resilient_parsing and args and args[0] not in self.commands:
            wrong_command_lines.refuse_word(ctx, args[0], self.commands, kind="command")
        return super().resolve_command(ctx, args)


class Command(click.Command):
    """A command whose options are rows.

    Args:
        path: Its name with those of its groups, such as `session hold`.
        run: What it does with the values of a command line; returns the exit code.
    """

    context_class = Context

    def __init__(self, path: str, run: Callable[[Given], int | None]) -> None:
        super().__init__(path.rpartition(" ")[2], help=inspect.cleandoc(run.__doc__ or ""))
        # Made when they are needed: a start makes those of one command.
        del self.params
        self._path = path
        self._run = run

    @functools.cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the options, in the order of their groups."""
        return rows_of(self._path)

    @functools.cached_property
    def params(self) -> list[click.Parameter]:  # type: ignore[override] # click sets it at once
        """The parameters of the rows."""
        return [parameter_of(row, self._path) for row in self.rows]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The parameters, with those that ask for help."""
        own = super().get_params(ctx)
        return own if any(each.name == _HELP_ALL.name for each in own) else [*own, _HELP_ALL]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse a command line.

        Raises:
            SettingsRefused: It is wrong, or a variable of the environment is.
        """
        words = filled_in(args, wrong_command_lines.with_value(self))
        if ctx.resilient_parsing:
            return super().parse_args(ctx, list(words))
        if not any(word in _ASKING for word in words):
            look_through(self.rows)
        try:
            return super().parse_args(ctx, list(words))
        except click.UsageError as error:
            wrong_command_lines.refuse(self, ctx, words, error)

    def invoke(self, ctx: click.Context) -> int:
        """Carry out the command, which may ask what was typed for it; the exit code."""
        present = PRESENT.set(ctx)
        try:
            with explained(as_json=ctx.params.get("json")):
                given = Given(ctx, self.rows)
                if "language" not in ctx.params:
                    return self._run(given) or 0
                from bulkagent.cli.options.language import language_spoken

                with language_spoken(ctx.params["language"], ctx.params["config"]):
                    return self._run(given) or 0
        finally:
            PRESENT.reset(present)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, and the arguments before them."""
        arguments = [each for each in self.params if isinstance(each, RowArgument)]
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl([(each.row.metavar, each.row.help) for each in arguments])
        options = [each for each in self.params if isinstance(each, RowOption)]
        format_options(formatter, options, everything=bool(ctx.meta.get(EVERYTHING)))


def _begin(code: int) -> int:
    """Say what to type first; the exit code."""
    try:
        with explained():
            from bulkagent.cli.options.language import language_spoken
            from bulkagent.cli.render.first_commands import first_commands

            with language_spoken():
                say(first_commands())
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return code


_WHOLE = 1_000
"""Longer than any first sentence."""

_ASKING = frozenset({"-h", "--help", "--help-all"})


def _show_everything(ctx: click.Context, _param: object, asked: bool) -> None:  # noqa: FBT001 - click calls it
    if asked and not ctx.resilient_parsing:
        ctx.meta[EVERYTHING] = True
        click.echo(ctx.get_help())
        ctx.exit()


_HELP_ALL, _HELP_ALL_OF_GROUP = (
    click.Option(
        ["--help-all"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_everything,
        help="Show the rarely needed options, too.",
        hidden=hidden,
    )
    for hidden in (False, True)
)
