"""A run that the version before began and that was killed is gone on with by this one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import bulkagent
from bulkagent.clock import SystemClock
from bulkagent.ledger import RunRecord, find_run, legs_of, lines, read_ledger
from bulkagent.ledger.formats import FORMAT_1, MIGRATIONS, VIEWS
from bulkagent.ledger.integrity import statements
from bulkagent.ledger.schema import APPLICATION_ID
from bulkagent.model import Cause
from tests.ledger import ledgers
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
        newer = {name for (name,) in connection.execute("SELECT name FROM newer.sqlite_schema")}
        for (table,) in connection.execute(tables).fetchall():
            if table not in newer:
                continue
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


# Every time of day in a ledger of format 6.
TIMES = """
runs.created_at runs.planned_at runs.finished_at legs.started_at legs.finished_at
outcomes.first_sent_at outcomes.sent_at outcomes.finished_at attempts.sent_at pulses.at
""".split()  # noqa: SIM905 - the same


async def test_a_killed_run_of_the_format_before_is_resumed(tmp_path: Path) -> None:
    """The version before wrote this ledger; one agent is protected since, one is another run's."""
    path, roster = tmp_path / "ledger.sqlite3", tmp_path / "shift.csv"
    roster.write_text("agent_id,team\n" + "".join(f"{1001 + n},blue\n" for n in range(12)))
    protected = tmp_path / "protected.csv"
    protected.write_text("agent_id\n1011\n")
    script = Path(ledgers.__file__).with_name("format_6.sql").read_text()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)
        ((run_id, last),) = connection.execute(
            "SELECT id, (SELECT max(sent_at) FROM outcomes) FROM runs WHERE run = 1"
        ).fetchall()
        connection.execute("UPDATE runs SET roster = ? WHERE run = 1", (str(roster),))
        for column in TIMES:
            table, name = column.split(".")
            later = f"UPDATE {table} SET {name} = {name} + ?"  # noqa: S608
            connection.execute(later, (SystemClock().wall_ms() - 60_000 - last,))
    settings = {"ledger": path, "protect": (protected,)}
    result = await bulkagent.resume(run_id, settings=settings)
    assert result.run_id == run_id
    assert result.totals == {
        **dict.fromkeys(result.totals, 0),
        "applied": 10,
        "not_attempted": 2,
    }
    with read_ledger(path) as database:
        record = RunRecord(database, find_run(database, run_id).run)
        found = {line.agent_id: line for line in lines(record, {})}
        assert [leg.command for leg in legs_of(record)] == ["apply", "resume", "resume"]
    assert {agent: line.cause for agent, line in found.items() if line.cause} == {
        "1011": Cause.PROTECTED,
        "1012": Cause.SUPERSEDED,
    }
    assert found["1005"].attempts == 2, "nobody knew whether it had been set"
    assert (tmp_path / "ledger.v6.bak").exists()
