"""Guesses at the word that an unknown one was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, like: float = 0.5) -> str:
    """The known word that is most like one; "" where none is like it at all.

    Args:
        word: The one that nobody knows.
        known: The others.
        like: How much of both must be the same, 0 to 1.
    """
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(word), list(plain), n=1, cutoff=like)
    return plain[found[0]] if found else ""


def did_you_mean(word: str) -> str:
    """The question after a sentence; "" where there is no word to ask about."""
    return f"; did you mean {word}?" if word else ""


def within(word: str, known: Iterable[str], letters: int) -> str:
    """The nearest known word that is at most so many letters away, swaps included; or ""."""
    apart = [(_apart(word, each, letters), each) for each in sorted(known)]
    least, found = min(apart, default=(letters + 1, ""))
    return found if least <= letters else ""


def _plain(word: str) -> str:
    return word.strip().lower().replace("_", "-")


def _apart(one: str, other: str, most: int) -> int:
    """Letters to put in, take out, exchange or swap; more than `most` is not counted on."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        following = [at]
        for to, against in enumerate(other, start=1):
            cost = min(row[to] + 1, following[to - 1] + 1, row[to - 1] + (letter != against))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == against:
                cost = min(cost, before[to - 2] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]
