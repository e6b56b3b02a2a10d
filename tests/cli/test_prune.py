"""`prune`: asks, and takes out what is old; the judge is the ledger.

Proves --older-than, --dry-run; guide "Runs".
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, bulkagent, inside

YEAR_MS = 366 * 86_400_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One run of today, and one that is made a year old."""
    for _ in range(2):
        arguments = ["--flag", 0, "--gateway", "emulated"]
        assert bulkagent(tmp_path, "apply", SAMPLES / "evening_shift.csv", *arguments).code == 0
    ledger = sqlite3.connect(tmp_path / "state/bulkagent/ledger.sqlite3")
    with ledger:
        for table, columns in {
            "runs": ("created_at", "planned_at", "finished_at"),
            "legs": ("started_at", "finished_at"),
            "outcomes": ("first_sent_at", "sent_at", "finished_at"),
        }.items():
            for column in columns:
                ledger.execute(
                    f"UPDATE {table} SET {column} = {column} - {YEAR_MS} WHERE run = 1"  # noqa: S608
                )
    ledger.close()
    return tmp_path


def test_old_runs_go_only_with_consent(folder: Path) -> None:
    young, old = (run["run_id"] for run in inside(folder, "runs", "--json").json["runs"])
    would = inside(folder, "prune", "--older-than", "90d", "--dry-run")
    assert (would.code, would.err) == (0, f"would take out run {old} with 40 rows\n")
    asked = inside(folder, "prune", "--older-than", "90d")
    assert asked.code == 2
    assert f"run {old} with 40 rows will be gone for good" in asked.err
    assert "nothing was taken out" in asked.err
    assert len(inside(folder, "runs", "--json").json["runs"]) == 2
    gone = inside(folder, "prune", "--older-than", "90d", "--yes", "--json")
    assert gone.json == {"runs": [old], "rows": 40, "compacted": True, "dry_run": False}
    assert [run["run_id"] for run in inside(folder, "runs", "--json").json["runs"]] == [young]
    again = inside(folder, "prune", "--older-than", "90d")
    assert (again.code, again.err) == (0, "no run is that old\n")


@pytest.mark.parametrize("age", ["3h", "soon", "-1d"])
def test_an_age_that_is_none_or_too_low_is_refused(tmp_path: Path, age: str) -> None:
    ended = inside(tmp_path, "prune", "--older-than", age)
    assert ended.code == 2
    assert ended.out == ""
