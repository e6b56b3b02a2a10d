"""How the assignments of a run stand, lane by lane."""

from __future__ import annotations

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause, Status


class Portion(msgspec.Struct, frozen=True):
    """Assignments of one lane that stand the same."""

    lane: int
    gateway: str
    wave: int
    arguments: str
    status: Status
    cause: Cause | None
    count: int
    group: str = ""

    @property
    def left(self) -> bool:
        """Whether another attempt may help."""
        return self.status in _LEFT and self.cause not in _FOR_GOOD


class AppliedPart(msgspec.Struct, frozen=True):
    """How many agents of a gateway were to be set in one way, and how many are."""

    gateway: str
    arguments: str
    agents: int
    """Protected ones are not among them."""
    applied: int


_FOR_GOOD = frozenset({Cause.SUPERSEDED, Cause.PROTECTED})
_LEFT = frozenset({Status.FAILED, Status.UNKNOWN, Status.NOT_ATTEMPTED})


def portions_of(record: RunRecord) -> tuple[Portion, ...]:
    """How the assignments of a run stand, in the order in which lanes are worked off.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_as_written(record.database):
        return tuple(
            Portion(
                lane,
                gateway,
                wave,
                arguments,
                Status(status),
                Cause(cause) if cause else None,
                n,
                group,
            )
            for lane, gateway, wave, arguments, status, cause, n, group in record.all(_GROUPS)
        )


def applied_parts(record: RunRecord) -> tuple[AppliedPart, ...]:
    """How many agents of a run are set, by gateway and arguments, in the order of the lanes.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for portion in portions_of(record):
        if portion.cause is Cause.PROTECTED:
            continue
        agents, applied = counts.get((portion.gateway, portion.arguments), (0, 0))
        counts[portion.gateway, portion.arguments] = (
            agents + portion.count,
            applied + portion.count * (portion.status is Status.APPLIED),
        )
    return tuple(AppliedPart(*part, *count) for part, count in counts.items())


_GROUPS = """
SELECT s.lane, s.gateway, l.wave, s.arguments, s.status, s.cause, count(*), l.group_name
FROM stories s JOIN lanes l ON l.run = s.run AND l.lane = s.lane
WHERE s.run = ? AND s.lane IS NOT NULL
GROUP BY s.lane, s.arguments, s.status, s.cause
ORDER BY l.wave, s.lane, s.arguments, s.status, s.cause
"""
