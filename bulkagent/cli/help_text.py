"""The text of `--help`: options under headings, in the width of the terminal."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import click

from bulkagent.cli.options.parameters import RowOption
from bulkagent.settings.row import Row

WIDEST = 200
"""Beyond these columns lines are no longer read."""
_NO_TERMINAL = 80
"""Columns where there is no terminal."""
_FEW = 12
"""A command with no more options than these has them without headings."""
_LEFT = 31
"""So many columns the names have; what is longer has a line for itself."""
_TEXT = 28
"""Where a text would have fewer columns beside the names, it stands under them."""
_UNDER = 6
_NAMES = ("-h, --help", "Show this message and exit.")
_ALL = ("--help-all", "Show the rarely needed options, too.")


class Formatter(click.HelpFormatter):
    """Writes in the width of the terminal; click would import much to find it out."""

    def __init__(self, **more: Any) -> None:
        width = more.pop("width", None) or min(_columns(), WIDEST)
        super().__init__(**{**more, "width": width})


class Context(click.Context):
    """What is parsed of a command."""

    formatter_class = Formatter


def _columns() -> int:
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked):
        return int(asked)
    try:
        found = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns
    except (OSError, ValueError):
        return _NO_TERMINAL
    return found or _NO_TERMINAL


def format_options(
    formatter: click.HelpFormatter,
    options: Sequence[RowOption],
    *,
    everything: bool,
) -> None:
    """Write the options of a command.

    Args:
        formatter: What writes.
        options: The command's, in the order of their groups.
        everything: Whether the rarely needed ones are shown, too.
    """
    shown = [each for each in options if everything or not each.row.advanced]
    help_rows = [_NAMES, *([_ALL] if any(each.row.advanced for each in options) else [])]
    if len(options) <= _FEW:
        _write(formatter, "Options", [*map(_told, shown), *help_rows])
    else:
        for group, members in groupby(shown, key=lambda each: each.row.group):
            _write(formatter, group.value, [_told(each) for each in members])
        _write(formatter, "", help_rows)
    if sentence := _variables([each.row for each in shown]):
        lines = _wrapped(sentence, formatter.width)
        formatter.write("\n" + "".join(f"{line}\n" for line in lines))


def format_group(
    formatter: click.HelpFormatter, options: Sequence[click.Option], commands: Mapping[str, str]
) -> None:
    """Write the options and the commands of a group.

    Args:
        formatter: What writes.
        options: Those of the group itself.
        commands: By the name of each the sentence that says what it does.
    """
    told = [
        (", ".join(each.opts) + (f" {each.metavar}" if each.metavar else ""), each.help or "")
        for each in options
    ]
    _write(formatter, "Options", [*told, _NAMES])
    left = max(map(len, commands)) + 2
    _write(formatter, "Commands", [*commands.items()], left)


def _write(
    formatter: click.HelpFormatter,
    heading: str,
    rows: Sequence[tuple[str, str]],
    left: int = _LEFT,
) -> None:
    formatter.write(f"\n{heading}:\n" if heading else "\n")
    for names, text in rows:
        formatter.write("".join(f"{line}\n" for line in _lines(names, text, formatter.width, left)))


def _lines(names: str, text: str, width: int, left: int = _LEFT) -> Iterator[str]:
    narrow = width < left + _TEXT
    indent = " " * (_UNDER if narrow else left + 2)
    texts = _wrapped(text, width - len(indent))
    first = f"  {names}"
    if narrow or len(first) > len(indent) - 2:
        yield from (f"  {line}" for line in _wrapped_names(names, width - 2))
    else:
        yield f"{first:{len(indent)}}{texts.pop(0)}"
    yield from (f"{indent}{line}" for line in texts)


def _wrapped_names(names: str, width: int) -> list[str]:
    """The same of names with their values, which may be parted after a stroke, too."""
    return [line.replace("| ", "|") for line in _wrapped(names.replace("|", "| "), width)]


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that are no wider, unless a word is."""
    return textwrap.wrap(text, max(width, 1), break_on_hyphens=False, break_long_words=False) or [
        ""
    ]


def _told(option: RowOption) -> tuple[str, str]:
    names = [*sorted(option.opts, key=len), *option.secondary_opts]
    value = "" if option.is_flag else f" {option.metavar or _value_of(option.row)}"
    return (" / " if option.secondary_opts else ", ").join(names) + value, option.help or ""


def _value_of(row: Row) -> str:
    return "|".join(row.words) if row.words else "TEXT"


def _variables(rows: Sequence[Row]) -> str:
    """The one rule by which options have variables, and which of them have none."""
    having = [row for row in rows if row.variable]
    if not having:
        return ""
    example = next((row for row in having if row.name == "halt"), having[0])
    without = [row.option for row in rows if not row.variable]
    rule = (
        f"An environment variable can set an option, as {example.variable} sets {example.option}."
    )
    return f"{rule} No variable sets {', '.join(without)}." if without else rule
