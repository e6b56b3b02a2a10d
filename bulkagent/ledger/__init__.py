"""The ledger: what was planned, what was dispatched, what came of it, on disk before it is said.

What may live here: all SQL. What this room must not know: gateways, rosters, reports; it is
told plain values and gives back the records of `bulkagent.outcome`.

- `database` opens the file and is the only module that knows sqlite3; `schema` is its tables,
  `place` says where it may be.
- `ownership` says which process a run belongs to.
- `plan` writes a run's rows before anything is sent.
- `journal` records marks and outcomes while it is sent, `commits` makes them durable, `shelves`
  hands out what is left.
- `legs` begins and ends each stretch of sending, `runs` finds runs, `history` tells what became
  of their rows, `rights` what several runs did to one agent, `switch_overs` who may have lost
  what was set.
"""

from bulkagent.ledger.database import Database, open_ledger
from bulkagent.ledger.history import (
    Cluster,
    Step,
    Summary,
    lines,
    lines_of_agent,
    planned_rows,
    steps,
    summarise,
)
from bulkagent.ledger.journal import Counters, Journal
from bulkagent.ledger.legs import (
    Group,
    Leg,
    begin_leg,
    finish_leg,
    groups,
    legs_of,
    supersede,
    touched_since,
)
from bulkagent.ledger.matching import Matching
from bulkagent.ledger.ownership import Claim
from bulkagent.ledger.place import default_path, probe
from bulkagent.ledger.plan import Endpoint, Lane, Planner, forget_run
from bulkagent.ledger.rights import Changed, Deed, changed_rows
from bulkagent.ledger.runs import (
    RunFacts,
    endpoints_of,
    find_run,
    find_same,
    keep_totals,
    last_active,
    list_runs,
    totals_of,
    unplanned_since,
)
from bulkagent.ledger.switch_overs import lanes_set_before, put_in_doubt

__all__ = [
    "Changed",
    "Claim",
    "Cluster",
    "Counters",
    "Database",
    "Deed",
    "Endpoint",
    "Group",
    "Journal",
    "Lane",
    "Leg",
    "Matching",
    "Planner",
    "RunFacts",
    "Step",
    "Summary",
    "begin_leg",
    "changed_rows",
    "default_path",
    "endpoints_of",
    "find_run",
    "find_same",
    "finish_leg",
    "forget_run",
    "groups",
    "keep_totals",
    "lanes_set_before",
    "last_active",
    "legs_of",
    "lines",
    "lines_of_agent",
    "list_runs",
    "open_ledger",
    "planned_rows",
    "probe",
    "put_in_doubt",
    "steps",
    "summarise",
    "supersede",
    "totals_of",
    "touched_since",
    "unplanned_since",
]
