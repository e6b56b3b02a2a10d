"""The ledger: what was planned, what was dispatched, what came of it, on disk before it is said.

What may live here: all SQL. What this room must not know: gateways, rosters, reports; it is
told plain values and gives back the records of `bulkagent.outcome`.

- `database` opens the file and is the only module that knows sqlite3.
- `plan` writes a run's rows before anything is sent.
- `journal` writes marks and outcomes while it is sent, and hands out what is left.
- `history` answers questions about runs.
"""

from bulkagent.ledger.database import Database, default_path, open_ledger, probe
from bulkagent.ledger.history import (
    Cluster,
    RunFacts,
    Summary,
    find_run,
    finish_run,
    lines,
    planned_rows,
    summarise,
)
from bulkagent.ledger.journal import Counters, Journal
from bulkagent.ledger.plan import Lane, Planner, forget_run

__all__ = [
    "Cluster",
    "Counters",
    "Database",
    "Journal",
    "Lane",
    "Planner",
    "RunFacts",
    "Summary",
    "default_path",
    "find_run",
    "finish_run",
    "forget_run",
    "lines",
    "open_ledger",
    "planned_rows",
    "probe",
    "summarise",
]
