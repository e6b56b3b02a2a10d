"""Why sending ended, or was held back, as values; the sentence of each is made here alone.

A sentence that a ledger has kept comes back as it stands, as `Said`: ledgers have sentences,
because people read them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bulkagent.errors import BulkagentError, LedgerFailed
from bulkagent.model import Cause


class Said(msgspec.Struct, frozen=True, gc=False):
    """A sentence as somebody wrote or recorded it."""

    text: str

    def __str__(self) -> str:
        return self.text


class NobodyComesOn(msgspec.Struct, frozen=True, gc=False):
    """A group has outgoing agents and no incoming ones."""

    def __str__(self) -> str:
        return "no agent comes on shift for the agents going off shift"


class GateShort(msgspec.Struct, frozen=True, gc=False):
    """Too few incoming agents are up, and no more will be."""

    up: int
    incoming: int
    needed: int

    def __str__(self) -> str:
        return (
            f"{self.up:,} of {self.incoming:,} agents coming on shift are up,"
            f" the gate needs {self.needed:,}"
        )


class FloorShort(msgspec.Struct, frozen=True, gc=False):
    """With one agent fewer, a group would be below its floor."""

    left: int
    needed: int

    def __str__(self) -> str:
        return (
            f"with one fewer, {self.left:,} agents would be left, the floor needs {self.needed:,}"
        )


class CanaryMisled(msgspec.Struct, frozen=True, gc=False):
    """One of the first agents ended with a verdict of wrong set-up."""

    cause: str

    def __str__(self) -> str:
        return f"a canary got {self.cause}, which every agent would get"


class NoCanarySet(msgspec.Struct, frozen=True, gc=False):
    """None of the first agents was set."""

    counted: int

    def __str__(self) -> str:
        return f"none of the {self.counted} canaries was set"


class CanariesFailed(msgspec.Struct, frozen=True, gc=False):
    """More of the first agents failed than chance allows."""

    bad: int
    counted: int
    allowed: float
    """The share of failures that is allowed, from 0 to 1."""

    def __str__(self) -> str:
        return (
            f"{self.bad} of {self.counted} canaries were not set,"
            f" beyond the {self.allowed:.0%} allowed"
        )


class FirstAllGot(msgspec.Struct, frozen=True, gc=False):
    """The first agents of a gateway all ended with one verdict of wrong set-up."""

    counted: int
    gateway: str
    cause: Cause

    def __str__(self) -> str:
        on = f"on {self.gateway}"
        first = f"the first {self.counted} {on} all" if self.counted > 1 else f"the first {on}"
        return f"{first} got {self.cause}, and none of them was set"


class NotApplied(msgspec.Struct, frozen=True, gc=False):
    """Too many agents of a run were not set."""

    bad: int
    counted: int
    limit: int | None = None
    """So many are too many; None: a share of them is."""
    share: float = 0.0
    """Which share is too large, from 0 to 1, where there is no limit."""

    def __str__(self) -> str:
        what = f"{self.bad} of {self.counted} were not applied"
        if self.limit is not None:
            return f"{what}; the limit is {self.limit}"
        return f"{what} ({self.bad / self.counted:.1%}); the limit is {100 * self.share:g}%"


class GivenUp(msgspec.Struct, frozen=True, gc=False):
    """A gateway was down for too long."""

    gateway: str
    why: str

    def __str__(self) -> str:
        return f"{self.gateway} was given up: {self.why}"


class DeadlinePassed(msgspec.Struct, frozen=True, gc=False):
    """The deadline came first."""

    seconds: float

    def __str__(self) -> str:
        return f"the deadline of {self.seconds:g} s has passed"


class TakenOver(msgspec.Struct, frozen=True, gc=False):
    """Another run has asked for the agents of this one."""

    by: str
    """The other run's ID."""

    def __str__(self) -> str:
        return f"run {self.by} has taken over, so this one was drained"


class LedgerFull(msgspec.Struct, frozen=True, gc=False):
    """The ledger takes no more records; what the disk says of it differs from time to time."""

    ledger: str
    text: str

    def __str__(self) -> str:
        return self.text


class Advised(msgspec.Struct, frozen=True, gc=False):
    """A reason, with what the verdict of all agents of a gateway means and asks for."""

    reason: Reason
    meaning: str
    advice: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.meaning}; {self.advice}"


class GroupHeld(msgspec.Struct, frozen=True, gc=False):
    """One of several groups is held back."""

    group: str
    """What people call it."""
    reason: Reason

    def __str__(self) -> str:
        return f"{self.group}: {self.reason}"


Reason = (
    Said
    | NobodyComesOn
    | GateShort
    | FloorShort
    | CanaryMisled
    | NoCanarySet
    | CanariesFailed
    | FirstAllGot
    | NotApplied
    | GivenUp
    | DeadlinePassed
    | TakenOver
    | LedgerFull
    | Advised
    | GroupHeld
)
"""Any of them; `str` makes its sentence."""


def reason_of(error: BulkagentError) -> Reason:
    """An error as a reason why something ended."""
    text = str(error)
    full = error.full if isinstance(error, LedgerFailed) else ""
    return LedgerFull(full, text) if full else Said(text)


def told_once(reasons: Iterable[Reason]) -> str:
    """The sentences in a row, each once; also where only what the disk said differs."""
    told: dict[object, str] = {}
    for reason in reasons:
        sentence = str(reason)
        told.setdefault(reason.ledger if isinstance(reason, LedgerFull) else sentence, sentence)
    return "; ".join(told.values())
