"""Runs: what is asked for, planned, sent, judged and reported.

What may live here: the composition of roster, ledger, engine, gateways and reports. What this
room must not know: who asked, a terminal or a Python program.
"""

from bulkagent.run.finishing import Finished
from bulkagent.run.planning import check_roster
from bulkagent.run.reporting import write_report
from bulkagent.run.request import (
    EMULATED,
    Plan,
    PlanPart,
    Progress,
    Request,
    RunResult,
    planned_totals,
)
from bulkagent.run.running import Run

__all__ = [
    "EMULATED",
    "Finished",
    "Plan",
    "PlanPart",
    "Progress",
    "Request",
    "Run",
    "RunResult",
    "check_roster",
    "planned_totals",
    "write_report",
]
