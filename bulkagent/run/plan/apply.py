"""From a roster to a plan in the ledger, before anything is sent."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from bulkagent.errors import (
    LedgerUnavailable,
    RosterRefused,
    SettingsRefused,
)
from bulkagent.files.user_folders import absolute, current_folder
from bulkagent.gateway.credentials import PackedGuids
from bulkagent.gateway.operations import SET_TALK_RIGHT, talk_right
from bulkagent.ledger import Database, Lane, Planner, RunLock, RunRecord, forget_run
from bulkagent.model import Cause, Status
from bulkagent.roster import Layout, Retraction, Roster, RosterRules
from bulkagent.run.clients.credentials import guids_required
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.plan.counts import PlanCounts
from bulkagent.run.plan.fingerprint import Fingerprint
from bulkagent.run.plan.groups import Grouping
from bulkagent.run.plan.protected_agents import Protected, protected_by, refuse_numbers
from bulkagent.run.plan.request import Plan, Request
from bulkagent.run.plan.run_order import order_of


class Planned(msgspec.Struct):
    """A plan that is in the ledger, with the GUIDs and the owner, which are not in there."""

    plan: Plan
    run: int
    lanes: tuple[Lane, ...]
    """With what is left to send of each."""
    guids: PackedGuids
    fingerprint: str
    locks: tuple[RunLock, ...]
    """The run's own, and that of a run that it concerns."""
    planned_at: int = 0
    """Time of day of the plan."""
    planned_turn: int | None = None
    """The turn of the last leg of any run that had begun by then."""
    new: bool = True
    """Whether it came into the ledger by this plan, so that discarding takes it out again."""
    answered: frozenset[str] = frozenset()
    """The gateways that have answered within this run before."""
    applied: frozenset[str] = frozenset()
    """The gateways at which agents have been applied within this run before."""
    rivals: Mapping[str, int] | None = None
    """The runs of the same roster, by ID, and how many legs each had when this was planned: with
    one more of either this may not begin. None: it may, whatever they do."""
    latest: int | None = None
    """The latest run of the same roster, whose agents this one sets anew; None: there is none."""
    resends: bool = True
    """Whether agents who were set before a failover may be sent once more. They may not where only
    some agents are wanted, or only some have GUIDs."""

    @property
    def names(self) -> list[str]:
        """The gateways that something is sent to, each once."""
        return list(dict.fromkeys(lane.gateway for lane in self.lanes))

    def release(self) -> None:
        """Let others have the run."""
        for lock in self.locks:
            lock.release()


def rules_of(request: Request, gateways: Gateways) -> RosterRules:
    """How the roster of a request is to be read."""
    return RosterRules(
        encoding=request.encoding,
        delimiter=request.delimiter,
        agent_column=request.agent_column,
        flag=request.flag,
        agent_id_range=request.settings.agent_id_range,
        agent_id_ranges=request.settings.agent_id_ranges,
        gateways=gateways.names,
        default_gateway=gateways.default,
        # Without a gateway that is what is wrong, and it is said first: see `_refuse_layout`.
        guid_required=guids_required(request.settings, gateways) if gateways.default else None,
        sends=True,
    )


def plan_run(
    request: Request,
    gateways: Gateways,
    database: Database,
    *,
    now_ms: int,
    stdin: BinaryIO | None = None,
) -> Planned:
    """Read, check and record every row of the roster.

    A plan that is refused leaves nothing in the ledger.

    Raises:
        RosterRefused: The roster cannot be used, or has invalid rows that were not to be skipped.
        GuardrailRefused: It has more agents than allowed.
        SettingsRefused: It has rows without a gateway, or a gateway's settings cannot be used.
        LedgerUnavailable: The ledger does not take the plan.
    """
    protected = protected_by(request.settings)
    with Roster(request.roster, rules_of(request, gateways), stdin=stdin) as roster:
        _refuse_layout(
            roster.layout, gateways, guids_required=guids_required(request.settings, gateways)
        )
        planner = Planner(
            database,
            operation=SET_TALK_RIGHT.name,
            roster=recorded_roster(request.roster),
            extra_columns=roster.layout.extra_columns,
            wave_of=wave_of if request.settings.handover else None,
            settings=_recorded(request, gateways),
            now_ms=now_ms,
            job=request.settings.job,
        )
        try:
            counts = PlanCounts()
            guids = PackedGuids()
            seen = Fingerprint()
            keep_guids = guids_required(request.settings, gateways)
            grouping = Grouping(request.settings.group_by, roster.layout.extra_columns)
            _record(
                *(roster, planner, counts, guids, seen),
                grouping=grouping,
                protected=protected,
                keep_guids=keep_guids,
            )
            _refuse(request, counts, planner)
            fingerprint = seen.hexdigest()
            names = planner.gateways
            gateways.check(names)
            lanes = planner.planned(
                now_ms, fingerprint=fingerprint, endpoints=gateways.record(names)
            )
        except BaseException:
            # A ledger that takes not even this may be the reason; without its mark it is no run.
            with contextlib.suppress(LedgerUnavailable):
                forget_run(RunRecord(database, planner.run))
            planner.lock.release()
            raise
        plan = counts.plan(
            planner.run_id,
            roster.layout,
            planner.parts,
            planner.coverage,
            grouped=bool(request.settings.group_by),
        )
        plan = ordered(plan, request)
        return Planned(plan, planner.run, lanes, guids, fingerprint, (planner.lock,))


