"""The result of the sending of one leg."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bulkagent.ledger import Counters
from bulkagent.model import Cause
from bulkagent.reasons import Reason
from bulkagent.run.sharing.shared_time import LimitsShared


class SentLeg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg that has been sent, as its end is judged, recorded and reported."""

    leg: int
    """Its number."""
    causes: frozenset[Cause]
    """Why any part of it ended before its time."""
    reasons: tuple[Reason, ...]
    """The same for people; none where nothing did."""
    not_attempted: Mapping[int, Cause]
    """Lane -> why its last rows were not attempted."""
    counters: Counters | None
    """What the journal counted, for where the ledger cannot be read any more; None: it never
    began."""
    elapsed_s: float
    """How long sending took."""
    ended_ms: int
    """Time of day of its end."""
    seen_up: Mapping[str, int]
    """By group, how many were seen to take calls; none: that was not looked at."""
    note: str = ""
    """What people should know of where GUIDs came from and of stray replies."""
    unseen: str = ""
    """What kept it from being verified; "" where nothing did."""
    shared: tuple[LimitsShared, ...] = ()
    """The gateways whose limits were shared with other commands."""
