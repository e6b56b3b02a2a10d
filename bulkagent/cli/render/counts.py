"""Numbers with their nouns."""

from __future__ import annotations

from collections.abc import Sequence

from bulkagent.language import mark, translate
from bulkagent.reports import verdict

_NOUNS = {
    "agent": (mark("{number:,} agent"), mark("{number:,} agents")),
    "row": (mark("{number:,} row"), mark("{number:,} rows")),
    "request": (mark("{number:,} request"), mark("{number:,} requests")),
    "attempt": (mark("{number:,} attempt"), mark("{number:,} attempts")),
    "duplicate": (mark("{number:,} duplicate"), mark("{number:,} duplicates")),
}


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one."""
    if noun not in _NOUNS:
        return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
    one, several = _NOUNS[noun]
    return translate(one if number == 1 else several).format(number=number)


def sent(requests: int, retries: int, not_sent: int) -> str:
    """What was sent, and what came to nothing before a byte left."""
    text = translate("{requests}, {retries:,} of them retries").format(
        requests=count(requests, "request"), retries=retries
    )
    if not_sent:
        text += translate("; {attempts} sent nothing").format(attempts=count(not_sent, "attempt"))
    return text


def enumerated(names: Sequence[str]) -> str:
    """Names in a row, the last after "and"."""
    return verdict.enumerated(names, translate)
