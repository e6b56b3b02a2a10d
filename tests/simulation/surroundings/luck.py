"""Luck that is the same for the same name, whatever else is drawn.

A hash takes a tenth of the time in which a generator is seeded, and every request has luck anew.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from statistics import NormalDist

_SIX = struct.Struct("<6Q")
_BITS = 52
_LESS = 64 - _BITS
_PART = 2.0**-_BITS

normal = NormalDist().inv_cdf
"""From luck to a standard normal number."""


def luck_of(name: str) -> list[float]:
    """Six numbers above 0 and below 1, evenly spread."""
    digest = blake2b(name.encode(), digest_size=_SIX.size).digest()
    return [((number >> _LESS) + 0.5) * _PART for number in _SIX.unpack(digest)]
