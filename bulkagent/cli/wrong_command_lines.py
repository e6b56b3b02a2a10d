"""Sentences for a wrong command line: what, where, what was given and what is taken."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from bulkagent.cli.options.optional_values import number_taken
from bulkagent.cli.options.origins import names_of, place_in
from bulkagent.errors import SettingsRefused
from bulkagent.settings.row import Kind, Row


def with_value(command: click.Command) -> frozenset[str]:
    """The options that take the next word whatever it is."""
    return frozenset(
        str(name)
        for each in command.params
        if isinstance(each, click.Option) and not each.is_flag
        for name in each.opts
    )


def refuse(
    command: click.Command, ctx: click.Context, words: Sequence[str], error: click.UsageError
) -> NoReturn:
    """Refuse a command line that click could not parse.

    Args:
        command: The command.
        ctx: Its context.
        words: The command line.
        error: What click says.

    Raises:
        SettingsRefused: Always.
    """
    from bulkagent.text.spelling import did_you_mean

    if isinstance(error, click.NoSuchOption):
        options = [text for each in command.get_params(ctx) for text in names_of(each)]
        refuse_word(ctx, error.option_name, options, kind="option")
    if isinstance(error, click.BadOptionUsage):
        name = error.option_name
        if name not in with_value(command):
            raise SettingsRefused(f"{name} takes no value; leave out the = and the text after it")
        row = next(_row(each) for each in command.params if name in each.opts)
        raise SettingsRefused(f"{name} needs a value: {_takes(row)}", group=row.group.value)
    param: Any = error.param if isinstance(error, click.BadParameter) else None
    if isinstance(error, click.MissingParameter) and param is not None:
        called = param.metavar or param.name.upper()
        raise SettingsRefused(f"no {called} given{_help(ctx)}" + number_taken(words))
    if param is not None:
        row = _row(param)
        got = _given(command, ctx, words, param)
        meant = did_you_mean(_nearest_value(row, got))
        raise SettingsRefused(
            f"{place_in(ctx, param)}: {got!r} is not {_takes(row)}{meant}", group=row.group.value
        )
    _, rest, _ = command.make_parser(ctx).parse_args(args=list(words))
    if rest:
        raise SettingsRefused(
            f"there is a word too many: {str(rest[0])!r}; put a value with spaces in"
            f" quotes{_help(ctx)}"
        )
    raise SettingsRefused(_sentence(error.format_message()))


def refuse_word(ctx: click.Context, word: str, known: Any, *, kind: str) -> NoReturn:
    """Refuse the name of a command or an option that nobody knows.

    Raises:
        SettingsRefused: Always, with the nearest name that there is.
    """
    from bulkagent.text.spelling import did_you_mean, nearest

    meant = did_you_mean(nearest(word, known, like=_LIKE))
    raise SettingsRefused(f"there is no {kind} {word!r} of {ctx.command_path}{meant or _help(ctx)}")


def of_all(error: click.UsageError) -> str:
    """What is said of a command line that names no command, or of an option before one."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        from bulkagent.text.spelling import did_you_mean, nearest

        known = [
            text for each in error.ctx.command.get_params(error.ctx) for text in names_of(each)
        ]
        meant = did_you_mean(nearest(error.option_name, known, like=_LIKE))
        return (
            f"there is no option {error.option_name!r} before a command{meant or _help(error.ctx)}"
        )
    return f"{_sentence(error.format_message())}{_help(error.ctx) if error.ctx else ''}"


# Names of options have much in common, if only their dashes.
_LIKE = 0.7


def _help(ctx: click.Context) -> str:
    return f"; `{ctx.command_path} --help` shows how it is used"


def _given(command: click.Command, ctx: click.Context, words: Sequence[str], param: Any) -> str:
    """What an option was given, as it was written."""
    if place_in(ctx, param) == param.envvar:
        return os.environ.get(str(param.envvar), "")
    options, _, _ = command.make_parser(ctx).parse_args(args=list(words))
    value = options.get(param.name)
    return str(value[-1] if isinstance(value, list) and value else value)


def _row(param: Any) -> Row:
    row: Row = param.row
    return row


def _takes(row: Row) -> str:
    """What an option takes, after `is not` or `needs a value:`."""
    if row.name in _TAKES:
        return _TAKES[row.name]
    if row.kind is Kind.WHOLE:
        if not row.ranges:
            return "a whole number"
        _, _, low, high = row.ranges[0]
        upper = "on" if high == float("inf") else f"to {high:,}"
        return f"a whole number from {low:,} {upper}"
    if row.kind in {Kind.SWITCH, Kind.PAIR}:
        return "1 or 0 (also yes or no, true or false, on or off)"
    return " or ".join(row.words) if row.kind is Kind.CHOICE else row.metavar or "a text"


_TAKES = {"flag": "1 (may take inbound calls) or 0 (may not)"}

_YES = ("1", frozenset({"yes", "y", "on", "true", "t", "enable", "enabled"}))
_NO = ("0", frozenset({"no", "n", "off", "false", "f", "disable", "disabled"}))


def _nearest_value(row: Row, got: str) -> str:
    from bulkagent.text.near_units import as_whole
    from bulkagent.text.spelling import nearest

    text = got.strip().lower()
    if row.kind in {Kind.SWITCH, Kind.PAIR} or row.name == "flag":
        return next((value for value, words in (_YES, _NO) if text in words), "")
    if row.kind is Kind.WHOLE:
        plain = as_whole(text)
        return plain if plain != text else ""
    return nearest(text, list(row.words)) if row.kind is Kind.CHOICE else ""


def _sentence(text: str) -> str:
    """A sentence of click's, as ours begin and end."""
    return text[:1].lower() + text[1:].rstrip(".")
