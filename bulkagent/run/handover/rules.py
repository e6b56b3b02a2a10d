"""The gates of a leg, as the ledger and the settings want them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from bulkagent.clock import Clock
from bulkagent.engine import (
    Coverage,
    End,
    GatedLane,
    Gatekeeper,
    GateResult,
    GateTerms,
    PollPolicy,
    Side,
    needed,
)
from bulkagent.gateway.faults import FAULTS
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.lane_keys import LaneKey
from bulkagent.ledger import (
    HandoverGroup,
    Lane,
    OffAlready,
    RunRecord,
    contested,
    down_already,
    groups_of,
    taken_off,
)
from bulkagent.model import Cause, Evidence, Outcome, Status
from bulkagent.settings import Settings

_GUESTS_A_SECOND = 50.0
"""Attempts a second of agents who are waited for, where no rate is set; else half of that."""


NOBODY = OffAlready({}, {})


def taken_off_before(
    record: RunRecord,
    lanes: Sequence[Lane],
    settings: Settings,
    *,
    only: Collection[Cause],
    now_ms: int,
) -> OffAlready:
    """Find the agents whom other runs took off before, where a floor has to know it. Blocks.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    if settings.floor is None or not any(lane.goes_off for lane in lanes) or not groups_of(record):
        return NOBODY
    trusted_ms = round(settings.trust_state_s * 1000)
    return taken_off(record, only, now_ms=now_ms, trusted_ms=trusted_ms)


