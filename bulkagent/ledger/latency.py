"""How fast a gateway answered the last time."""

from __future__ import annotations

import msgspec

from bulkagent.ledger.database import Database

# A run may have a million rows. Its first ones are sent first and say the same, in milliseconds.
_SAMPLE = 10_000
_RUNS_LOOKED_AT = 20


class GatewayLatency(msgspec.Struct, frozen=True):
    """What the agents of one gateway were like to set, on average."""

    agents: int
    """Of how many this is known, at least 1."""
    latency_s: float
    """Of the last request of each, from its start to the end of its reply."""
    retry_share: float = 0.0
    """Requests beyond the first, for each agent."""


def last_latency(database: Database, url: str) -> GatewayLatency | None:
    """What the latest run knows that had answers from the gateway at this address.

    Args:
        database: The ledger.
        url: The gateway's identity, whatever a run called it.

    Returns:
        None where no run has had an answer from there.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    for run, gateway in database.all(_RUNS, (url, _RUNS_LOOKED_AT)):
        ((agents, latency_ms, retries),) = database.all(_FIGURES, (run, gateway, _SAMPLE))
        if agents:
            return GatewayLatency(agents, latency_ms / 1000, retries / agents)
    return None


_RUNS = "SELECT run, gateway FROM endpoints WHERE url = ? ORDER BY run DESC LIMIT ?"

# What had no answer of HTTP says how the network was, and nothing of the gateway.
_FIGURES = """
SELECT count(*), avg(latency_ms), sum(max(requests - 1, 0)) FROM (
    SELECT o.latency_ms, o.attempts - o.not_sent AS requests
    FROM (
        SELECT a.run, a.row
        FROM lanes l JOIN assignments a ON a.run = l.run AND a.lane = l.lane
        WHERE l.run = ? AND l.gateway = ?
        LIMIT ?
    ) a
    JOIN outcomes o ON o.run = a.run AND o.row = a.row
    WHERE o.status IS NOT NULL AND o.http_status > 0 AND o.latency_ms > 0
)
"""
