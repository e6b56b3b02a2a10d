"""Verdicts on disk: their agents, how they are counted, and in how many steps they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent.errors import LedgerUnavailable
from bulkagent.ledger import (
    AppliedRow,
    Database,
    RunRecord,
    applied_among,
    batches,
    keep_verifications,
    row_of,
    verification_counts,
    verified_rows,
)
from bulkagent.model import Verified
from tests.ledger.ledgers import OFF, ON, planner

YES, NO, HIDDEN = Verified.YES, Verified.NO, Verified.NOT_VISIBLE

OUTCOME = """
INSERT OR REPLACE INTO outcomes (run, row, attempts, first_sent_at, status, leg)
VALUES (?, ?, 1, 0, ?, ?)
"""


@pytest.fixture
def run(database: Database) -> int:
    """Rows 2 to 7 of agents 102 to 107, of which legs 1 and 2 have set some."""
    plan = planner(database)
    for row in range(2, 8):
        plan.assign(row, str(100 + row), "east", ON if row == 2 else OFF, ())
    plan.planned(0)
    set_by = {2: 1, 3: 1, 4: 1, 5: 2, 7: 2}
    rows = [(plan.run, row, "applied", leg) for row, leg in set_by.items()]
    database.write((OUTCOME, [*rows, (plan.run, 6, "failed", 2)]))
    return plan.run


def test_a_leg_keeps_verdicts_of_what_it_has_set_and_leaves_others(
    database: Database, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verification_counts(RunRecord(database, run)) is None
    for batch in (1, 2, 4_000):
        monkeypatch.setattr(batches, "_BATCH", batch)
        keep_verifications(RunRecord(database, run), 1, {2: YES, 3: NO})
        assert list(verified_rows(RunRecord(database, run))) == [(2, YES), (3, NO), (4, HIDDEN)]
    keep_verifications(RunRecord(database, run), 2, {7: NO})
    assert list(verified_rows(RunRecord(database, run))) == [
        (2, YES),
        (3, NO),
        (4, HIDDEN),
        (5, HIDDEN),
        (7, NO),
    ]
    counted = verification_counts(RunRecord(database, run))
    assert counted is not None
    assert counted.counts == {"yes": 1, "no": 2, "not_visible": 2}
    assert (counted.contradicted, counted.agents) == (2, ("103", "107"))
    keep_verifications(RunRecord(database, run), 3, {})  # a leg that set nobody
    assert verification_counts(RunRecord(database, run)) == counted


def test_who_is_looked_for_is_found_by_leg_and_gateway(database: Database, run: int) -> None:
    everybody = [str(agent) for agent in range(100, 110)]
    assert applied_among(RunRecord(database, run), 1, "east", everybody) == [
        AppliedRow(2, "102", ON),
        AppliedRow(3, "103", OFF),
        AppliedRow(4, "104", OFF),
    ]
    assert applied_among(RunRecord(database, run), 2, "east", ["106", "107"]) == [
        AppliedRow(7, "107", OFF)
    ]
    assert applied_among(RunRecord(database, run), 2, "west", everybody) == []
    assert row_of(RunRecord(database, run), "east", "102") == (2, ON)
    assert row_of(RunRecord(database, run), "west", "102") is None


def test_a_verdict_that_nobody_writes_is_damage(
    database: Database, run: int, tmp_path: Path
) -> None:
    database.write(("INSERT INTO verifications VALUES (?, 2, 'perhaps')", [(run,)]))
    for read in (
        lambda: list(verified_rows(RunRecord(database, run))),
        lambda: verification_counts(RunRecord(database, run)),
    ):
        with pytest.raises(LedgerUnavailable, match="has content that bulkagent does not write"):
            read()
