"""Runs: what is asked for, planned, sent, judged and reported.

What may live here: the composition of roster, ledger, engine, gateways and reports. What this
room must not know: who asked, a terminal or a Python program.
"""

from bulkagent.ledger import RunFilter
from bulkagent.run.agent_telling import AgentDeed, AgentStory, agent_past, agent_story
from bulkagent.run.checking import check_roster
from bulkagent.run.consent import Consent
from bulkagent.run.explaining import Explanation, explain, explanations
from bulkagent.run.finishing import Finished
from bulkagent.run.progress import GatewayProgress, GroupProgress, Progress
from bulkagent.run.pruning import OldRuns, Pruned, old_runs, prune
from bulkagent.run.reporting import write_report
from bulkagent.run.request import (
    EMULATED,
    Choices,
    Plan,
    PlanPart,
    Request,
    Resume,
    Revert,
    RunResult,
    Standing,
    planned_totals,
)
from bulkagent.run.running import Run
from bulkagent.run.telling import RunLine, RunStory, run_list, run_story

__all__ = [
    "EMULATED",
    "AgentDeed",
    "AgentStory",
    "Choices",
    "Consent",
    "Explanation",
    "Finished",
    "GatewayProgress",
    "GroupProgress",
    "OldRuns",
    "Plan",
    "PlanPart",
    "Progress",
    "Pruned",
    "Request",
    "Resume",
    "Revert",
    "Run",
    "RunFilter",
    "RunLine",
    "RunResult",
    "RunStory",
    "Standing",
    "agent_past",
    "agent_story",
    "check_roster",
    "explain",
    "explanations",
    "old_runs",
    "planned_totals",
    "prune",
    "run_list",
    "run_story",
    "write_report",
]
