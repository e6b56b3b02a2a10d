"""Runs: what is asked for, planned, sent, judged and reported.

What may live here: the composition of roster, ledger, engine, gateways and reports. What this
room must not know: who asked, a terminal or a Python program.
"""

from bulkagent.run.checking import check_roster
from bulkagent.run.finishing import Finished
from bulkagent.run.reporting import write_report
from bulkagent.run.request import (
    EMULATED,
    Choices,
    Plan,
    PlanPart,
    Progress,
    Request,
    Resume,
    Revert,
    RunResult,
    Standing,
    planned_totals,
)
from bulkagent.run.running import Run
from bulkagent.run.telling import (
    AgentStory,
    RunLine,
    RunStory,
    agent_story,
    run_list,
    run_story,
)

__all__ = [
    "EMULATED",
    "AgentStory",
    "Choices",
    "Finished",
    "Plan",
    "PlanPart",
    "Progress",
    "Request",
    "Resume",
    "Revert",
    "Run",
    "RunLine",
    "RunResult",
    "RunStory",
    "Standing",
    "agent_story",
    "check_roster",
    "planned_totals",
    "run_list",
    "run_story",
    "write_report",
]
