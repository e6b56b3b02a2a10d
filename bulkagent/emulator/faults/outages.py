"""Spells: stretches of time in which the gateway as a whole is not itself.

What may live here: the records of such stretches, when each begins and ends, and which have
begun. What this module must not know: what a spell does to anybody, agents, clocks. Numbers of
requests and seconds since the first of them come in as arguments.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from bulkagent.emulator.protocol.limits import Length, RequestNumber, Seconds

__all__ = ["Outage", "Outlook", "Sessions", "Spell", "Spells", "SwitchOver"]


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time that begins with a request or at a second; exactly one of the two."""

    from_request: RequestNumber | None = None
    """It begins when that settalkright request arrives, and befalls that one already."""
    from_seconds: Seconds | None = None
    """It begins so long after the arrival of the first settalkright request."""
    seconds: Length | None = None
    """How long it is; None for ever."""

    def __post_init__(self) -> None:
        if (self.from_request is None) == (self.from_seconds is None):
            raise ValueError("give exactly one of the keys `from_request` and `from_seconds`")


class Sessions(enum.StrEnum):
    """What can become of sessions in a switch-over."""

    KEPT = "kept"
    LOST = "lost"


class SwitchOver(Spell, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The centre is moved to another site: no agent can be set until that is done."""

    seconds: Length
    keeps_talk_rights: bool = True
    """Whether talk rights are still what they were at the end; no document says that they are."""
    sessions: Annotated[Sessions, Meta(description="Give kept or lost.")] = Sessions.KEPT
    """What is left of the sessions at the end; lost ones get 105-001, 105-002, 105-003, and then
    105-006 until the agent signs in again (page 0580; that order is inferred)."""


class Outage(Spell, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway is gone: nothing listens at its port, and connections are reset."""


class Outlook(msgspec.Struct, frozen=True):
    """Whether a spell is under way, and for how long that stays so."""

    under_way: bool = False
    until: float | None = None
    """Seconds since the first request; None for as far as can be seen."""


AnySpell = TypeVar("AnySpell", bound=Spell)


class Spells(Generic[AnySpell]):
    """Spells of one kind, and which of them have begun and ended."""

    def __init__(self, spells: tuple[AnySpell, ...]) -> None:
        self._spells = spells
        self._begun: dict[int, float] = {}  # place of a spell that begins with a request -> second
        self._ended: set[int] = set()  # places that `newly_ended` has told

    def copy(self) -> Spells[AnySpell]:
        """The same spells as far along, from here on independent of these."""
        twin = Spells(self._spells)
        twin._begun = self._begun.copy()
        twin._ended = self._ended.copy()
        return twin

    def arrived(self, number: int, seconds: float) -> None:
        """A request arrived: what begins with it has begun."""
        for place, spell in enumerate(self._spells):
            if spell.from_request is not None and number >= spell.from_request:
                self._begun.setdefault(place, seconds)

    def outlook(self, seconds: float) -> Outlook:
        """How things are at that second, and until when at least."""
        periods = [(begin, end) for _, begin, end in self._periods()]
        changes = [when for period in periods for when in period if when is not None]
        return Outlook(
            any(begin <= seconds and (end is None or seconds < end) for begin, end in periods),
            min((when for when in changes if when > seconds), default=None),
        )

    def newly_ended(self, seconds: float) -> list[tuple[float, AnySpell]]:
        """The spells that have ended by that second, with their ends, in order; each told once."""
        ended = [
            (end, place)
            for place, _, end in self._periods()
            if end is not None and end <= seconds and place not in self._ended
        ]
        self._ended.update(place for _, place in ended)
        return [(end, self._spells[place]) for end, place in sorted(ended)]

    def _periods(self) -> Iterator[tuple[int, float, float | None]]:
        """Place, begin and end of each spell whose begin is known."""
        for place, spell in enumerate(self._spells):
            begin = self._begun.get(place) if spell.from_seconds is None else spell.from_seconds
            if begin is not None:
                yield place, begin, None if spell.seconds is None else begin + spell.seconds