def gatekeeper_for(
    record: RunRecord,
    lanes: Sequence[Lane],
    settings: Settings,
    *,
    only: Collection[Cause],
    off: OffAlready = NOBODY,
    clock: Clock,
    held_back: Callable[[str, End], None],
) -> Gatekeeper | None:
    """The gates of what is left to send of a run; None where nothing is held back. Blocks.

    Args:
        record: The run.
        lanes: What is left to send.
        settings: Gate, floor and canaries among them.
        only: Only what ended with one of these causes is sent; none: whatever the cause.
        off: The agents whom other runs took off before.
        clock: Time.
        held_back: Called once for each group that is held back for good, with why.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    groups = groups_of(record)
    now_ms = clock.wall_ms()
    doubtful = contested(record, now_ms=now_ms, timeout_s=settings.timeout_s)
    if not (groups or doubtful or settings.canary or settings.group_by):
        return None
    down = down_already(record, only) if groups else {}
    start = clock.monotonic()
    gated_lanes = [
        gated_lane
        for lane in lanes
        for gated_lane in _gated_lanes(
            lane,
            down.get(lane.lane, 0) + len(off.rows.get(lane.lane, ())),
            hands_over=bool(groups),
            # Whatever was asked for last may still take effect after what is asked for now.
            not_before=start + (doubtful[lane.lane] - now_ms) / 1000
            if lane.lane in doubtful
            else -math.inf,
        )
    ]
    coverage_of = {
        group.group: Coverage(
            incoming=group.incoming,
            outgoing=group.outgoing,
            # An agent who is set on may have left the desk since: each is looked at anew.
            up=0 if settings.up_means == "available" else group.up,
            down=group.down + off.down.get(group.group, 0),
        )
        for group in groups
    }
    terms = GateTerms(
        gate=settings.gate, floor=settings.floor, allow_closing=settings.allow_closing
    )
    return Gatekeeper(
        gated_lanes,
        coverage_of,
        terms,
        canaries=settings.canary,
        by_sight=settings.up_means == "available",
        held_back=held_back,
    )


def _gated_lanes(
    lane: Lane, down: int, *, hands_over: bool, not_before: float
) -> Sequence[GatedLane]:
    side = Side.NEITHER
    if hands_over and not lane.so_already:
        side = Side.GOES_OFF if lane.goes_off else Side.COMES_ON
    whole = GatedLane(
        lane=lane.lane, group=lane.group, rows=lane.assignments, side=side, not_before=not_before
    )
    if side is not Side.GOES_OFF or not down:
        return (whole,)
    # An agent who may be off already is among those of D; sending again takes nobody off.
    twin = msgspec.structs.replace(whole, lane=LaneKey.in_doubt(lane.lane), rows=down, counted=True)
    rest = lane.assignments - down
    return (twin, msgspec.structs.replace(whole, rows=rest)) if rest > 0 else (twin,)


def lanes_of(lanes: Sequence[Lane], gatekeeper: Gatekeeper | None) -> Mapping[str, list[int]]:
    """The lanes of each gateway as its bulkhead works them off."""
    found: dict[str, list[int]] = {}
    for lane in lanes:
        keys = [lane.lane]
        if gatekeeper is not None:
            keys = [
                key for key in (LaneKey.in_doubt(lane.lane), lane.lane) if gatekeeper.knows(key)
            ]
        found.setdefault(lane.gateway, []).extend(keys)
    return found


def result_of(outcome: Outcome, settings: Settings, *, goes_off: bool) -> GateResult:
    """What an outcome means for gates and canaries."""
    known = RETCODES.get(outcome.disposition) or _FAULTS.get(outcome.disposition)
    # Of what may be about one agent alone, one agent is no evidence.
    told = known is not None and known.evidence is Evidence.SETUP and known.lasting is None
    misled = told and outcome.cause is not None
    return GateResult(
        applied=outcome.status is Status.APPLIED,
        off=outcome.status in _OFF or outcome.cause is Cause.NOT_SIGNED_IN,
        aside=settings.absent_ok and goes_off and outcome.absent,
        misled=str(outcome.cause) if misled else "",
    )


def is_aside(outcome: Outcome) -> bool:
    """Whether halt rules leave an outcome aside, for it is about its agent alone."""
    known = RETCODES.get(outcome.disposition) or _FAULTS.get(outcome.disposition)
    personal = known is not None and known.evidence is Evidence.PERSONAL
    return personal and outcome.status not in _OFF


def poll_policy_of(
    settings: Settings, per_second: float | None, spent_s: float
) -> PollPolicy | None:
    """How long, and how gently, agents who are not signed in are polled for."""
    if settings.wait_for_sign_in_s is None or settings.wait_for_sign_in_s <= spent_s:
        return None
    return PollPolicy(
        window_s=settings.wait_for_sign_in_s - spent_s,
        per_second=per_second / 2 if per_second else _GUESTS_A_SECOND,
    )


def group_name(group: str, settings: Settings) -> str:
    """What people call a group; "" where there is only one."""
    return (group or "(none)") if settings.group_by else ""


_FAULTS = {fault.value: disposition for fault, disposition in FAULTS.items()}

_OFF = frozenset({Status.APPLIED, Status.UNKNOWN})


class GroupStanding(msgspec.Struct, frozen=True):
    """How one group of a handover stands, with the rule's own numbers."""

    name: str
    counts: HandoverGroup
    gate: int
    """How many incoming agents must be up."""
    floor: int
    """How many agents must be left; 0: any number."""
    taken_off: int = 0
    """How many outgoing agents other runs have taken off, and not this one."""

    def seen(self, up: int, *, taken_off: int) -> GroupStanding:
        """The same with what was found out beside the run's own rows.

        Args:
            up: How many incoming agents are up.
            taken_off: How many outgoing agents other runs have taken off, and not this one.
        """
        counts = msgspec.structs.replace(self.counts, up=up)
        return msgspec.structs.replace(self, counts=counts, taken_off=taken_off)

    @property
    def done(self) -> bool:
        """Whether all who go off are off."""
        return self.counts.off >= self.counts.outgoing


def group_standings(record: RunRecord, settings: Settings) -> tuple[GroupStanding, ...]:
    """Every group of a handover, by name; none where a run is none.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    return tuple(
        GroupStanding(
            group_name(group.group, settings),
            group,
            needed(settings.gate, group.incoming),
            0 if settings.floor is None else needed(settings.floor, group.outgoing),
        )
        for group in groups_of(record)
    )
