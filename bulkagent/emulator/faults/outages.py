"""Disruptions: stretches of time in which the gateway as a whole fails.

Numbers of requests and seconds since the first of them come in as arguments.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from bulkagent.emulator.protocol.limits import Length, RequestNumber, Seconds


class Disruption(msgspec.Struct, frozen=True, kw_only=True):
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
    """The fate of sessions in a failover."""

    KEPT = "kept"
    LOST = "lost"


class SwitchOver(Disruption, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The centre is moved to another site: no agent can be set until that is done."""

    seconds: Length
    keeps_talk_rights: bool = True
    """Whether talk rights are the same at the end; no document says that they are."""
    sessions: Annotated[Sessions, Meta(description="Give kept or lost.")] = Sessions.KEPT
    """The sessions at the end; lost ones get 105-001, 105-002, 105-003, and then
    105-006 until the agent signs in again (page 0580; that order is inferred)."""


class Outage(Disruption, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway is gone: nothing listens at its port, and connections are reset."""


class DisruptionStatus(msgspec.Struct, frozen=True):
    """Whether a disruption is under way, and until when that holds."""

    under_way: bool = False
    until: float | None = None
    """Seconds since the first request; None for as far as can be seen."""


AnyDisruption = TypeVar("AnyDisruption", bound=Disruption)


class Disruptions(Generic[AnyDisruption]):
    """Disruptions of one kind, and which of them have begun and ended."""

    def __init__(self, disruptions: tuple[AnyDisruption, ...]) -> None:
        self._disruptions = disruptions
        self._begun: dict[int, float] = {}  # place of one that begins with a request -> second
        self._ended: set[int] = set()  # places that `newly_ended` has told

    def copy(self) -> Disruptions[AnyDisruption]:
        """The same disruptions as far along, from here on independent of these."""
        twin = Disruptions(self._disruptions)
        twin._begun = self._begun.copy()
        twin._ended = self._ended.copy()
        return twin

    def arrived(self, number: int, seconds: float) -> None:
        """A request arrived: the disruptions that begin with it have begun."""
        for place, disruption in enumerate(self._disruptions):
            if disruption.from_request is not None and number >= disruption.from_request:
                self._begun.setdefault(place, seconds)

    def status(self, seconds: float) -> DisruptionStatus:
        """How things are at that second, and until when at least."""
        periods = [(begin, end) for _, begin, end in self._periods()]
        changes = [when for period in periods for when in period if when is not None]
        return DisruptionStatus(
            any(begin <= seconds and (end is None or seconds < end) for begin, end in periods),
            min((when for when in changes if when > seconds), default=None),
        )

    def newly_ended(self, seconds: float) -> list[tuple[float, AnyDisruption]]:
        """The disruptions that have ended by that second, with their ends; each told once."""
        ended = [
            (end, place)
            for place, _, end in self._periods()
            if end is not None and end <= seconds and place not in self._ended
        ]
        self._ended.update(place for _, place in ended)
        return [(end, self._disruptions[place]) for end, place in sorted(ended)]

    def _periods(self) -> Iterator[tuple[int, float, float | None]]:
        """Place, begin and end of each disruption whose begin is known."""
        for place, disruption in enumerate(self._disruptions):
            begin = (
                self._begun.get(place)
                if disruption.from_seconds is None
                else disruption.from_seconds
            )
            if begin is not None:
                yield (
                    place,
                    begin,
                    None if disruption.seconds is None else begin + disruption.seconds,
                )
