"""GUIDs: the bearer credential that a sign-in gives out."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from random import Random

INSTANCE = ".AgentGateway1"
"""A GUID ends in the name of the gateway instance that gave it (page 0005)."""


def guid_source(random: Random | None) -> Callable[[], str]:
    """A maker of GUIDs: repeatable from `random`, or beyond guessing without it."""
    if random is None:
        return lambda: f"{uuid.uuid4()}{INSTANCE}"
    return lambda: f"{uuid.UUID(int=random.getrandbits(128), version=4)}{INSTANCE}"
