"""Click's parameters, made of rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bulkagent.settings.row import Kind, Row

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem


class PathType(click.ParamType["Path"]):
    """A path as it was written; the code that uses it tells whether it can be used."""

    name = "path"
    envvar_list_splitter = os.pathsep

    def convert(self, value: Any, param: object, ctx: object) -> Path:
        """The path of a text."""
        from pathlib import Path

        del param, ctx
        return Path(value)


_PATH = PathType()


EVERYTHING = "bulkagent.help_all"
"""Where a context keeps that help shows the rarely needed options, too."""


class RowOption(click.Option):
    """An option that is made of a row."""

    row: Row


class RowArgument(click.Argument):
    """An argument that is made of a row."""

    row: Row


def parameter_of(row: Row, command: str) -> RowOption | RowArgument:
    """The parameter of a row.

    Args:
        row: What it is made of.
        command: The command that has it.
    """
    more: dict[str, Any] = {"shell_complete": _completer(row.completes)}
    # What is required has no default, not even None.
    more |= {"required": True} if row.required else {"default": _default_of(row)}
    if row.is_argument:
        return _argument(row, more)
    names = [row.option, *([row.short] if row.short else []), row.name]
    if row.kind is Kind.PAIR:
        names[0] = f"{row.option}/--no-{row.option.removeprefix('--')}"
    told = _AS_IT_WAS if row.kept and command in _OF_A_RUN else row.told
    told = "required" if row.required else told
    made = RowOption(
        names,
        type=_type_of(row),
        is_flag=row.kind in {Kind.SWITCH, Kind.PAIR},
        multiple=row.kind in {Kind.PATHS, Kind.TEXTS},
        help=row.help + (f"  [{told}]" if told else ""),
        metavar=row.metavar or None,
        envvar=row.variable or None,
        **more,
    )
    made.row = row
    return made


_OF_A_RUN = frozenset({"resume", "revert"})
_AS_IT_WAS = "as the run had it"


def _argument(row: Row, more: dict[str, Any]) -> RowArgument:
    many = row.metavar.endswith("]...")
    made = RowArgument(
        [row.name],
        type=_PATH if row.kind is Kind.ARGUMENT_PATH else str,
        nargs=-1 if many else 1,
        metavar=row.metavar,
        **more,
    )
    made.row = row
    return made


def _type_of(row: Row) -> click.ParamType[Any]:
    if row.kind is Kind.WHOLE:
        # What lies beyond the range of a setting is told by the table of ranges.
        if row.fields or not row.ranges:
            return click.INT
        _, _, low, high = row.ranges[0]
        return click.IntRange(int(low), None if high == float("inf") else int(high))
    if row.kind is Kind.CHOICE:
        return click.Choice(row.words)
    if row.kind in {Kind.PATH, Kind.PATHS}:
        return _PATH
    return click.BOOL if row.kind in {Kind.SWITCH, Kind.PAIR} else click.STRING


def _default_of(row: Row) -> Any:
    """What a command is given where nobody says anything: of a setting, nothing."""
    if row.metavar.endswith("]..."):
        return ()
    if row.kind is Kind.SWITCH:
        return None if row.fields else False
    if row.fields or not row.default:
        return None
    return int(row.default) if row.kind is Kind.WHOLE else row.default


def _completer(kind: str) -> Callable[..., list[CompletionItem]] | None:
    if not kind:
        return None

    def complete(ctx: Any, param: object, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from bulkagent.cli.options import completion

        del param
        found = completion.FINDERS[kind](ctx, incomplete)
        return [CompletionItem(value, help=told or None) for value, told in found]

    return complete
