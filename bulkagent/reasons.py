"""Why sending ended, or was held back, as values; the sentence of each is made here alone.

A sentence that a ledger has kept comes back as it stands, as `Said`: ledgers have sentences,
because people read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from bulkagent.errors import BulkagentError, LedgerFailed
from bulkagent.language import mark
from bulkagent.model import Cause


def as_it_is(text: str) -> str:
    """A sentence in English, as ledgers and logs have it."""
    return text


class Said(msgspec.Struct, frozen=True, gc=False):
    """A sentence as somebody wrote or recorded it."""

    text: str

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        del say  # nobody can translate what was recorded
        return self.text

    __str__ = sentence


class NobodyComesOn(msgspec.Struct, frozen=True, gc=False):
    """A group has outgoing agents and no incoming ones."""

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(mark("no agent comes on shift for the agents going off shift"))

    __str__ = sentence


class GateShort(msgspec.Struct, frozen=True, gc=False):
    """Too few incoming agents are up, and no more will be."""

    up: int
    incoming: int
    needed: int

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(
            mark("{up:,} of {incoming:,} agents coming on shift are up, the gate needs {needed:,}")
        ).format(up=self.up, incoming=self.incoming, needed=self.needed)

    __str__ = sentence


class FloorShort(msgspec.Struct, frozen=True, gc=False):
    """A group would be below its floor, or is so already."""

    left: int
    needed: int
    fewer: bool = True
    """Whether so many would be left with one agent fewer; else so many are left now."""

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        short = (
            mark("with one fewer, {left:,} agents would be left, the floor needs {needed:,}")
            if self.fewer
            else mark("{left:,} agents are left, the floor needs {needed:,}")
        )
        return say(short).format(left=self.left, needed=self.needed)

    __str__ = sentence


class CanaryMisled(msgspec.Struct, frozen=True, gc=False):
    """One of the first agents ended with a verdict of wrong set-up."""

    cause: str

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(mark("a canary got {cause}, which every agent would get")).format(
            cause=self.cause
        )

    __str__ = sentence


class NoCanarySet(msgspec.Struct, frozen=True, gc=False):
    """None of the first agents was set."""

    counted: int

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(mark("none of the {counted} canaries was set")).format(counted=self.counted)

    __str__ = sentence


class CanariesFailed(msgspec.Struct, frozen=True, gc=False):
    """More of the first agents failed than chance allows."""

    bad: int
    counted: int
    allowed: float
    """The share of failures that is allowed, from 0 to 1."""

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(
            mark("{bad} of {counted} canaries were not set, beyond the {allowed:.0%} allowed")
        ).format(bad=self.bad, counted=self.counted, allowed=self.allowed)

    __str__ = sentence


class FirstAllGot(msgspec.Struct, frozen=True, gc=False):
    """The first agents of a gateway all ended with one verdict of wrong set-up."""

    counted: int
    gateway: str
    cause: Cause

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        facts = {"counted": self.counted, "gateway": self.gateway, "cause": self.cause}
        if self.counted > 1:
            return say(
                mark("the first {counted} on {gateway} all got {cause}, and none of them was set")
            ).format(**facts)
        return say(mark("the first on {gateway} got {cause}, and none of them was set")).format(
            **facts
        )

    __str__ = sentence


class NotApplied(msgspec.Struct, frozen=True, gc=False):
    """Too many agents of a run were not set."""

    bad: int
    counted: int
    limit: int | None = None
    """So many are too many; None: a share of them is."""
    share: float = 0.0
    """Which share is too large, from 0 to 1, where there is no limit."""

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        what = say(mark("{bad} of {counted} were not applied")).format(
            bad=self.bad, counted=self.counted
        )
        if self.limit is not None:
            return say(mark("{what}; the limit is {limit}")).format(what=what, limit=self.limit)
        return say(mark("{what} ({share:.1%}); the limit is {limit:g}%")).format(
            what=what, share=self.bad / self.counted, limit=100 * self.share
        )

    __str__ = sentence


class GivenUp(msgspec.Struct, frozen=True, gc=False):
    """A gateway was down for too long."""

    gateway: str
    seconds: float
    answered: bool
    """Whether it ever gave a good answer before."""

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        told = (
            mark("{gateway} was given up: there was no good answer for {seconds:.0f} s")
            if self.answered
            else mark("{gateway} was given up: there was no answer at all, for {seconds:.0f} s")
        )
        return say(told).format(gateway=self.gateway, seconds=self.seconds)

    __str__ = sentence


class DeadlinePassed(msgspec.Struct, frozen=True, gc=False):
    """The deadline came first."""

    seconds: float

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(mark("the deadline of {seconds:g} s has passed")).format(seconds=self.seconds)

    __str__ = sentence


class TakenOver(msgspec.Struct, frozen=True, gc=False):
    """Another run has asked for the agents of this one."""

    by: str
    """The other run's ID."""

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(mark("run {by} has taken over, so this one was drained")).format(by=self.by)

    __str__ = sentence


class LedgerFull(msgspec.Struct, frozen=True, gc=False):
    """The ledger takes no more records; what the disk says of it differs from time to time."""

    ledger: str
    text: str

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        del say  # nobody can translate what was recorded
        return self.text

    __str__ = sentence


class Advised(msgspec.Struct, frozen=True, gc=False):
    """A reason, with what the verdict of all agents of a gateway means and asks for."""

    reason: Reason
    meaning: str
    advice: str

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return say(mark("{reason}: {meaning}; {advice}")).format(
            reason=self.reason.sentence(say), meaning=say(self.meaning), advice=say(self.advice)
        )

    __str__ = sentence


class GroupHeld(msgspec.Struct, frozen=True, gc=False):
    """One of several groups is held back."""

    group: str
    """What people call it."""
    reason: Reason

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The reason for people; `say` puts it into their language."""
        return self.group + say(mark(": ")) + self.reason.sentence(say)

    __str__ = sentence


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


def told_once(reasons: Iterable[Reason], say: Callable[[str], str] = as_it_is) -> str:
    """The sentences in a row, each once; also where only what the disk said differs."""
    told: dict[object, str] = {}
    for reason in reasons:
        sentence = reason.sentence(say)
        told.setdefault(reason.ledger if isinstance(reason, LedgerFull) else sentence, sentence)
    return say(mark("; ")).join(told.values())
