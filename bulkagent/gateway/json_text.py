"""JSON that somebody else wrote: what it says, where it says one thing only.

A name that comes twice in one object means whatever its reader takes (RFC 8259 section 4), so it is
no statement at all: a refusal and a success may stand in one reply.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Never

import msgspec

# Looked up now: a codec that is first needed in the middle of a run is read from disk there.
_ENCODINGS = tuple(codecs.lookup(name).name for name in ("utf-8", "gb18030"))

# Each name in a text ends so; now and then something within a string looks like it too.
_ENDS_A_NAME = re.compile(r'"\s*:')

_decode = msgspec.json.Decoder().decode


class NotJson(ValueError):
    """It is not JSON, or JSON that can be read in two ways."""


def text_of(body: bytes) -> str | None:
    """The text of a reply, whichever of the encodings seen it is in; None where it is in none."""
    body = body.removeprefix(codecs.BOM_UTF8)
    for encoding in _ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def read_json(text: str) -> Any:
    """What a text says, be there what JSON forbids within its strings, such as a bare line break.

    Raises:
        NotJson: It is no JSON, has one name twice in an object, or is nested too deeply.
    """
    try:
        said = _decode(text)
        if _names_in(said) == len(_ENDS_A_NAME.findall(text)):
            return said  # every name that was written has come through
    except (msgspec.DecodeError, RecursionError):
        pass
    return _read_slowly(text)


def spelled_numbers(text: str) -> Any:
    """The same with each number as it is spelled, as a string in a list of its own.

    Raises:
        NotJson: As `read_json` does.
    """
    return _read_slowly(text, parse_int=_alone, parse_float=_alone)


def _read_slowly(text: str, **how: Any) -> Any:
    try:
        return json.loads(
            text, strict=False, object_pairs_hook=_once_each, parse_constant=_no_number, **how
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _alone(number: str) -> list[str]:
    return [number]


def _no_number(name: str) -> Never:
    raise NotJson(f"{name} is no number in JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise NotJson("a name comes twice in one object")
    return fields


def _names_in(said: object) -> int:
    """How many names the objects in it have, all together."""
    found, ahead = 0, [said]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            found += len(value)
            ahead.extend(value.values())
        elif isinstance(value, list):
            ahead.extend(value)
    return found
