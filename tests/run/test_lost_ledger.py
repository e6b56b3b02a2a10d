"""A ledger that is deleted, renamed or replaced in mid-run stops the run with exit 6 (B7).

Proves --ledger; guide "The ledger".
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkagent.errors import LedgerUnavailable
from bulkagent.ledger import FileIdentity, RunLock, open_ledger
from bulkagent.run import Consent, Run, RunResult
from tests.run.again import Shift, shift


def _delete(ledger: Path) -> None:
    ledger.unlink()


def _rename(ledger: Path) -> None:
    ledger.rename(ledger.with_name("aside"))


def _replace(ledger: Path) -> None:
    shutil.copyfile(ledger, ledger.with_name("copy"))
    ledger.with_name("copy").replace(ledger)


def _link(ledger: Path) -> None:
    os.link(ledger, ledger.with_name("another"))


def _delete_log(ledger: Path) -> None:
    ledger.with_name(f"{ledger.name}-wal").unlink()


WAYS = {
    "deleted": _delete,
    "renamed": _rename,
    "replaced": _replace,
    "hard link": _link,
    "log": _delete_log,
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_ledger_that_is_deleted_in_mid_run_stops_the_run_with_exit_6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("bulkagent.run.take_over._LOOK_EVERY_S", 0.0)
    async with shift(tmp_path) as made:
        result = await _ruined(made, WAYS[way])
    assert (result.exit_code, result.state) == (6, "halted")
    assert "while the run was at work" in (result.error or "")
    assert "ledger" in (result.error or "")
    assert (tmp_path / "report.csv").read_text().count("\n") == 11, "the report has what is known"


async def _ruined(made: Shift, way: Callable[[Path], None]) -> RunResult:
    def settled_first(_outcome: object) -> None:
        if not ruined:
            ruined.append(True)
            way(made.ledger)

    ruined: list[bool] = []
    with Run(made.request(), settled=settled_first) as run:
        return (await run.prepare().execute(Consent.PROGRAM)).result_or_defect()


def test_a_new_ledger_is_not_made_where_that_of_a_run_in_progress_was(tmp_path: Path) -> None:
    """A second run at its path would send to the same agents."""
    path = tmp_path / "ledger.sqlite3"
    open_ledger(path).close()
    lock = RunLock(path, "20260101T000000.000Z-0001")
    path.unlink()
    try:
        with pytest.raises(LedgerUnavailable, match="-0001 is in progress"):
            open_ledger(path)
    finally:
        lock.release()
    path.unlink(missing_ok=True)
    open_ledger(path).close()


def test_a_ledger_that_others_write_to_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path) as database:
        database.write(("INSERT INTO leases VALUES (1, 1)", []))
        presence = FileIdentity(path)
        with open_ledger(path) as other:
            other.write(("DELETE FROM leases", [()]))
            other.checkpoint()
        assert not presence.trouble()
