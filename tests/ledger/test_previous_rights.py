"""What the ledger last knew of an agent: put together from every run that dispatched it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from bulkagent.attempt import AttemptHistory
from bulkagent.ledger import (
    AgentAction,
    ChangedRow,
    Database,
    EndpointRecord,
    Planner,
    RunRecord,
    agents_set_at,
    changed_rows,
)
from bulkagent.ledger import previous_rights as rights
from bulkagent.model import Disposition
from tests.dispositions import ABSENT, DONE, LOST, REFUSED, UNREACHED, ended
from tests.ledger.ledgers import OFF, ON, StillClock, begun, journal, planner, took

HOUR = 3_600_000
EAST = "https://east"


def _planned(
    database: Database,
    agents: Mapping[str, str],
    *,
    gateway: str = "east",
    url: str = EAST,
) -> Planner:
    """A run of these agents and arguments."""
    made = planner(database, extra_columns=("team",))
    for row, (agent, arguments) in enumerate(agents.items(), start=2):
        made.assign(row, agent, gateway, arguments, (f"team {agent}",))
    made.planned(1, endpoints=[EndpointRecord(gateway, url, {})])
    return made


async def _sent(
    database: Database, made: Planner, ends: Mapping[str, Disposition | None], at_ms: int
) -> None:
    """Dispatch what is planned from a time on; None: killed before its end."""
    begun(database, made, now_ms=at_ms)
    clock = StillClock()
    clock.ms = at_ms
    lanes = range(len(set(made._lanes.values())))
    async with journal(database, made.run, lanes=lanes, clock=clock) as book:
        items = {
            item.agent_id: item
            for lane in lanes
            for item in [await took(book, lane) for _ in range(made._counts[lane])]
        }
        for agent, end in ends.items():
            await book.mark(items[agent], 1)
            if end is not None:
                attempt = replace(ended(end), sent_at=clock.ms)
                book.settle(items[agent], AttemptHistory.begin(attempt))


async def _ran(
    database: Database,
    ends: Mapping[str, Disposition | None],
    arguments: str,
    *,
    at_ms: int,
    gateway: str = "east",
    url: str = EAST,
) -> Planner:
    made = _planned(database, dict.fromkeys(ends, arguments), gateway=gateway, url=url)
    await _sent(database, made, ends, at_ms)
    return made


def _changed(database: Database, made: Planner) -> dict[str, ChangedRow]:
    return {changed.agent_id: changed for changed in changed_rows(RunRecord(database, made.run))}


async def test_rows_that_are_applied_or_in_doubt_may_have_changed_their_agents(
    database: Database,
) -> None:
    ends = {"101": DONE, "102": REFUSED, "103": LOST, "104": ABSENT, "105": UNREACHED, "106": None}
    made = await _ran(database, ends, OFF, at_ms=HOUR)
    other = _planned(database, {"101": ON})
    found = list(changed_rows(RunRecord(database, made.run)))
    assert [(x.row, x.agent_id) for x in found] == [(2, "101"), (4, "103"), (7, "106")]
    assert {(x.gateway, x.arguments, x.before, x.later) for x in found} == {
        ("east", OFF, None, None)
    }
    assert [x.extra for x in found] == [("team 101",), ("team 103",), ("team 106",)]
    assert list(changed_rows(RunRecord(database, other.run))) == []


async def test_a_state_is_known_where_only_one_is_possible(database: Database) -> None:
    """`revert`: an agent in doubt has either what was before or what was sent.

    One agent for each way in which three runs, or fewer, may have gone for it.
    """
    ways = itertools.product([None, *itertools.product([ON, OFF], [DONE, LOST])], repeat=3)
    past = {str(agent): way for agent, way in enumerate(ways, start=101)}
    for number in range(3):
        sent = {agent: deed for agent, way in past.items() if (deed := way[number])}
        made = _planned(database, {agent: arguments for agent, (arguments, _) in sent.items()})
        ends = {agent: end for agent, (_, end) in sent.items()}
        await _sent(database, made, ends, (number + 1) * HOUR)
    made = await _ran(database, dict.fromkeys(past, DONE), ON, at_ms=4 * HOUR)
    found = _changed(database, made)
    for agent, way in past.items():
        possible = {""}
        for arguments, end in filter(None, way):
            possible = {arguments} if end is DONE else {*possible, arguments}
        before = found[agent].before
        if len(possible) == 1 and possible != {""}:
            assert before is not None, way
            assert ({before.arguments}, before.certain) == (possible, True), way
        else:
            assert before is None, way


@pytest.mark.parametrize(
    ("end", "known"),
    [(DONE, True), (LOST, False), (None, False), (REFUSED, None), (ABSENT, None)],
    ids=["applied", "in doubt", "killed", "rejected", "failed"],
)
async def test_what_runs_before_have_done_is_what_was_before(
    database: Database, end: Disposition | None, *, known: bool | None
) -> None:
    """A run that changed nothing has no say, one in doubt leaves doubt."""
    first = await _ran(database, {"101": DONE}, ON, at_ms=HOUR)
    second = await _ran(database, {"101": end}, OFF, at_ms=2 * HOUR)
    made = await _ran(database, {"101": DONE}, ON, at_ms=3 * HOUR)
    before = _changed(database, made)["101"].before
    if known is False:
        assert before is None
        return
    teller, at_ms, arguments = (second, 2 * HOUR, OFF) if known else (first, HOUR, ON)
    assert before == AgentAction(at_ms + 1, arguments, certain=True, run_id=teller.run_id)


@pytest.mark.parametrize("end", [DONE, LOST, None])
async def test_what_runs_have_done_since_is_told_of_the_latest(
    database: Database, end: Disposition | None
) -> None:
    made = await _ran(database, {"101": DONE, "102": DONE}, OFF, at_ms=HOUR)
    await _ran(database, {"101": DONE}, ON, at_ms=2 * HOUR)
    latest = await _ran(database, {"101": end}, ON, at_ms=3 * HOUR)
    await _ran(database, {"101": REFUSED}, ON, at_ms=4 * HOUR)
    found = _changed(database, made)
    later = found["101"].later
    assert later is not None
    assert (later.run_id, later.certain) == (latest.run_id, end is DONE)
    assert found["102"].later is None


async def test_a_gateway_is_its_address_whatever_it_is_called(database: Database) -> None:
    await _ran(database, {"101": DONE}, ON, at_ms=HOUR, gateway="east")
    await _ran(database, {"101": DONE}, OFF, at_ms=2 * HOUR, gateway="east", url="https://west")
    made = await _ran(database, {"101": DONE}, OFF, at_ms=3 * HOUR, gateway="east.example:8043")
    await _ran(database, {"101": DONE}, ON, at_ms=4 * HOUR, gateway="west", url="https://west")
    found = _changed(database, made)["101"]
    assert found.before is not None
    assert (found.before.arguments, found.later) == (ON, None)


async def test_the_order_of_sending_decides_and_not_that_of_planning(
    database: Database,
) -> None:
    """A run that was planned first may be sent last."""
    early = _planned(database, {"101": ON, "102": ON})
    made = await _ran(database, {"101": DONE, "102": DONE}, OFF, at_ms=2 * HOUR)
    await _sent(database, early, {"101": DONE, "102": None}, 3 * HOUR)
    found = _changed(database, made)
    assert {x.before for x in found.values()} == {None}
    assert [x.later.run_id for x in found.values() if x.later] == [early.run_id] * 2


async def test_every_agent_has_a_past_of_its_own(database: Database) -> None:
    await _ran(database, {"101": DONE, "103": LOST}, ON, at_ms=HOUR)
    await _ran(database, {"102": DONE}, OFF, at_ms=2 * HOUR)
    agents = dict.fromkeys(map(str, range(101, 105)), ON)
    made = await _ran(database, dict.fromkeys(agents, DONE), OFF, at_ms=3 * HOUR)
    found = _changed(database, made)
    before = {agent: x.before.arguments if x.before else None for agent, x in found.items()}
    assert before == {"101": ON, "102": OFF, "103": None, "104": None}


async def test_agents_set_at_a_gateway_are_counted_once_and_up_to_a_number(
    database: Database,
) -> None:
    """Whatever it was called, and only those whom it said were set."""
    assert agents_set_at(database, EAST, up_to=9) == 0
    await _ran(database, {"1001": DONE, "1002": DONE, "1003": REFUSED, "1004": None}, ON, at_ms=1)
    await _ran(database, {"1002": DONE, "1005": DONE}, OFF, at_ms=2, gateway="ost")
    await _ran(database, {"1006": DONE}, ON, at_ms=3, gateway="west", url="https://west")
    assert agents_set_at(database, EAST, up_to=9) == 3
    assert agents_set_at(database, EAST, up_to=2) == 2
    assert agents_set_at(database, "https://west", up_to=9) == 1


async def test_a_clock_that_was_ahead_changes_no_order_and_is_not_relied_on(
    database: Database,
) -> None:
    """--trust-state: what a clock said that was six hours ahead, nobody knows how long ago."""
    ahead = await _ran(database, {"101": DONE, "102": DONE}, ON, at_ms=20 * HOUR)
    made = await _ran(database, {"101": DONE, "102": DONE}, OFF, at_ms=14 * HOUR)
    known = {x.agent_id: x.before for x in changed_rows(RunRecord(database, made.run))}
    assert {deed.run_id for deed in known.values() if deed} == {ahead.run_id}
    now_ms, trusted_ms = 21 * HOUR, 8 * HOUR
    found = list(changed_rows(RunRecord(database, made.run), now_ms=now_ms, trusted_ms=trusted_ms))
    assert {(x.before, x.later) for x in found} == {(None, None)}
    later = {x.agent_id: x.later for x in changed_rows(RunRecord(database, ahead.run))}
    assert {deed.run_id for deed in later.values() if deed} == {made.run_id}


async def test_a_revert_looks_no_further_back_than_to_who_said_something(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revert plans in time that does not grow with the number of runs kept."""
    for number in range(12):
        await _ran(database, {"101": DONE, "102": DONE}, ON, at_ms=(number + 1) * HOUR)
    made = await _ran(database, {"101": DONE, "102": DONE}, OFF, at_ms=13 * HOUR)
    looks: list[str] = []
    fill = Database.fill

    def counted(self: Database, sql: str, rows: Any) -> None:
        looks.append(sql)
        fill(self, sql, rows)

    monkeypatch.setattr(Database, "fill", counted)
    found = list(changed_rows(RunRecord(database, made.run)))
    assert {x.before.sent_at // HOUR for x in found if x.before} == {12}
    assert len(looks) == 2, "who they are, and the one run before"
    never = await _ran(database, {"101": DONE, "103": DONE}, OFF, at_ms=14 * HOUR)
    database.write(("UPDATE legs SET finished_at = started_at + 1000", [()]))
    looks.clear()
    list(changed_rows(RunRecord(database, never.run), now_ms=14 * HOUR + 1, trusted_ms=3 * HOUR))
    assert len(looks) <= 1 + 4, "nobody has said anything of 103, and older runs do not matter"


def test_a_revert_goes_from_open_agents_to_what_a_run_has_of_each(database: Database) -> None:
    """The other way round it took minutes for some 20,000 agents."""
    with Database(database.path) as other:
        other.define(rights._KNOWN)
        for statement, parameters in (
            (rights._AFTER, (1, 1, 1)),
            (rights._BEFORE, (1, 1, 1, 0, 1)),
        ):
            steps = other.all(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert [step[3].split(" USING ")[0] for step in steps] == [
                *("SCAN known", "SEARCH b", "SEARCH p", "SEARCH there"),
            ]
