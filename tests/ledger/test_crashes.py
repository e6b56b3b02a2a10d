"""After a process was really killed, the ledger says what is known, and nothing more.

A kill at each look at the disk is in tests/simulation/test_killed_everywhere.py.

README: No byte of a request leaves before the ledger has a mark of it on disk.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bulkagent.errors import RunNotFound
from bulkagent.ledger import Database, find_run, open_ledger, prefetch
from bulkagent.model import Status
from tests.ledger.ledgers import journal, plan, report

_SENDING = """
import asyncio, sys
from pathlib import Path
from bulkagent.ledger import open_ledger
from tests.dispositions import DONE
from tests.ledger.ledgers import journal, plan, history

async def main():
    database = open_ledger(Path(sys.argv[1]))
    made = plan(database, 1_000_000 // 50)
    async with journal(
        database, made.run, settled=lambda outcome: print("ended", outcome.row, flush=True)
    ) as book:
        async def work():
            while (item := await book.take(0)) is not None:
                await book.mark(item, 1)
                print("sent", item.row, flush=True)
                await asyncio.sleep(0)
                book.settle(item, history(DONE))
        await asyncio.gather(*(work() for _ in range(16)))

asyncio.run(main())
"""

_PLANNING = """
import sys
from pathlib import Path
from bulkagent.ledger import open_ledger
from tests.ledger.ledgers import ON, planner

made = planner(open_ledger(Path(sys.argv[1])))
for row in range(2, 10_000_000):
    made.assign(row, str(row), "east", ON, ())
    if row % 10_000 == 0:
        print("assigned", row, flush=True)
"""


def killed(script: str, path: Path, lines_before: int) -> list[list[str]]:
    """Run a script, kill it after so many lines of output; all whole lines that it wrote."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines_before)]
        process.kill()
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [line.split() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("lines_before", [1, 300, 2_500])
def test_a_killed_run_has_every_mark_and_outcome_that_it_announced(
    tmp_path: Path, lines_before: int
) -> None:
    path = tmp_path / "ledger.sqlite3"
    said = killed(_SENDING, path, lines_before)
    sent = {int(row) for word, row in said if word == "sent"}
    over = {int(row) for word, row in said if word == "ended"}
    assert len(sent) + len(over) >= lines_before
    with open_ledger(path) as database:
        found, summary = report(database)
        assert len(found) == summary.rows == sum(summary.totals.values()) == 20_000
        told = {status: {x.row for x in found if x.status is status} for status in Status}
        assert over <= told[Status.APPLIED]
        assert sent <= told[Status.APPLIED] | told[Status.UNKNOWN]
        # On disk and not announced any more: no more than was in the hands of 16 workers.
        dispatched = told[Status.APPLIED] | told[Status.UNKNOWN]
        assert len(dispatched - sent) <= 16
        assert len(told[Status.UNKNOWN]) <= 2 * 16
        plan(database, 3)
        assert report(database)[1].rows == 3


def test_what_is_left_of_a_killed_plan_is_no_run_and_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    assert killed(_PLANNING, path, 3)[-1][0] == "assigned"
    with open_ledger(path) as database:
        assert database.all("SELECT count(*) > 20000 FROM assignments") == [(1,)]
        with pytest.raises(RunNotFound):
            find_run(database, "last")
        made = plan(database, 3)
        assert find_run(database, "last").id == made.run_id


def test_rows_that_a_killed_run_left_are_handed_out_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    said = killed(_SENDING, path, 500)
    sent = {int(row) for word, row in said if word == "sent"}

    async def rest(database: Database) -> list[int]:
        rows: list[int] = []
        async with journal(database, find_run(database, "last").run) as book:
            while (item := await book.take(0)) is not None:
                rows.append(item.row)
        return rows

    with open_ledger(path) as database:
        left = asyncio.run(rest(database))
    assert left == sorted(set(left))
    assert not sent & set(left)
    assert 20_000 - len(sent) - 16 <= len(left) <= 20_000 - len(sent)
    assert len(left) > prefetch._CHUNK
