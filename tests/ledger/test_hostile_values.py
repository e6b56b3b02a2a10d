"""Numbers and text in a ledger that no clock, gateway or command could have given are refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bulkagent.errors import LedgerUnavailable
from bulkagent.ledger import Database, find_run, history_of
from tests.ledger.ledgers import begun, planner


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE outcomes SET finished_at = 4611686018427387904",
        "UPDATE outcomes SET first_sent_at = -4611686018427387904",
        "UPDATE outcomes SET latency_ms = 9e999",
        "UPDATE outcomes SET latency_ms = -5",
        "UPDATE outcomes SET attempts = 4611686018427387904",
        "UPDATE outcomes SET attempts = -3",
        "UPDATE outcomes SET http_status = 99999",
        "UPDATE outcomes SET leg = -4611686018427387904",
        "UPDATE legs SET started_at = 4611686018427387904",
        "UPDATE runs SET created_at = 4611686018427387904",
        "UPDATE runs SET created_at = -1",
        "INSERT INTO limit_changes VALUES (1, 1, 'east', 4611686018427387904, 1, 'open')",
        "INSERT INTO limit_changes VALUES (1, 1, 'east', 1, 1, 'weird')",
        "INSERT INTO set_aside VALUES (1, 2, 'protected', 2)",
        "INSERT INTO set_aside VALUES (1, 2, 'applied', NULL)",
        'UPDATE assignments SET extra = \'["a", "b", "c"]\'',
        "UPDATE assignments SET extra = 'no JSON'",
    ],
)
def test_values_of_a_hostile_ledger_are_refused_and_never_a_defect(
    database: Database, change: str
) -> None:
    made = planner(database, extra_columns=("team",))
    made.assign(2, "101", "east", "flag=1", ("a",))
    made.planned(1)
    begun(database, made)
    mark = "INSERT INTO outcomes (run, row, attempts, first_sent_at) VALUES (1, 2, 1, 1)"
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.execute(mark)
        assert find_run(database, "last").run == 1
        connection.execute(change)
    with pytest.raises(LedgerUnavailable, match=r"does not write|cannot be used"):
        find_run(database, "last")


def test_who_stops_reading_a_ledger_need_not_close_it_last(database: Database) -> None:
    rows = database.query("SELECT value FROM json_each('[1, 2, 3]')")
    assert next(rows) == (1,)
    database.close()
    del rows  # what it raised now would be nobody's, and is an error of the suite


def test_an_agents_past_leaves_out_what_no_clock_says(database: Database) -> None:
    """`runs --agent`: it goes over many runs, and one of them need not take the others away."""
    ids = []
    for _ in range(2):
        made = planner(database)
        made.assign(2, "101", "east", "flag=1", ())
        made.planned(1)
        ids.append(begun(database, made).run_id)
    mark = "INSERT INTO outcomes (run, row, attempts, first_sent_at, sent_at) VALUES (1,2,1,1,?)"
    database.write((mark, [(1 << 62,)]))
    assert [found.run_id for found in history_of(database, "101", 5)] == ids[1:]
