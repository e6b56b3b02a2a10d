"""What the ledger last knew of the agents that a run has changed.

What may live here: putting together what several runs did to one agent. What this room must not
know: what is done about it, and what arguments mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.outcome import Status

__all__ = ["Changed", "Deed", "agents_set_at", "changed_rows", "known_before"]


class Deed(msgspec.Struct, frozen=True, gc=False):
    """What another run did, or may have done, to an agent."""

    sent_at: int
    arguments: str
    certain: bool
    """Whether the gateway said that it took effect."""
    run_id: str


class Changed(msgspec.Struct, frozen=True):
    """A row that a run applied, or may have."""

    row: int
    agent_id: str
    gateway: str
    arguments: str
    extra: tuple[str, ...]
    before: Deed | None
    """What was last known of the agent before; None: nothing, or nothing for certain."""
    later: Deed | None
    """What a later run did to the agent since."""
    certain: bool = True
    """Whether it is certain that the run changed it."""


def known_before(deeds: Iterable[Deed]) -> Deed | None:
    """The state that deeds, in the order of time, have left: None where it is not known.

    A deed in doubt leaves doubt, unless it would have set what was set already.
    """
    known: Deed | None = None
    for deed in deeds:
        if deed.certain:
            known = deed
        elif known is not None and known.arguments != deed.arguments:
            known = None
    return known


def changed_rows(database: Database, run: int) -> Iterator[Changed]:
    """Every row that a run changed or may have changed, in roster order.

    Raises:
        LedgerUnavailable: While iterating: the ledger is damaged.
    """
    decode = msgspec.json.Decoder(tuple[str, ...]).decode
    with read_as_written(database):
        rows = database.query(_CHANGED, (run,))
        for _, entries in groupby(rows, key=itemgetter(0)):
            first, *_ = found = list(entries)
            row, agent_id, gateway, arguments, extra, own_at, own_status = first[:7]
            deeds = [
                Deed(at, did, status == Status.APPLIED, run_id)
                for *_, at, did, status, run_id in found
                if at is not None
            ]
            later = [deed for deed in deeds if deed.sent_at > own_at]
            yield Changed(
                row,
                agent_id,
                gateway,
                arguments,
                decode(extra) if extra else (),
                known_before(deed for deed in deeds if deed.sent_at <= own_at),
                later[-1] if later else None,
                own_status == Status.APPLIED,
            )


def agents_set_at(database: Database, url: str, *, up_to: int) -> int:
    """How many different agents earlier runs have set at a gateway, counted up to a number.

    Args:
        database: The ledger.
        url: The gateway's address, whatever it was called.
        up_to: Counting ends here; at least 1.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_as_written(database):
        ((agents,),) = database.all(_SET_AT, (url, _RUNS_LOOKED_AT, up_to))
    return int(agents)


# A year of mornings sets the same agents again and again; some months of them show how many
# there are, in a few hundredths of a second.
_RUNS_LOOKED_AT = 100

_SET_AT = """
SELECT count(*) FROM (
    SELECT DISTINCT a.agent_id
    FROM (SELECT run, gateway FROM endpoints WHERE url = ? ORDER BY run DESC LIMIT ?) here
    JOIN outcomes o ON o.run = here.run AND o.status = 'applied'
    JOIN assignments a ON a.run = o.run AND a.row = o.row AND a.gateway = here.gateway
    LIMIT ?
)
"""

# Also those of the same gateway under another name; runs that changed nothing have no say. Plain
# left joins, because SQLite would work a subquery out for the whole ledger first.
_CHANGED = """
SELECT a.row, a.agent_id, a.gateway, a.arguments, a.extra, o.sent_at, o.status,
       CASE WHEN there.url = here.url THEN p.sent_at END, b.arguments, p.status, r.id
FROM assignments a
JOIN outcomes o ON o.run = a.run AND o.row = a.row
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
LEFT JOIN assignments b ON b.agent_id = a.agent_id AND b.run <> a.run
LEFT JOIN outcomes p ON p.run = b.run AND p.row = b.row
    AND coalesce(p.status, 'unknown') IN ('applied', 'unknown')
LEFT JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
LEFT JOIN runs r ON r.run = b.run
WHERE a.run = ? AND coalesce(o.status, 'unknown') IN ('applied', 'unknown')
ORDER BY a.row, p.sent_at, b.run
"""
