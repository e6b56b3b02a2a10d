"""A check: the plan of an apply, without recording anything."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from bulkagent.ledger import CoverageCounter
from bulkagent.model import Status
from bulkagent.roster import Retraction, Roster
from bulkagent.run.clients.credentials import guids_required
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.plan.apply import flag_text, ordered, rules_of, wave_of
from bulkagent.run.plan.counts import PlanCounts
from bulkagent.run.plan.groups import Grouping
from bulkagent.run.plan.protected_agents import protected_by
from bulkagent.run.plan.request import Plan, Request


def check_roster(request: Request, *, stdin: BinaryIO | None = None) -> Plan:
    """Read and check every row of a roster, recording nothing.

    What only `apply` must know may be left out here: the flag, the gateway, and with it
    whether GUIDs are needed. Gateway names are checked where any is configured.

    Raises:
        RosterRefused: As `plan_run` would refuse it.
    """
    gateways = Gateways(request.target, request.settings)
    rules = msgspec.structs.replace(
        rules_of(request, gateways),
        require_flag=False,
        sends=False,
        gateways=gateways.names or None,
        guid_required=guids_required(request.settings, gateways) if request.gateway else None,
    )
    by_part: dict[tuple[str, int | None], int] = {}
    covers = CoverageCounter()
    protected = protected_by(request.settings)
    counts = PlanCounts()
    with Roster(request.roster, rules, stdin=stdin) as roster:
        grouping = Grouping(request.settings.group_by, roster.layout.extra_columns)
        for row in roster.rows():
            if isinstance(row, Retraction):
                untouched = bool(protected.reason(row.gateway, row.agent_id))
                counts.retract(row, protected=untouched)
                by_part[row.gateway, row.flag] -= not untouched
                continue
            counts.rows += 1
            if row.flag is not None and row.status is not Status.DUPLICATE:
                covers.add(grouping.group(row.gateway, row.extra), outgoing=row.flag == 0)
            if row.status is None and protected.reason(row.gateway, row.agent_id):
                counts.protected += 1
            elif row.status is None:
                counts.agents += 1
                key = (row.gateway, row.flag)
                by_part[key] = by_part.get(key, 0) + 1
            elif row.status is Status.DUPLICATE:
                counts.duplicates += 1
            else:
                counts.reject(row.row, row.column, row.reason)
        counts.refuse(skip_invalid=request.skip_invalid, sends=False)
        parts = [(gateway, flag_text(flag), agents) for (gateway, flag), agents in by_part.items()]
        plan = counts.plan(
            "",
            roster.layout,
            sorted(parts, key=lambda part: wave_of(part[1])),
            covers.handing_over() if request.settings.handover else {},
            grouped=bool(request.settings.group_by),
        )
        return ordered(plan, request)
