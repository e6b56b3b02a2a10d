"""Runs: what is asked for, planned, sent, judged and reported.

What may live here: the composition of roster, ledger, engine, gateways and reports, at most eight
modules; what they are composed of is in the folders. What this room must not know: whether a
terminal or a Python program asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.lazy import lazily

if TYPE_CHECKING:
    from bulkagent.explanations import Explanation, explain, explanations
    from bulkagent.ledger import RunFilter
    from bulkagent.run.clients.target import EMULATED, Target
    from bulkagent.run.finish import Finished
    from bulkagent.run.history.agents import (
        AgentDetails,
        AgentRunLine,
        agent_details,
        agent_run_lines,
    )
    from bulkagent.run.history.prune import OldRuns, Pruned, old_runs, prune
    from bulkagent.run.history.report import write_report
    from bulkagent.run.history.runs import RunDetails, RunLine, run_details, run_list
    from bulkagent.run.plan.check import check_roster
    from bulkagent.run.plan.consent import Consent
    from bulkagent.run.plan.request import (
        Choices,
        Plan,
        PlanPart,
        Request,
        Resume,
        Revert,
        RunResult,
        RunStanding,
        planned_totals,
    )
    from bulkagent.run.prepared import PreparedRun
    from bulkagent.run.run import Run
    from bulkagent.run.send.progress import GatewayProgress, GroupProgress, Progress

__all__ = [
    "EMULATED",
    "AgentDetails",
    "AgentRunLine",
    "Choices",
    "Consent",
    "Explanation",
    "Finished",
    "GatewayProgress",
    "GroupProgress",
    "OldRuns",
    "Plan",
    "PlanPart",
    "PreparedRun",
    "Progress",
    "Pruned",
    "Request",
    "Resume",
    "Revert",
    "Run",
    "RunDetails",
    "RunFilter",
    "RunLine",
    "RunResult",
    "RunStanding",
    "Target",
    "agent_details",
    "agent_run_lines",
    "check_roster",
    "explain",
    "explanations",
    "old_runs",
    "planned_totals",
    "prune",
    "run_details",
    "run_list",
    "write_report",
]

_HOMES = {
    "bulkagent.explanations": ("Explanation", "explain", "explanations"),
    "bulkagent.ledger": ("RunFilter",),
    "bulkagent.run.clients.target": ("EMULATED", "Target"),
    "bulkagent.run.finish": ("Finished",),
    "bulkagent.run.history.agents": (
        "AgentDetails",
        "AgentRunLine",
        "agent_details",
        "agent_run_lines",
    ),
    "bulkagent.run.history.prune": ("OldRuns", "Pruned", "old_runs", "prune"),
    "bulkagent.run.history.report": ("write_report",),
    "bulkagent.run.history.runs": ("RunDetails", "RunLine", "run_details", "run_list"),
    "bulkagent.run.plan.check": ("check_roster",),
    "bulkagent.run.plan.consent": ("Consent",),
    "bulkagent.run.plan.request": (
        "Choices",
        "Plan",
        "PlanPart",
        "Request",
        "Resume",
        "Revert",
        "RunResult",
        "RunStanding",
        "planned_totals",
    ),
    "bulkagent.run.prepared": ("PreparedRun",),
    "bulkagent.run.run": ("Run",),
    "bulkagent.run.send.progress": ("GatewayProgress", "GroupProgress", "Progress"),
}

__getattr__ = lazily(__name__, _HOMES)
