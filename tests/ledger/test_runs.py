"""Which runs there are: found by fingerprint, listed, counted, and whether somebody is at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent.errors import LedgerUnavailable, RunNotFound
from bulkagent.ledger import (
    Database,
    EndpointRecord,
    Planner,
    RunLock,
    RunRecord,
    begin_leg,
    endpoints_of,
    find_run,
    find_same,
    finish_leg,
    forget_run,
    keep_totals,
    list_runs,
    totals_of,
    unplanned_since,
)
from bulkagent.model import Status
from tests.dispositions import DONE
from tests.ledger.ledgers import ON, begun, history, journal, planner, took


def _planned(database: Database, fingerprint: str = "", *, now_ms: int = 1000) -> Planner:
    made = planner(database, now_ms=now_ms)
    made.assign(2, "101", "east", ON, ())
    made.assign(3, "102", "east", ON, ())
    made.planned(now_ms, fingerprint=fingerprint)
    return begun(database, made, now_ms=now_ms)


def _reverting(database: Database, run: int, fingerprint: str) -> Planner:
    made = Planner(
        database,
        operation="settalkright",
        roster="roster.csv",
        extra_columns=(),
        wave_of=lambda _: 0,
        settings={},
        now_ms=1000,
        reverts=run,
    )
    made.planned(1000, fingerprint=fingerprint)
    return begun(database, made, command="revert")


def test_runs_of_the_same_roster_come_latest_first(database: Database) -> None:
    """Planned ones, of a roster and not of a revert, and not the one that asks."""
    first = _planned(database, "same", now_ms=1000)
    _planned(database, "other")
    second = _planned(database, "same", now_ms=1001)
    planner(database, now_ms=5000)
    _reverting(database, first.run, "same")
    asking = _planned(database, "same", now_ms=9000)
    found = find_same(database, "same", but=asking.run)
    assert [run.run for run in found] == [second.run, first.run]
    assert find_same(database, "none", but=0) == []


def test_a_revert_says_which_run_it_is_of(database: Database) -> None:
    made = _planned(database)
    _reverting(database, made.run, "")
    assert find_run(database, "last").reverts == made.run_id
    assert find_run(database, made.run_id).reverts is None


def test_lists_have_the_latest_runs_also_unplanned_ones(database: Database) -> None:
    made = [_planned(database) for _ in range(3)]
    unplanned = planner(database)
    assert [run.id for run in list_runs(database, 3)] == [
        unplanned.run_id,
        made[2].run_id,
        made[1].run_id,
    ]
    assert list_runs(database, 9)[0].planned_at is None
    assert len(list_runs(database, 9)) == 4


def test_the_last_run_is_the_one_begun_last_whatever_the_clock_said(database: Database) -> None:
    _planned(database, now_ms=9_000_000)
    made = _planned(database, now_ms=1000)
    assert find_run(database, "last").id == made.run_id


def test_a_later_run_that_was_never_planned_is_named(database: Database) -> None:
    """Not one that somebody is planning at this moment."""
    made = _planned(database)
    assert unplanned_since(RunRecord(database, made.run)) is None
    one, two = planner(database), planner(database)
    assert unplanned_since(RunRecord(database, made.run)) is None
    one.lock.release()
    assert unplanned_since(RunRecord(database, made.run)) == one.run_id
    two.lock.release()
    assert unplanned_since(RunRecord(database, made.run)) == two.run_id
    forget_run(RunRecord(database, two.run))
    assert unplanned_since(RunRecord(database, made.run)) == one.run_id
    assert unplanned_since(RunRecord(database, _planned(database).run)) is None


def test_an_unplanned_run_is_refused_by_what_it_is(database: Database) -> None:
    made = planner(database)
    with pytest.raises(RunNotFound, match="still being planned"):
        find_run(database, made.run_id)
    made.lock.release()
    with pytest.raises(RunNotFound, match="never planned"):
        find_run(database, made.run_id)
    with pytest.raises(RunNotFound, match="no run 'last'"):
        find_run(database, "last")


def test_a_run_is_running_while_somebody_owns_it(database: Database) -> None:
    made = _planned(database)
    assert find_run(database, "last").running
    made.lock.release()
    assert not find_run(database, "last").running
    lock = RunLock(database.path, made.run_id)
    assert [run.running for run in list_runs(database, 1)] == [True]
    lock.release()


async def test_totals_are_counted_until_they_are_kept_and_again_after_the_next_leg_began(
    database: Database,
) -> None:
    made = _planned(database)
    none = dict.fromkeys((status.value for status in Status), 0)
    assert totals_of(RunRecord(database, made.run)) == {**none, "not_attempted": 2}
    async with journal(database, made.run) as book:
        item = await took(book)
        await book.mark(item, 1)
        book.settle(item, history(DONE))
    assert totals_of(RunRecord(database, made.run)) == {**none, "applied": 1, "not_attempted": 1}
    keep_totals(RunRecord(database, made.run), {**none, "applied": 7})
    assert totals_of(RunRecord(database, made.run)) == {**none, "applied": 7}
    begin_leg(RunRecord(database, made.run), command="resume", only=(), override="", now_ms=1)
    assert totals_of(RunRecord(database, made.run)) == {**none, "applied": 1, "not_attempted": 1}


def test_endpoints_are_kept_with_what_a_resume_needs(database: Database) -> None:
    endpoints = [
        EndpointRecord("east", "https://east", {"ca_file": "/ca.pem"}),
        EndpointRecord("west", "https://west", {}),
    ]
    made = planner(database)
    made.planned(1, endpoints=reversed(endpoints))
    assert endpoints_of(RunRecord(database, made.run)) == endpoints
    assert endpoints_of(RunRecord(database, _planned(database).run)) == []


def test_how_a_run_ended_is_of_its_last_leg(database: Database) -> None:
    made = _planned(database)
    for leg, state, code in ((1, "halted", 6), (2, "completed", 0)):
        if leg > 1:
            begin_leg(
                RunRecord(database, made.run), command="resume", only=(), override="", now_ms=1
            )
        finish_leg(
            *(RunRecord(database, made.run), leg),
            state=state,
            exit_code=code,
            reason="",
            not_attempted={},
            now_ms=leg,
        )
        facts = find_run(database, "last")
        assert (facts.state, facts.exit_code, facts.legs) == (state, code, leg)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE runs SET totals = '{'",
        "UPDATE runs SET settings = '['",
        "UPDATE runs SET extra_columns = '7'",
    ],
)
def test_a_damaged_record_is_said_so(database: Database, damage: str) -> None:
    made = _planned(database)
    database.write((damage, [()]))
    with pytest.raises(LedgerUnavailable, match="damaged"):
        totals_of(RunRecord(database, find_run(database, made.run_id).run))


def test_names_of_locks_are_those_of_runs(database: Database) -> None:
    """So that a person can tell whose lock it is."""
    made = _planned(database)
    folder: Path = database.path.with_name(f"{database.path.name}-runs")
    assert [path.name for path in folder.iterdir()] == [made.run_id]
