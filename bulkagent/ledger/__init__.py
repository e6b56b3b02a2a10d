"""The ledger: what was planned, what was dispatched, what came of it, on disk before it is said.

What may live here: all SQL. What this room must not know: gateways, rosters, reports; it is
told plain values and gives back the records of `bulkagent.model`.

- The file: `ledger_file` makes, opens and refuses files, `migration` makes an older ledger a newer,
  `database` is a connection; `schema` has the tables, `formats` those of earlier ledgers,
  `structure` compares a file with them, `location` and `filesystems` say where it may be,
  `file_identity` whether it is still there. No other module knows sqlite3.
- `run_record` is one run in a ledger, which most functions are about; `run_lock` says which process
  is at work on it, `agent_leases` which runs at work have which agents.
- Before a leg: `plan` writes a run's rows with their `lanes` and `endpoints`, `set_aside`
  leaves some of them for good, `portions` counts what is left, `legs` begins and ends a leg.
- During a leg: `journal` records marks and outcomes, `group_commit` makes them durable, `committed`
  counts and tells them; `prefetch` hands out what is left, `redelivery` what was put in doubt.
- Afterwards: `runs` finds runs, `rows` tells what became of their rows, `agent_history` where an
  agent occurs, `previous_rights` what runs did to an agent, `failovers` which agents may have
  lost what was set, `last_words` what other runs did last with a run's agents, `handover_groups`
  how far groups have handed over, `off_already` whom other runs took off, `latency` how fast
  gateways answered, `limit_changes` what they were sent at once, `verifications` whether what was
  set was seen, `roster_match` which rows of two rosters are the same.
- Beside other commands: `shares` has the part of each command in its gateways' limits,
  `open_requests` what earlier legs left at a gateway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.lazy import lazily

if TYPE_CHECKING:
    from bulkagent.ledger.agent_history import HistoryEntry, history_of
    from bulkagent.ledger.agent_leases import (
        InFlight,
        Overlap,
        RunSize,
        drained_for,
        give_back,
        has_lease,
        in_flight,
        leave_to,
        note_take_over,
        overlaps,
        release_lease,
        run_size,
        shared_agents,
        take_from,
        take_lease,
    )
    from bulkagent.ledger.committed import Callbacks
    from bulkagent.ledger.counters import Counters
    from bulkagent.ledger.coverage import CoverageCounter, GroupCoverage
    from bulkagent.ledger.damage import read_as_written, strange_row
    from bulkagent.ledger.database import Busy, Database
    from bulkagent.ledger.deletion import forget_run, idle_since, prune_run
    from bulkagent.ledger.endpoints import EndpointRecord, endpoints_of
    from bulkagent.ledger.failovers import lanes_set_before, put_in_doubt
    from bulkagent.ledger.file_identity import FileIdentity
    from bulkagent.ledger.handover_groups import (
        HandoverGroup,
        absent_rows,
        applied_incoming,
        contested,
        down_already,
        groups_of,
        same_groups,
        up_already,
    )
    from bulkagent.ledger.journal import Journal
    from bulkagent.ledger.lanes import Lane
    from bulkagent.ledger.latency import GatewayLatency, last_latency
    from bulkagent.ledger.ledger_file import open_ledger, read_ledger, rehearse
    from bulkagent.ledger.legs import (
        Leg,
        begin_leg,
        elapsed_ms_of,
        finish_leg,
        halted_at,
        latest_turn,
        legs_of,
        sign_leg,
    )
    from bulkagent.ledger.limit_changes import LimitChange, limit_changes_of
    from bulkagent.ledger.location import default_path, exposure, probe
    from bulkagent.ledger.off_already import OffAlready, taken_off
    from bulkagent.ledger.open_requests import requests_at_work
    from bulkagent.ledger.outcome_groups import CommonEnding, ConnectionFailure, OutcomeGroup
    from bulkagent.ledger.plan import Planner
    from bulkagent.ledger.portions import AppliedPart, Portion, applied_parts, portions_of
    from bulkagent.ledger.previous_rights import (
        AgentAction,
        ChangedRow,
        agents_set_at,
        changed_rows,
    )
    from bulkagent.ledger.redelivery import FormerOutcome
    from bulkagent.ledger.roster_match import RosterMatch, moved_rows, same_rows
    from bulkagent.ledger.rows import (
        AttemptRecord,
        LeftOutRow,
        Summary,
        assigned,
        attempts_of,
        first_planned,
        left_out,
        lines,
        lines_of_agent,
        planned_rows,
        summarise,
    )
    from bulkagent.ledger.run_lock import (
        RunLock,
        ask_to_drain,
        has_acknowledged,
        is_locked,
        owner_of,
        withdraw_request,
    )
    from bulkagent.ledger.run_record import RunRecord
    from bulkagent.ledger.runs import (
        RunFacts,
        RunFilter,
        find_of_earlier,
        find_run,
        find_same,
        idle_s,
        keep_totals,
        list_runs,
        totals_of,
        unplanned_since,
    )
    from bulkagent.ledger.set_aside import (
        LeftTo,
        leave_to_persons,
        left_to,
        protect,
        set_otherwise,
        supersede,
    )
    from bulkagent.ledger.shares import (
        Share,
        give_up_shares,
        shares_at,
        take_shares,
        updating_shares,
    )
    from bulkagent.ledger.verifications import (
        AppliedRow,
        VerificationCounts,
        applied_among,
        keep_verifications,
        row_of,
        verification_counts,
        verified_rows,
    )

# fmt: off
__all__ = [
    "AgentAction", "AppliedPart", "AppliedRow", "AttemptRecord", "Busy", "Callbacks", "ChangedRow",
    "CommonEnding", "ConnectionFailure", "Counters", "CoverageCounter", "Database",
    "EndpointRecord", "FileIdentity", "FormerOutcome", "GatewayLatency", "GroupCoverage",
    "HandoverGroup", "HistoryEntry", "InFlight", "Journal", "Lane", "LeftOutRow", "LeftTo",
    "Leg",
    "LimitChange", "OffAlready", "OutcomeGroup", "Overlap", "Planner", "Portion", "RosterMatch",
    "RunFacts",
    "RunFilter", "RunLock", "RunRecord", "RunSize", "Share", "Summary",
    "VerificationCounts", "absent_rows", "agents_set_at", "applied_among", "applied_incoming",
    "applied_parts", "ask_to_drain", "assigned", "attempts_of", "begin_leg", "changed_rows",
    "contested", "default_path", "down_already", "drained_for", "elapsed_ms_of", "endpoints_of",
    "exposure",
    "find_of_earlier", "find_run", "find_same", "finish_leg", "first_planned", "forget_run",
    "give_back", "give_up_shares", "groups_of", "halted_at", "has_acknowledged", "has_lease",
    "history_of", "idle_s", "idle_since", "in_flight", "is_locked", "keep_totals",
    "keep_verifications", "lanes_set_before", "last_latency", "latest_turn", "leave_to",
    "leave_to_persons", "left_out", "left_to", "legs_of", "limit_changes_of", "lines",
    "lines_of_agent", "list_runs", "moved_rows", "note_take_over", "open_ledger", "overlaps",
    "owner_of", "planned_rows", "portions_of", "probe", "protect", "prune_run", "put_in_doubt",
    "read_as_written", "read_ledger", "rehearse", "release_lease", "requests_at_work", "row_of",
    "run_size", "same_groups", "same_rows", "set_otherwise", "shared_agents", "shares_at",
    "sign_leg", "strange_row", "summarise", "supersede",
    "take_from", "take_lease", "take_shares", "taken_off", "totals_of", "unplanned_since",
    "up_already", "updating_shares",
    "verification_counts", "verified_rows", "withdraw_request",
]
# fmt: on

_HOMES = {
    "bulkagent.ledger.agent_history": ("HistoryEntry", "history_of"),
    "bulkagent.ledger.agent_leases": (
        "InFlight",
        "Overlap",
        "RunSize",
        "drained_for",
        "give_back",
        "has_lease",
        "in_flight",
        "leave_to",
        "note_take_over",
        "overlaps",
        "release_lease",
        "run_size",
        "shared_agents",
        "take_from",
        "take_lease",
    ),
    "bulkagent.ledger.committed": ("Callbacks",),
    "bulkagent.ledger.counters": ("Counters",),
    "bulkagent.ledger.coverage": ("CoverageCounter", "GroupCoverage"),
    "bulkagent.ledger.damage": ("read_as_written", "strange_row"),
    "bulkagent.ledger.database": ("Busy", "Database"),
    "bulkagent.ledger.deletion": ("forget_run", "idle_since", "prune_run"),
    "bulkagent.ledger.file_identity": ("FileIdentity",),
    "bulkagent.ledger.handover_groups": (
        "HandoverGroup",
        "absent_rows",
        "applied_incoming",
        "contested",
        "down_already",
        "groups_of",
        "same_groups",
        "up_already",
    ),
    "bulkagent.ledger.journal": ("Journal",),
    "bulkagent.ledger.latency": ("GatewayLatency", "last_latency"),
    "bulkagent.ledger.ledger_file": ("open_ledger", "read_ledger", "rehearse"),
    "bulkagent.ledger.legs": (
        "Leg",
        "begin_leg",
        "elapsed_ms_of",
        "finish_leg",
        "halted_at",
        "latest_turn",
        "legs_of",
        "sign_leg",
    ),
    "bulkagent.ledger.limit_changes": ("LimitChange", "limit_changes_of"),
    "bulkagent.ledger.location": ("default_path", "exposure", "probe"),
    "bulkagent.ledger.off_already": ("OffAlready", "taken_off"),
    "bulkagent.ledger.open_requests": ("requests_at_work",),
    "bulkagent.ledger.plan": ("Planner",),
    "bulkagent.ledger.endpoints": ("EndpointRecord", "endpoints_of"),
    "bulkagent.ledger.lanes": ("Lane",),
    "bulkagent.ledger.portions": ("AppliedPart", "Portion", "applied_parts", "portions_of"),
    "bulkagent.ledger.previous_rights": (
        "AgentAction",
        "ChangedRow",
        "agents_set_at",
        "changed_rows",
    ),
    "bulkagent.ledger.redelivery": ("FormerOutcome",),
    "bulkagent.ledger.roster_match": ("RosterMatch", "moved_rows", "same_rows"),
    "bulkagent.ledger.outcome_groups": ("CommonEnding", "ConnectionFailure", "OutcomeGroup"),
    "bulkagent.ledger.rows": (
        "AttemptRecord",
        "LeftOutRow",
        "Summary",
        "assigned",
        "attempts_of",
        "first_planned",
        "left_out",
        "lines",
        "lines_of_agent",
        "planned_rows",
        "summarise",
    ),
    "bulkagent.ledger.run_lock": (
        "RunLock",
        "ask_to_drain",
        "has_acknowledged",
        "is_locked",
        "owner_of",
        "withdraw_request",
    ),
    "bulkagent.ledger.run_record": ("RunRecord",),
    "bulkagent.ledger.runs": (
        "RunFacts",
        "RunFilter",
        "find_of_earlier",
        "find_run",
        "find_same",
        "idle_s",
        "keep_totals",
        "list_runs",
        "totals_of",
        "unplanned_since",
    ),
    "bulkagent.ledger.set_aside": (
        "LeftTo",
        "leave_to_persons",
        "left_to",
        "protect",
        "set_otherwise",
        "supersede",
    ),
    "bulkagent.ledger.shares": (
        "Share",
        "give_up_shares",
        "shares_at",
        "take_shares",
        "updating_shares",
    ),
    "bulkagent.ledger.failovers": ("lanes_set_before", "put_in_doubt"),
    "bulkagent.ledger.verifications": (
        "AppliedRow",
        "VerificationCounts",
        "applied_among",
        "keep_verifications",
        "row_of",
        "verification_counts",
        "verified_rows",
    ),
}

__getattr__ = lazily(__name__, _HOMES)