def ordered(plan: Plan, request: Request) -> Plan:
    """A plan that says in which order it is carried out."""
    flags = {part.flag for part in plan.parts}
    order = order_of(request.settings, len(plan.groups), flags)
    return msgspec.structs.replace(plan, order=order)


def _record(
    roster: Roster,
    planner: Planner,
    counts: PlanCounts,
    guids: PackedGuids,
    seen: Fingerprint,
    *,
    grouping: Grouping,
    protected: Protected,
    keep_guids: bool,
) -> None:
    for row in roster.rows():
        if isinstance(row, Retraction):
            counts.retract(row, protected=bool(protected.reason(row.gateway, row.agent_id)))
            planner.retract(row.row, row.reason)
            seen.take_back(row.gateway, row.agent_id, flag_text(row.flag))
            continue
        counts.rows += 1
        arguments = flag_text(row.flag)
        if row.status is None:
            seen.add(row.gateway, row.agent_id, arguments)
        group = grouping.group(row.gateway, row.extra)
        if row.status is None and (reason := protected.reason(row.gateway, row.agent_id)):
            counts.protected += 1
            planner.reject(
                *(row.row, row.agent_id, row.gateway, arguments, row.extra),
                status=Status.NOT_ATTEMPTED,
                cause=Cause.PROTECTED,
                reason=reason,
                group=group,
            )
            continue
        if row.status is None:
            counts.agents += 1
            if not row.gateway:
                counts.nowhere += 1
            planner.assign(row.row, row.agent_id, row.gateway, arguments, row.extra, group=group)
            if keep_guids:
                guids.add(row.row, row.guid)
            continue
        if row.status is Status.DUPLICATE:
            counts.duplicates += 1
        else:
            counts.reject(row.row, row.column, row.reason)
        planner.reject(
            row.row,
            row.agent_id,
            row.gateway,
            arguments,
            row.extra,
            status=row.status,
            reason=row.reason,
            group=group,
        )


def _refuse_layout(layout: Layout, gateways: Gateways, *, guids_required: bool) -> None:
    """Refuse a roster that names no gateway where nothing else does, and one without GUIDs."""
    if gateways.default:
        return
    if not layout.has_gateway:
        raise SettingsRefused(
            "no gateway is given; name the roster's gateway with --gateway, or add a gateway column"
        )
    if guids_required and not layout.has_guid:
        raise RosterRefused(
            "the roster has no guid column, and nothing else supplies GUIDs; add one, or give"
            " --sessions FILE or --guid-url URL"
        )


def _refuse(request: Request, counts: PlanCounts, planner: Planner) -> None:
    counts.refuse(skip_invalid=request.skip_invalid)
    if counts.nowhere:
        raise SettingsRefused(
            f"{counts.nowhere:,} {'row names' if counts.nowhere == 1 else 'rows name'} no gateway;"
            " give theirs with --gateway",
            totals=counts.totals(),
        )
    agents = [(gateway, number) for gateway, _, number in planner.parts]
    refuse_numbers(agents, request.settings, what="the roster", totals=counts.totals())


def wave_of(arguments: str) -> int:
    """Which wave arguments are sent in: incoming agents before outgoing ones."""
    return SET_TALK_RIGHT.waves.get(arguments, 0)


def flag_text(flag: int | None) -> str:
    """The arguments of a flag, "" where there is none."""
    return "" if flag is None else talk_right(flag)


def recorded_roster(roster: str) -> str:
    """A roster's path as the ledger keeps it: found again from any folder."""
    if roster == "-":
        return roster
    return os.path.normpath(absolute(Path(roster)))


def _recorded(request: Request, gateways: Gateways) -> Mapping[str, object]:
    """What the ledger keeps of a request: what was asked for, and all that a resume needs."""
    settings = msgspec.to_builtins(request.settings.own)
    return {
        "gateway": request.gateway,
        "default_gateway": gateways.default,
        "flag": request.flag,
        "skip_invalid": request.skip_invalid,
        "insecure": request.insecure,
        "encoding": request.encoding,
        "delimiter": request.delimiter,
        "agent_column": request.agent_column,
        "scenario": str(absolute(request.scenario)) if request.scenario else None,
        "reports": [str(absolute(report)) for report in request.reports],
        "folder": str(current_folder() or ""),
        **settings,
    }
