"""Errors of msgspec in words for people who wrote the data and know no types."""

from __future__ import annotations

import re

_WHERE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
_STEP = re.compile(r"\[(?P<index>[0-9]+)\]|(?P<key>[^.\[\]]+)")
_EXPECTED = re.compile(
    r"\AExpected `(?P<wanted>[^`]*)`(?P<length> of length)?(?: (?P<bound>[<>]=?) (?P<limit>\S+?))?"
    r"(?:, got `(?P<got>[^`]*)`)?\Z"
)
_FORM = re.compile(r"\AExpected `str` matching regex .*\Z", re.DOTALL)
_MISSING = re.compile(r"\AObject missing required field `(?P<key>[^`]*)`\Z")
_WORD = re.compile(r"\AInvalid enum value (?P<got>.+)\Z")

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
_BOUNDS = {">=": "from {} on", "<=": "up to {}", ">": "above {}", "<": "below {}"}
_LENGTHS = {">=": "at least", "<=": "at most", ">": "more than", "<": "fewer than"}


def path_in(message: str) -> tuple[str | int, ...]:
    """The keys, and numbers from 0 within lists, of the value that a message is about."""
    found = _WHERE.search(message)
    steps = _STEP.finditer(found["path"]) if found else ()
    return tuple(int(step["index"]) if step["index"] else step["key"] for step in steps)


def missing_key(message: str) -> str:
    """The key that an object must have and has not; "" where a message is about another thing."""
    found = _MISSING.match(_WHERE.sub("", message))
    return found["key"] if found else ""


def in_words(message: str) -> str:
    """A message without the path at its end: `takes a whole number, not a text`."""
    plain = _WHERE.sub("", message)
    if missing := missing_key(message):
        return f"the key `{missing}` is missing: add it"
    if word := _WORD.match(plain):
        return f"{word['got']} is none of the words that it takes"
    if _FORM.match(plain):
        return "takes a text of another form"
    found = _EXPECTED.match(plain)
    if found is None:
        return plain
    wanted = _kinds(found["wanted"])
    if found["bound"]:
        limit = found["limit"].removesuffix(".0")
        if found["length"]:
            wanted = f"{wanted} of {_LENGTHS[found['bound']]} {limit} characters"
        else:
            wanted = f"{wanted} {_BOUNDS[found['bound']].format(limit)}"
    told = f", not {_kinds(found['got'])}" if found["got"] else ""
    return f"takes {wanted}{told}"


def _kinds(types: str) -> str:
    """Types as kinds of things; that there may be nothing goes without saying."""
    named = [each for each in types.split(" | ") if each != "null"] or ["null"]
    return " or ".join(_KINDS.get(each, each) for each in named)
