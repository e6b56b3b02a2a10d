"""A command as Typer parses it, where an option's value may be left out.

What may live here: what is changed of a command line before it is parsed. What this room must not
know: what any option means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

from bulkagent.cli.idle import PRESENT

__all__ = ["OPTIONAL_VALUES", "Command"]

OPTIONAL_VALUES = {"--skip-invalid": "1%"}
"""Options whose number may be left out, with what they mean then."""

# What a person means as the number, also where it is a wrong one; a roster's path is none.
_NUMBER = re.compile(r"[-+]?\d[\d.,_]*%?")


class Command(TyperCommand):
    """A command that fills in the numbers of `OPTIONAL_VALUES` that were left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse a command line."""
        return super().parse_args(ctx, filled_in(args, self._with_value))

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
