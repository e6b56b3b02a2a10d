"""A run that the version before began and that was killed is gone on with by this one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from bulkagent.ledger.formats import FORMAT_1, VIEWS
from bulkagent.ledger.schema import APPLICATION_ID, MIGRATIONS
from bulkagent.ledger.structure import statements
from tests.run.again import shift

# What format 5 kept of a request, as its last version wrote it.
KEPT = frozenset(
    """
    absent_ok agent_column agent_id_range allow_closing at_gateways auto burst canary concurrency
    connect_timeout_s deadline_s default_gateway delimiter durability encoding flag floor folder
    gate gateway give_up_after_s grace_s group_by guid_ca_file guid_url halt_count halt_first
    halt_share handover insecure job max_attempts per_second reports resend_after_switchover
    retry_for_s scenario sessions skip_invalid timeout_s up_means verify_again_after_s verify_with
    wait_for_sign_in_s
    """.split()  # noqa: SIM905 - reads better than forty quoted words
)


def _written_by_the_version_before(ledger: Path) -> None:
    """Put a ledger's runs into one of format 5, as a kill would leave it there."""
    older = ledger.with_name("older")
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for script in (FORMAT_1, *(MIGRATIONS[step] for step in range(1, 5))):
            if script is MIGRATIONS[1]:
                connection.execute(VIEWS[1])
            for statement in statements(script):
                connection.execute(statement)
        connection.execute("DROP VIEW stories")
        connection.execute(VIEWS[5])
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA user_version=5")
        connection.execute("ATTACH ? AS newer", (str(ledger),))
        tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT%'"
        for (table,) in connection.execute(tables).fetchall():
            found = connection.execute("SELECT name FROM pragma_table_info(?, 'main')", (table,))
            columns = ", ".join(f'"{name}"' for (name,) in found)
            connection.execute(
                f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}"  # noqa: S608
            )
        ((settings,),) = connection.execute("SELECT settings FROM main.runs").fetchall()
        kept = {name: value for name, value in json.loads(settings).items() if name in KEPT}
        connection.execute("UPDATE main.runs SET settings = ?", (json.dumps(kept),))
        # Killed in mid-leg, with a request on its way to agent 103.
        gone = "finished_at = NULL, exit_code = NULL"
        connection.execute(f"UPDATE main.legs SET {gone}, state = NULL")  # noqa: S608
        connection.execute(f"UPDATE main.runs SET {gone}, state = 'planned'")  # noqa: S608
        connection.execute("UPDATE main.outcomes SET status = NULL, cause = NULL WHERE row = 4")
        connection.execute("DETACH newer")
    older.replace(ledger)


async def test_a_run_that_the_version_before_began_is_resumed_after_a_kill(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=4)
        _written_by_the_version_before(made.ledger)
        result = await made.resume()
        assert (result.exit_code, result.run_id) == (0, first.run_id)
        assert result.totals["applied"] == 10
        assert made.plan is not None
        assert made.plan.again["unknown"] == 1
        times = made.times_set()
        assert times.pop("103") == 2, "nobody knew whether it had been set"
        assert set(times.values()) == {1}
        assert [leg.command for leg in made.legs()] == ["apply", "resume"]
    assert (tmp_path / "ledger.v5.bak").exists()
