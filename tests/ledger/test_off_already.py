"""The agents whom other runs took off before a run began."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bulkagent.attempt import AttemptHistory
from bulkagent.ledger import Database, EndpointRecord, Planner, RunRecord, taken_off
from bulkagent.model import Cause, Disposition
from tests.dispositions import ABSENT, DONE, LOST, REFUSED, ended
from tests.ledger.ledgers import OFF, ON, StillClock, begun, journal, planner, took

HOUR = 3_600_000
EAST = "https://east"


async def _ran(
    database: Database,
    end: Disposition | None,
    arguments: str,
    *,
    at_ms: int,
    url: str = EAST,
) -> Planner:
    """A run of agent 101 that is at its end, or was killed before the answer."""
    made = planner(database)
    made.assign(2, "101", "east", arguments, ())
    made.planned(1, endpoints=[EndpointRecord("east", url, {})])
    begun(database, made, now_ms=at_ms)
    clock = StillClock()
    clock.ms = at_ms
    async with journal(database, made.run, clock=clock) as book:
        item = await took(book)
        await book.mark(item, 1)
        if end is not None:
            attempt = replace(ended(end), sent_at=clock.ms)
            book.settle(item, AttemptHistory.begin(attempt))
    return made


def _handover(database: Database, *, at_ms: int) -> Planner:
    """A run by which 101 and 102 go off and 103 comes on, and of which nothing is sent."""
    made = planner(database)
    for row, (agent, arguments) in enumerate({"103": ON, "101": OFF, "102": OFF}.items(), start=2):
        made.assign(row, agent, "east", arguments, ())
    made.planned(1, endpoints=[EndpointRecord("east", EAST, {})])
    return begun(database, made, now_ms=at_ms)


@pytest.mark.parametrize(
    ("ends", "off"),
    [
        ([(OFF, DONE)], True),
        ([(OFF, LOST)], True),
        ([(OFF, None)], True),
        ([(OFF, REFUSED)], False),
        ([(OFF, ABSENT)], False),
        ([(ON, DONE)], False),
        ([(OFF, DONE), (ON, DONE)], False),
        ([(OFF, DONE), (ON, LOST)], True),
        ([(OFF, DONE), (ON, REFUSED)], True),
        ([(ON, DONE), (OFF, LOST)], True),
        ([(OFF, LOST), (ON, DONE)], False),
    ],
)
async def test_the_last_word_on_an_agent_decides(
    database: Database, ends: list[tuple[str, Disposition | None]], *, off: bool
) -> None:
    for hour, (arguments, end) in enumerate(ends, start=1):
        await _ran(database, end, arguments, at_ms=hour * HOUR)
    made = _handover(database, at_ms=4 * HOUR)
    found = taken_off(RunRecord(database, made.run), now_ms=4 * HOUR, trusted_ms=8 * HOUR)
    assert found.down.get("", 0) == off
    assert [rows for rows in found.rows.values() if rows] == ([{3}] if off else [])


async def test_what_is_long_ago_or_elsewhere_does_not_count(database: Database) -> None:
    await _ran(database, DONE, OFF, at_ms=HOUR)
    await _ran(database, DONE, ON, at_ms=2 * HOUR, url="https://west")
    record = RunRecord(database, _handover(database, at_ms=9 * HOUR).run)
    assert taken_off(record, now_ms=9 * HOUR - 60_000, trusted_ms=8 * HOUR).down == {"": 1}
    assert taken_off(record, now_ms=9 * HOUR + 60_000, trusted_ms=8 * HOUR).down == {}


async def test_what_another_run_did_since_is_counted_once(database: Database) -> None:
    record = RunRecord(database, _handover(database, at_ms=HOUR).run)
    await _ran(database, DONE, OFF, at_ms=2 * HOUR)
    found = taken_off(record, now_ms=3 * HOUR, trusted_ms=8 * HOUR)
    assert found.down.get("", 0) == 0, "the groups of the run have it already"
    assert [*found.rows.values()] == [{3}]


async def test_only_what_is_left_to_send_is_among_the_rows(database: Database) -> None:
    await _ran(database, DONE, OFF, at_ms=HOUR)
    record = RunRecord(database, _handover(database, at_ms=2 * HOUR).run)
    found = taken_off(record, {Cause.GATE}, now_ms=3 * HOUR, trusted_ms=8 * HOUR)
    assert (found.down, found.rows) == ({"": 1}, {})
