"""Which agents who are to go off have gone by what other runs did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

import msgspec

from bulkagent.ledger.handover_groups import GONE
from bulkagent.ledger.last_words import REQUESTS, TrustedTime, last_words
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause


class OffAlready(msgspec.Struct, frozen=True):
    """Agents who go off in a run, and whom another run has taken off."""

    down: Mapping[str, int]
    """By group, how many; without those whom the run itself may have taken off."""
    rows: Mapping[int, frozenset[int]]
    """By lane, the rows of those who are left to send."""


def taken_off(
    record: RunRecord, only: Collection[Cause] = (), *, now_ms: int, trusted_ms: int
) -> OffAlready:
    """Find who is off, or may be, by what other runs did last.

    That is so of an agent who was taken off, or perhaps, and not set on for certain since. What
    is in doubt and asked for the opposite leaves an agent as it was.

    Args:
        record: The run, of which a leg has begun.
        only: Only what ended with one of these causes is left to send; none: whatever the cause.
        now_ms: Time of day.
        trusted_ms: For how long what was set before the run began is relied on.

    Raises:
        LedgerUnavailable: The ledger is damaged, or there is no room.
    """
    down: Counter[str] = Counter()
    rows: defaultdict[int, set[int]] = defaultdict(set)
    for row, lane, group, cause, to_send in last_words(
        record, _OFF, trust=TrustedTime(now_ms, trusted_ms)
    ):
        down[group] += 1
        if to_send and (not only or cause in only):
            rows[lane].add(row)
    return OffAlready(down, {lane: frozenset(found) for lane, found in rows.items()})


# The last request decides whose effect is certain, or that may have taken the agent off. Of one
# leg's two, which it does not have of an agent under one name of a gateway, the latter does.
_OFF = f"""
SELECT s.row, s.lane, l.group_name, s.cause,
       s.status IN ('not_attempted', 'failed') AND s.cause NOT IN ('superseded', 'protected')
FROM (
    SELECT a.row AS row {REQUESTS}
    AND l.wave > 0 AND NOT ({GONE})
    AND (p.status = 'applied' OR b.arguments = a.arguments)
    GROUP BY a.row HAVING max(2 * t.turn + (b.arguments = a.arguments)) % 2
) off
CROSS JOIN stories s ON s.run = ?1 AND s.row = off.row
JOIN lanes l ON l.run = s.run AND l.lane = s.lane
ORDER BY s.row
"""  # noqa: S608 - of the ledger's texts
