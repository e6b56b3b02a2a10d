"""The agents whom other runs took off."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from bulkagent.attempt import AttemptHistory
from bulkagent.ledger import (
    Database,
    EndpointRecord,
    Planner,
    RunRecord,
    applied_incoming,
    groups_of,
    last_words,
    taken_off,
)
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
    agent: str = "101",
) -> Planner:
    """A run of one agent that is at its end, or was killed before the answer."""
    made = planner(database)
    made.assign(2, agent, "east", arguments, ())
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


def _handover(database: Database, *, at_ms: int, further: Iterable[int] = ()) -> Planner:
    """A run by which 101, 102 and others go off and 103 comes on, and of which nothing is sent."""
    made = planner(database)
    off = {str(agent): OFF for agent in (101, 102, *further)}
    for row, (agent, arguments) in enumerate({"103": ON, **off}.items(), start=2):
        made.assign(row, agent, "east", arguments, ())
    made.planned(1, endpoints=[EndpointRecord("east", EAST, {})])
    return begun(database, made, now_ms=at_ms)


def _down(record: RunRecord, *, now_ms: int) -> int:
    """How many of those who go off the gates of a run count as off."""
    (group,) = groups_of(record)
    return group.down + taken_off(record, now_ms=now_ms, trusted_ms=8 * HOUR).down.get("", 0)


LAST_WORDS = [
    ([(OFF, DONE)], True),
    ([(OFF, LOST)], True),
    ([(OFF, None)], True),
    ([(OFF, REFUSED)], False),
    ([(OFF, ABSENT)], False),
    ([(ON, DONE)], False),
    ([(ON, LOST)], False),
    ([(OFF, DONE), (ON, DONE)], False),
    ([(OFF, DONE), (ON, LOST)], True),
    ([(OFF, DONE), (ON, None)], True),
    ([(OFF, LOST), (ON, LOST)], True),
    ([(OFF, DONE), (ON, REFUSED)], True),
    ([(ON, DONE), (OFF, LOST)], True),
    ([(ON, DONE), (OFF, REFUSED)], False),
    ([(OFF, LOST), (ON, DONE)], False),
    ([(OFF, DONE), (ON, DONE), (ON, LOST)], False),
    ([(OFF, DONE), (ON, DONE), (OFF, LOST)], True),
    ([(OFF, DONE), (ON, LOST), (ON, DONE)], False),
]


@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize(("ends", "off"), LAST_WORDS)
async def test_the_last_word_on_an_agent_decides(
    database: Database, ends: list[tuple[str, Disposition | None]], before: int, *, off: bool
) -> None:
    """It does not matter which of the other runs were before the handover began, and which after.

    Where it is in doubt whether an agent is on, the agent counts as off.
    """
    made: Planner | None = None
    for number, (arguments, end) in enumerate(ends):
        if number == before:
            made = _handover(database, at_ms=(2 * number + 1) * HOUR)
        await _ran(database, end, arguments, at_ms=2 * (number + 1) * HOUR)
    record = RunRecord(database, (made or _handover(database, at_ms=7 * HOUR)).run)
    found = taken_off(record, now_ms=7 * HOUR, trusted_ms=8 * HOUR)
    assert _down(record, now_ms=7 * HOUR) == off
    assert [rows for rows in found.rows.values() if rows] == ([{3}] if off else [])


async def test_what_is_long_ago_or_elsewhere_does_not_count(database: Database) -> None:
    await _ran(database, DONE, OFF, at_ms=HOUR)
    await _ran(database, DONE, ON, at_ms=2 * HOUR, url="https://west")
    record = RunRecord(database, _handover(database, at_ms=9 * HOUR).run)
    assert taken_off(record, now_ms=9 * HOUR - 60_000, trusted_ms=8 * HOUR).down == {"": 1}
    assert taken_off(record, now_ms=9 * HOUR + 60_000, trusted_ms=8 * HOUR).down == {}


async def test_what_another_run_did_since_counts_however_long_ago(database: Database) -> None:
    record = RunRecord(database, _handover(database, at_ms=HOUR).run)
    await _ran(database, DONE, OFF, at_ms=2 * HOUR)
    assert _down(record, now_ms=40 * HOUR) == 1


async def test_who_was_set_on_is_looked_at_until_another_run_takes_that_agent_off(
    database: Database,
) -> None:
    """`--up-means available`: at the desk, but without the permission."""
    made = _handover(database, at_ms=HOUR)
    async with journal(database, made.run, lanes=(0, 1)) as book:
        item = await took(book)
        await book.mark(item, 1)
        book.settle(item, AttemptHistory.begin(ended(DONE)))
    record = RunRecord(database, made.run)
    assert [agent for _, _, agent, _ in applied_incoming(record)] == ["103"]
    await _ran(database, DONE, OFF, at_ms=2 * HOUR, agent="103")
    assert applied_incoming(record) == []


async def test_whom_the_run_took_off_itself_counts_once(database: Database) -> None:
    await _ran(database, DONE, OFF, at_ms=HOUR)
    made = _handover(database, at_ms=2 * HOUR)
    async with journal(database, made.run, lanes=(0, 1)) as book:
        item = await took(book, 1)
        await book.mark(item, 1)
        book.settle(item, AttemptHistory.begin(ended(DONE)))
    await _ran(database, LOST, OFF, at_ms=3 * HOUR)
    record = RunRecord(database, made.run)
    assert _down(record, now_ms=4 * HOUR) == 1
    assert taken_off(record, now_ms=4 * HOUR, trusted_ms=8 * HOUR).rows == {}


async def test_only_what_is_left_to_send_is_among_the_rows(database: Database) -> None:
    await _ran(database, DONE, OFF, at_ms=HOUR)
    record = RunRecord(database, _handover(database, at_ms=2 * HOUR).run)
    found = taken_off(record, {Cause.GATE}, now_ms=3 * HOUR, trusted_ms=8 * HOUR)
    assert (found.down, found.rows) == ({"": 1}, {})


async def test_it_takes_no_longer_the_more_runs_there_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agents and their own requests decide, also where runs were killed long ago."""
    steps: list[None] = []

    class Counted(Database):
        """A connection that counts what SQLite does, by a hundred steps."""

        def define(self, table: str) -> None:
            super().define(table)
            self._connection.set_progress_handler(lambda: steps.append(None), 100)

    monkeypatch.setattr(last_words, "Database", Counted)

    async def cost(others: int) -> int:
        for number in range(others):
            await _ran(database, DONE, OFF, at_ms=HOUR + number)
            await _ran(database, None, OFF, at_ms=number)
        further = range(1000 * others, 1000 * others + 300)
        record = RunRecord(database, _handover(database, at_ms=9 * HOUR, further=further).run)
        steps.clear()
        assert _down(record, now_ms=9 * HOUR) == 1
        return len(steps)

    few = await cost(1)
    assert await cost(6) < 1.5 * few
