"""What the ledger remembers of how fast a gateway answered."""

from __future__ import annotations

import pytest

from bulkagent.attempt import Attempt, AttemptHistory
from bulkagent.ledger import Database, EndpointRecord, GatewayLatency, last_latency
from tests.dispositions import DONE, UNREACHED
from tests.ledger.ledgers import ON, journal, planner, took

URL = "https://east.example"


def _history(*latencies_ms: float) -> AttemptHistory[Attempt]:
    """Answers that took so long; 0 is none at all."""
    first, *others = (
        Attempt(DONE, sent_at=1, latency_ms=latency_ms, http_status=200)
        if latency_ms
        else Attempt(UNREACHED, sent_at=1, latency_ms=0.5)
        for latency_ms in latencies_ms
    )
    told = AttemptHistory.begin(first)
    for other in others:
        told = told.then(other)
    return told


async def _ran(database: Database, *histories: tuple[float, ...], url: str = URL) -> None:
    """A run with an agent at one gateway for each of these histories, and one at another."""
    made = planner(database)
    urls = {"ours": url, "other": "https://other.example"}
    for row in range(2, 2 + len(histories)):
        made.assign(row, str(1000 + row), "ours", ON, ())
    made.assign(900, "1900", "other", ON, ())
    at = [EndpointRecord(name, address, {}) for name, address in urls.items()]
    lanes = {lane.gateway: lane.lane for lane in made.planned(1_700_000_000_500, endpoints=at)}
    async with journal(database, made.run, lanes=list(lanes.values())) as source:
        for latencies_ms in histories:
            item = await took(source, lanes["ours"])
            for number in range(1, 1 + len(latencies_ms)):
                await source.mark(item, number)
            source.settle(item, _history(*latencies_ms))
    made.lock.release()


def test_nothing_is_known_of_a_gateway_without_a_run(database: Database) -> None:
    assert last_latency(database, URL) is None


async def test_the_latest_run_with_answers_counts(database: Database) -> None:
    """By the gateway's address, whatever it was called; a gateway never reached says nothing."""
    await _ran(database, (20.0,), (40.0,), (5.0, 0, 60.0), (0,))
    found = last_latency(database, URL)
    assert found is not None
    assert found.agents == 3
    assert found.latency_s == pytest.approx(0.04)
    assert found.retry_share == pytest.approx(1 / 3), "the one that nothing left of is none"
    await _ran(database)
    await _ran(database, (0,))
    await _ran(database, (9.0,), url="https://west.example")
    assert last_latency(database, URL) == found
    assert last_latency(database, "https://other.example") is None
    await _ran(database, (8.0,))
    assert last_latency(database, URL) == GatewayLatency(1, 0.008)
