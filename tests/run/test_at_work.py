"""Requests in doubt: what an earlier leg left at a gateway counts in --concurrency (A3).

Proves guide "Requests in doubt".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bulkagent.emulator import FaultKind, Latency, Scenario
from bulkagent.gateway.faults import WITHOUT_AN_ANSWER
from bulkagent.ledger import (
    Database,
    RunLock,
    RunRecord,
    find_run,
    open_ledger,
    requests_at_work,
    take_lease,
)
from tests.run.again import Shift, fault, shift

TIMEOUT_S = 10.0


def at_work(made: Shift, now_ms: int, run: str = "last", timeout_s: float = TIMEOUT_S) -> list[int]:
    """Until when each counts, of the one gateway."""
    with open_ledger(made.ledger) as database:
        found = requests_at_work(
            RunRecord(database, find_run(database, run).run),
            without_answer=WITHOUT_AN_ANSWER,
            now_ms=now_ms,
            timeout_s=timeout_s,
        )
    return sorted(until for times in found.values() for until in times)


def change(made: Shift, statement: str, *values: object) -> None:
    with Database(made.ledger) as database:
        database.write((statement, [values]))


def sent_at(made: Shift, *agents: str) -> list[int]:
    with open_ledger(made.ledger) as database:
        rows = database.all(
            "SELECT o.sent_at FROM outcomes o JOIN assignments a ON a.run = o.run AND a.row = o.row"
            " WHERE a.agent_id IN (SELECT value FROM json_each(?)) ORDER BY o.sent_at",
            (json.dumps(agents),),
        )
    return [at for (at,) in rows]


async def left_in_doubt(made: Shift, **more: Any) -> None:
    await made.apply(concurrency=10, **more)


async def test_rows_in_doubt_younger_than_twice_the_timeout_count_by_sent_at(
    tmp_path: Path,
) -> None:
    """A 503 page ended its request, a reset did not."""
    faults = (fault(FaultKind.RESET_AFTER, "108-109"), fault(FaultKind.UNAVAILABLE, "110"))
    async with shift(tmp_path, *faults) as made:
        await left_in_doubt(made)
        until = [at + 20_000 for at in sent_at(made, "108", "109")]
        assert at_work(made, until[0] - 1) == until
        assert at_work(made, until[-1]) == []
        assert at_work(made, until[-1], timeout_s=11.0) == [at + 2_000 for at in until]
        # The clock was ahead when they were sent: no longer than for one that is sent now.
        assert at_work(made, until[0] - 90_000) == [until[0] - 70_000] * 2


async def test_what_was_dispatched_and_has_no_outcome_after_a_kill_counts(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await left_in_doubt(made)
        (at,) = sent_at(made, "104")
        assert at_work(made, at + 1) == []
        change(made, "UPDATE outcomes SET status = NULL WHERE row = ?", 5)
        change(made, "UPDATE legs SET finished_at = NULL")
        assert at_work(made, at + 1) == [at + 20_000]
        attempt = (
            "INSERT INTO attempts SELECT run, row, attempts, ?, sent_at, 1.0, '', '', 0"
            " FROM outcomes WHERE row = 5"
        )
        change(made, attempt, "unavailable")  # it was between two attempts
        assert at_work(made, at + 1) == []
        for without in ("reset", "interrupted"):  # the latter is written where a leg goes on
            change(made, "UPDATE attempts SET disposition = ?", without)
            assert at_work(made, at + 1) == [at + 20_000]
        change(made, "DELETE FROM attempts")
        assert at_work(made, at + 1) == [at + 20_000]


async def test_those_of_a_run_in_progress_are_in_its_own_slots(tmp_path: Path) -> None:
    async with shift(tmp_path, fault(FaultKind.RESET_AFTER, "109")) as made:
        await left_in_doubt(made)
        earlier = str(made.plan and made.plan.run_id)
        await made.apply(made.write([101], name="one.csv"))
        (at, *_) = sent_at(made, "109")
        assert at_work(made, at + 1) == [at + 20_000], "of any run on that gateway"
        lock = RunLock(made.ledger, earlier)
        with open_ledger(made.ledger) as database:
            take_lease(RunRecord(database, find_run(database, earlier).run))
        assert at_work(made, at + 1) == []
        lock.release()
        assert at_work(made, at + 1) == [at + 20_000], "it was killed"


@pytest.mark.parametrize("ago_s", [0, 20])
async def test_a_resume_sends_only_as_many_as_the_limit_has_room_for(
    tmp_path: Path, ago_s: int
) -> None:
    async with shift(tmp_path, fault(FaultKind.RESET_AFTER, "108-110")) as made:
        await made.apply(concurrency=10, max_attempts=1)
        assert list(made.stands().values()).count("unknown reset") == 3
        emulation = made.gateway._emulation
        emulation._scenario = Scenario(seed=1, latency=Latency(milliseconds=20))
        emulation.traffic._peak = 0
        made.clock.ahead_ms += ago_s * 1000 - 21_000
        explicit = {"concurrency": 4, "timeout_s": TIMEOUT_S}
        assert (await made.resume(explicit=explicit)).exit_code == 0
        assert made.gateway.stats().peak_in_flight == (3 if ago_s else 1)


async def test_a_mark_that_waited_for_a_guid_service_counts_for_one_timeout_more(
    tmp_path: Path,
) -> None:
    """Guide "Requests in doubt": the mark is on disk before the GUID service is asked."""
    async with shift(tmp_path, fault(FaultKind.RESET_AFTER, "108")) as made:
        await left_in_doubt(made)
        (at,) = sent_at(made, "108")
        assert at_work(made, at) == [at + 20_000]
        change(
            made,
            "UPDATE runs SET settings = json_set(settings, '$.guid_url', ?)",
            "https://guids.example/{agentid}",
        )
        assert at_work(made, at) == [at + 30_000]
