"""When an outgoing agent may go off: gate and floor, as one pure rule over counters.

The rule, per group. I: rows that come on, whatever became of them but for duplicates; U: of
these, the ones that are up. O: rows that go off; D: of these, the ones that are off or may be. One
more may go off only if

    U >= ceil(gate x I)    and    (O - D - 1) + U >= ceil(floor x O)

and D is raised in the same step. What is up is counted from what is on disk.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import msgspec

from bulkagent.engine.gates.gate import Admits, NotYet
from bulkagent.engine.gates.halt_rules import End, Go
from bulkagent.model import Cause
from bulkagent.reasons import FloorShort, GateShort, NobodyComesOn

_GO = Go()
_NOT_YET = NotYet()


class GateTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions under which outgoing agents go off."""

    gate: float = 0.95
    """Share of the incoming agents, 0 to 1, who must be up."""
    floor: float | None = None
    """Share of the number of outgoing agents, 0 to 1, who must take calls at any time, be they
    outgoing or incoming ones; None: any number."""
    allow_closing: bool = False
    """Whether a group may go off to which nobody comes on."""


class Coverage(msgspec.Struct, kw_only=True):
    """The incoming and outgoing agents of one group, and how far the change is."""

    incoming: int = 0
    """I: rows with flag 1, without duplicates."""
    outgoing: int = 0
    """O: rows with flag 0, without duplicates."""
    up: int = 0
    """U: incoming agents who are up."""
    down: int = 0
    """D: outgoing agents who are off, may be, or are on their way."""
    awaited: int = 0
    """Incoming agents who may still come to be up."""
    leaving: int = 0
    """Outgoing agents on their way, who may still stay on."""


@functools.lru_cache(4096)
def needed(share: float, of: int) -> int:
    """How many make up a share: the ceiling of what is meant, not of what a float makes of it."""
    return math.ceil(Fraction(repr(share)) * of)


def may_leave(coverage: Coverage, terms: GateTerms, *, counted: bool = False) -> Admits:
    """Whether one more outgoing agent may be dispatched.

    Args:
        coverage: How the group stands.
        terms: Gate and floor.
        counted: Whether the agent is among those of D already: an earlier request may have taken
            effect, or has found that the agent is not there.
    """
    admits = _gate(coverage, terms)
    if isinstance(admits, Go) and terms.floor is not None:
        return _floor(coverage, terms.floor, going=0 if counted else 1)
    return admits


def _gate(coverage: Coverage, terms: GateTerms) -> Admits:
    if not coverage.incoming and not terms.allow_closing:
        return End(Cause.GATE, NobodyComesOn())
    gate = needed(terms.gate, coverage.incoming)
    if coverage.up >= gate:
        return _GO
    if coverage.awaited:
        return _NOT_YET
    return End(Cause.GATE, GateShort(coverage.up, coverage.incoming, gate))


def _floor(coverage: Coverage, floor: float, *, going: int) -> Admits:
    least = needed(floor, coverage.outgoing)
    left = coverage.outgoing - coverage.down - going + coverage.up
    if left >= least:
        return _GO
    if coverage.awaited or coverage.leaving:
        return _NOT_YET
    return End(Cause.FLOOR, FloorShort(left, least, fewer=going > 0))
