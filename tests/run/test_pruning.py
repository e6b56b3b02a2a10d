"""Old runs are taken out of the ledger as a whole, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.ledger import RunLock, find_run, open_ledger, prune_run
from bulkagent.run import agent_run_lines, old_runs, prune, run_list
from tests.run.again import Shift, code, shift

DAY_S = 86_400.0
TABLES = (
    "runs",
    "legs",
    "assignments",
    "outcomes",
    "attempts",
    "lanes",
    "limit_changes",
    "endpoints",
)


def _in_days(made: Shift, days: float) -> int:
    return made.clock.wall_ms() + round(days * DAY_S * 1000)


def _ids(made: Shift) -> list[str]:
    return [line.run_id for line in run_list(made.ledger, 99)]


async def test_what_is_old_goes_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        made.misbehave(code("100-006", "102"))
        await made.apply(flag=1)
        made.clock.ahead_ms += round(10 * DAY_S * 1000)
        young = await made.apply(flag=0)
        found = old_runs(made.ledger, 2 * DAY_S, now_ms=_in_days(made, 0))
        (old,) = found.runs
        assert found.rows == 10
        assert _ids(made) == [young.run_id, old]
        gone = prune(made.ledger, found)
        assert (gone.runs, gone.rows, gone.compacted) == ((old,), 10, True)
        assert _ids(made) == [young.run_id]
        assert [deed.run_id for deed in agent_run_lines(made.ledger, "102", 9)] == [young.run_id]
        with open_ledger(made.ledger) as database:
            for table in TABLES:
                left = database.all(f"SELECT count(*) FROM {table} WHERE run = 1")  # noqa: S608
                assert left == [(0,)], table
            assert database.all("PRAGMA foreign_key_check") == []
        assert prune(made.ledger, found).runs == (), "a second time there is nothing to do"
        reverted = await made.revert()
        assert reverted.totals["not_attempted"] == 10, "what was before has been forgotten"


async def test_a_run_that_a_younger_one_has_set_back_stays_with_it(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(flag=1)
        second = await made.apply(flag=0)
        made.clock.ahead_ms += round(10 * DAY_S * 1000)
        back = await made.revert(explicit={"trust_state_s": 20 * DAY_S})
        assert back.run_id is not None
        found = old_runs(made.ledger, 2 * DAY_S, now_ms=_in_days(made, 0))
        assert found.runs == (first.run_id,)
        assert prune(made.ledger, found).runs == (first.run_id,)
        assert _ids(made) == [back.run_id, second.run_id]
        later = old_runs(made.ledger, 2 * DAY_S, now_ms=_in_days(made, 9))
        assert later.runs == (back.run_id, second.run_id)
        assert prune(made.ledger, later).runs == later.runs
        assert _ids(made) == []


async def test_a_run_at_work_stays_and_so_does_one_gone_on_with_since(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        run = await made.apply(flag=1)
        assert run.run_id is not None
        now_ms = _in_days(made, 30)
        agreed = old_runs(made.ledger, 2 * DAY_S, now_ms=now_ms)
        assert agreed.runs == (run.run_id,)
        lock = RunLock(made.ledger, run.run_id)
        try:
            assert old_runs(made.ledger, 2 * DAY_S, now_ms=now_ms).runs == ()
            assert prune(made.ledger, agreed).runs == ()
        finally:
            lock.release()
        assert _ids(made) == [run.run_id]
        with open_ledger(made.ledger) as database:
            facts = find_run(database, run.run_id)
            assert not prune_run(database, facts, facts.created_at), "at work on since"
            await made.revert(assume_opposite=True)
            assert not prune_run(database, facts, now_ms), "set back since"
        assert len(_ids(made)) == 2


def test_what_may_still_be_resumed_or_reverted_is_not_old(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="at least 1d"):
        old_runs(tmp_path / "ledger.sqlite3", DAY_S - 1, now_ms=0)
