"""The commands as Typer parses them, with words of our own for what cannot be parsed.

What may live here: what is changed of a command line before it is parsed, where each value came
from, and what is said of a command line that is wrong. What this room must not know: what any
option means.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from bulkagent.cli.console.defects import tell_defect
from bulkagent.cli.console.error_exit import tell_refusal
from bulkagent.cli.console.refused_reports import replace_reports
from bulkagent.cli.console.terminal import forget_printed
from bulkagent.cli.options.environment import look_through
from bulkagent.cli.options.idle import PRESENT
from bulkagent.cli.options.origins import names_of, place_in
from bulkagent.errors import BulkagentError, SettingsRefused

__all__ = ["OPTIONAL_VALUES", "Command", "Group", "filled_in"]

OPTIONAL_VALUES = {"--skip-invalid": "1%"}
"""Options whose number may be left out, with what they mean then."""

# What a person means as the number, also where it is a wrong one; a roster's path is none.
_NUMBER = re.compile(r"[-+]?\d[\d.,_]*%?")

# What Typer raises for a command line that is wrong, whichever click it brings.
_UsageError: Any = typer.BadParameter.__mro__[1]


class Group(TyperGroup):
    """All commands; what ends one of them is told in our words, and as data where asked for."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **named: Any) -> Any:
        """Run a command line, and leave with its exit code."""
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
        except _UsageError as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                error.show()
            else:
                told = SettingsRefused(_of_all(error))
                tell_refusal(told, as_json=as_json)
            code = error.exit_code
        except typer.Abort:
            code = 1
        except (OSError, KeyboardInterrupt):
            raise
        except Exception as defect:  # noqa: BLE001 - the last resort of everything
            tell_defect(defect, as_json=as_json)
            replace_reports("a defect in bulkagent, before anything was sent", 1)
            code = 1
        sys.exit(code if isinstance(code, int) else 0)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that a word names.

        Raises:
            SettingsRefused: There is none of that name.
        """
        if not ctx.resilient_parsing and args and args[0] not in self.commands:
            _refuse_word(ctx, args[0], self.commands, kind="command")
        return super().resolve_command(ctx, args)


class Command(TyperCommand):
    """A command that fills in the numbers of `OPTIONAL_VALUES` that were left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse a command line.

        Raises:
            SettingsRefused: It is wrong, or a variable of the environment is.
        """
        words = filled_in(args, self._with_value)
        if ctx.resilient_parsing:
            return super().parse_args(ctx, list(words))
        if not _asks_for_help(words, ctx):
            look_through(ctx.find_root().command, self)
        try:
            return super().parse_args(ctx, list(words))
        except _UsageError as error:
            self._refuse(ctx, words, error)

    def invoke(self, ctx: Any) -> Any:
        """Carry out a command, which may ask what was typed for it."""
        present = PRESENT.set(ctx)
        try:
            return super().invoke(ctx)
        finally:
            PRESENT.reset(present)

    @property
    def _with_value(self) -> frozenset[str]:
        """The options that take the next word whatever it is."""
        return frozenset(
            str(name)
            for each in self.params
            if not getattr(each, "is_flag", True) and not getattr(each, "count", False)
            for name in each.opts
        )

    def _refuse(self, ctx: Any, words: Sequence[str], error: Any) -> NoReturn:
        from bulkagent.text.spelling import did_you_mean

        name, param = getattr(error, "option_name", ""), getattr(error, "param", None)
        if type(error).__name__ == "NoSuchOption":
            options = [text for each in self.get_params(ctx) for text in names_of(each)]
            _refuse_word(ctx, name, options, kind="option")
        if type(error).__name__ == "BadOptionUsage":
            takes = next((_takes(each) for each in self.params if name in each.opts), "")
            if name not in self._with_value:
                raise SettingsRefused(f"{name} takes no value; leave out the = and what follows it")
            raise SettingsRefused(f"{name} needs a value: {takes}")
        if type(error).__name__ == "MissingParameter" and param is not None:
            raise SettingsRefused(
                f"no {param.metavar or param.name.upper()} given{_help(ctx)}" + _number_taken(words)
            )
        if param is not None:
            place = place_in(ctx, param)
            got = _given(self, ctx, words, param)
            meant = did_you_mean(_nearest_value(param, got))
            raise SettingsRefused(f"{place}: {got!r} is not {_takes(param)}{meant}")
        extra = self._extra(ctx, words)
        if extra:
            raise SettingsRefused(
                f"there is a word too many: {extra[0]!r}; what has spaces in it stands in"
                f" quotes{_help(ctx)}"
            )
        raise SettingsRefused(_sentence(error.format_message()))

    def _extra(self, ctx: Any, words: Sequence[str]) -> list[str]:
        _, rest, _ = self.make_parser(ctx).parse_args(args=list(words))
        return list(map(str, rest))


def filled_in(args: Sequence[str], with_value: frozenset[str]) -> list[str]:
    """The words of a command line in which no number of `OPTIONAL_VALUES` is left out.

    Args:
        args: The words.
        with_value: The options that take the next word whatever it is.
    """
    filled: list[str] = []
    at = 0
    while at < len(args) and args[at] != "--":
        word, following = args[at], args[at + 1 : at + 2]
        at += 1
        if word in OPTIONAL_VALUES:
            given = following and _NUMBER.fullmatch(following[0])
            filled.append(f"{word}={following[0] if given else OPTIONAL_VALUES[word]}")
            at += bool(given)
        elif word in with_value:
            filled += [word, *following]
            at += 1
        else:
            filled.append(word)
    return [*filled, *args[at:]]


def _of_all(error: Any) -> str:
    """What is said of a command line that names no command, or of an option before one."""
    if type(error).__name__ == "NoSuchOption":
        return f"there is no option {error.option_name!r} before a command{_help(error.ctx)}"
    return f"{_sentence(error.format_message())}{_help(error.ctx) if error.ctx else ''}"


def _refuse_word(ctx: Any, word: str, known: Any, *, kind: str) -> NoReturn:
    from bulkagent.text.spelling import did_you_mean, nearest

    meant = did_you_mean(nearest(word, known, like=_LIKE))
    raise SettingsRefused(f"there is no {kind} {word!r} of {ctx.command_path}{meant or _help(ctx)}")


# Names of options have much in common, if only their dashes.
_LIKE = 0.7


def _help(ctx: Any) -> str:
    return f"; `{ctx.command_path} --help` lists all there is"


def _asks_for_help(words: Sequence[str], ctx: Any) -> bool:
    return any(word in ctx.help_option_names for word in words)


def _given(command: Command, ctx: Any, words: Sequence[str], param: Any) -> str:
    """What an option was given, as it was written."""
    if place_in(ctx, param) == param.envvar:
        return os.environ.get(str(param.envvar), "")
    options, _, _ = command.make_parser(ctx).parse_args(args=list(words))
    value = options.get(param.name)
    return str(value[-1] if isinstance(value, list) and value else value)


def _annotation(param: Any) -> Any:
    return getattr(getattr(param, "type_descriptor", None), "annotation", None)


def _bounds(param: Any) -> tuple[float | None, float | None]:
    from bulkagent.settings.ranges import RANGES

    if param.name in RANGES:
        _, low, high = RANGES[param.name]
        return low, high
    info = getattr(getattr(param, "type_descriptor", None), "parameter_info", param)
    return getattr(info, "min", None), getattr(info, "max", None)


def _takes(param: Any) -> str:
    """What an option takes, after `is not` or `needs a value:`."""
    kind = _annotation(param)
    if param.name in _TAKES:
        return _TAKES[param.name]
    if kind in {int, float}:
        low, high = _bounds(param)
        number = "a whole number" if kind is int else "a number"
        if low is not None and high is not None:
            return f"{number} from {low:,} to {high:,}"
        return f"{number} from {low:,} on" if low is not None else number
    if kind is bool:
        return "1 or 0 (also yes or no, true or false, on or off)"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(str(each.value) for each in kind)
    return str(param.metavar or "a text") if not getattr(param, "is_flag", False) else ""


_TAKES = {"flag": "1 (may take inbound calls) or 0 (may not)"}

_YES = ("1", frozenset({"yes", "y", "on", "true", "t", "enable", "enabled"}))
_NO = ("0", frozenset({"no", "n", "off", "false", "f", "disable", "disabled"}))


def _nearest_value(param: Any, got: str) -> str:
    from bulkagent.text.near_units import as_whole
    from bulkagent.text.spelling import nearest

    kind, text = _annotation(param), got.strip().lower()
    if kind is bool or param.name == "flag":
        return next((value for value, words in (_YES, _NO) if text in words), "")
    if kind is int:
        plain = as_whole(text)
        return plain if plain != text else ""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return nearest(text, [str(each.value) for each in kind])
    return ""


def _number_taken(words: Sequence[str]) -> str:
    """What explains a roster that is missing: an option has taken it for its number."""
    taken = [word for word in words if word.partition("=")[0] in OPTIONAL_VALUES]
    if not taken or taken[0].partition("=")[2] in OPTIONAL_VALUES.values():
        return ""
    name, _, value = taken[0].partition("=")
    return f"; {name} took {value} for its number"


def _sentence(text: str) -> str:
    """A sentence of click's, as ours begin and end."""
    return text[:1].lower() + text[1:].rstrip(".")
