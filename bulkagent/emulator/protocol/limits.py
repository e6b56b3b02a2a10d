"""Limits that several sections of a scenario have in common.

The `description` of each type is what a person reads after getting a value wrong.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

LONGEST_MS = 600_000
"""Ten minutes: longer than any client waits, and short enough for a run to end."""

LONGEST_SECONDS = 86_400
"""One day: longer than any run against an emulated gateway."""

MOST_REQUESTS = 1_000_000_000
"""More than a day of requests at the highest rate that one of these can answer."""

Milliseconds = Annotated[
    float, Meta(ge=0, le=LONGEST_MS, description="Give milliseconds, from 0 to 600000.")
]
Seconds = Annotated[
    float, Meta(ge=0, le=LONGEST_SECONDS, description="Give seconds, from 0 to 86400.")
]
Length = Annotated[
    float, Meta(gt=0, le=LONGEST_SECONDS, description="Give seconds above 0, at most 86400.")
]
RequestNumber = Annotated[
    int,
    Meta(ge=1, le=MOST_REQUESTS, description="Give the number of a request; the first has 1."),
]
RetryAfter = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]([ -~]{0,98}[!-~])?\Z",
        description='Give the header as a text, 1 to 100 characters of ASCII: "2".',
    ),
]


class Keys(msgspec.Struct, frozen=True):
    """Which optional keys mean something for one kind, and which of them it needs."""

    needed: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()


def check_keys(record: msgspec.Struct, kind: str, keys: Keys, common: tuple[str, ...]) -> None:
    """A key that has no effect is as much a mistake as one that is missing.

    Raises:
        ValueError: a key is missing, or means nothing to that kind.
    """
    for name in record.__struct_fields__:
        given = getattr(record, name) is not None
        if name in keys.needed and not given:
            raise ValueError(f"`{kind}` needs the key `{name}`: add it")
        if given and name not in keys.needed | keys.allowed and name not in common:
            raise ValueError(f"the key `{name}` means nothing to `{kind}`: leave it out")
