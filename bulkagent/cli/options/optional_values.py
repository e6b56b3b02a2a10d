"""Options whose value may be left out: what they mean then is filled in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bulkagent.cli.options.rows import RUN_OPTIONS

OPTIONAL_VALUES = {row.option: row.left_out for row in RUN_OPTIONS if row.left_out}
"""Options whose number may be left out, with what they mean then."""

# What a person means as the number, also where it is a wrong one; a roster's path is none.
_NUMBER = re.compile(r"[-+]?\d[\d.,_]*%?")


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


def number_taken(words: Sequence[str]) -> str:
    """What explains a roster that is missing: an option has taken it for its number."""
    taken = [word for word in words if word.partition("=")[0] in OPTIONAL_VALUES]
    if not taken or taken[0].partition("=")[2] in OPTIONAL_VALUES.values():
        return ""
    name, _, value = taken[0].partition("=")
    return f"; {name} took {value} for its number"
