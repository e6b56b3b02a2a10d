"""The gates of one leg: which items may be dispatched, by the state of all groups now.

What has ended is told once it is on disk; what is taken counts from the step in which it is
allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from bulkagent.engine.gates.canary import Canaries, spread
from bulkagent.engine.gates.gate import Admits, NotYet
from bulkagent.engine.gates.gated_lane import GatedLane, GateResult, LaneProgress, Side
from bulkagent.engine.gates.halt_rules import End, Go
from bulkagent.engine.gates.handover import Coverage, GateTerms, may_leave
from bulkagent.lane_keys import LaneKey
from bulkagent.model import Cause

_GO = Go()
_NOT_YET = NotYet()


class Gatekeeper:
    """Answers for every lane of a leg.

    Args:
        lanes: The lanes.
        groups: The groups that hand over, by name; they are counted on from here.
        terms: Gate and floor.
        canaries: So many items go first; 0: none do.
        by_sight: Whether an agent is up only once `seen`, and not already when it is applied.
        held_back: Called once for each group that is held back for good, with why; with "" for all.
    """

    def __init__(
        self,
        lanes: Iterable[GatedLane],
        groups: Mapping[str, Coverage],
        terms: GateTerms,
        *,
        canaries: int = 0,
        by_sight: bool = False,
        held_back: Callable[[str, End], None] | None = None,
    ) -> None:
        self._lanes = {gated.lane: LaneProgress(gated) for gated in lanes}
        self._groups = dict(groups)
        self._members: dict[str, list[LaneProgress]] = {}
        for progress in self._lanes.values():
            self._members.setdefault(progress.gated.group, []).append(progress)
        self._terms = terms
        self.by_sight = by_sight and bool(groups)
        """Whether an agent is up only once `seen`."""
        self._watched = dict.fromkeys(self._groups, 0)
        self._held_back = held_back
        self._said: set[tuple[str, Cause]] = set()
        self._listeners: list[Callable[[Collection[int]], None]] = []
        self._changed: set[str] = set()
        self._canaries = Canaries() if canaries else None
        self._asides = 0
        self._failed: End | None = None
        for name in self._groups:
            self._recount(name)
        if canaries:
            first = self._first()
            for progress, quota in zip(
                first, spread(canaries, [progress.gated.rows for progress in first]), strict=True
            ):
                progress.quota = quota

    def __repr__(self) -> str:
        waits = ", canaries first" if self._canaries else ""
        return f"<Gatekeeper: {len(self._lanes)} lanes, {len(self._groups)} groups{waits}>"

    def _first(self) -> list[LaneProgress]:
        """The lanes that canaries are of: of a handover, those who come on."""
        members = sorted(self._lanes.values(), key=lambda progress: progress.gated.lane)
        coming = [progress for progress in members if progress.gated.side is Side.COMES_ON]
        return coming or members

    @property
    def up(self) -> Mapping[str, int]:
        """How many of each group are up."""
        return {name: coverage.up for name, coverage in self._groups.items()}

    @property
    def groups(self) -> Mapping[str, Coverage]:
        """How each group stands, as it changes; not to be changed by anybody else."""
        return self._groups

    @property
    def held(self) -> frozenset[str]:
        """The groups that are held back for good."""
        return frozenset(group for group, _ in tuple(self._said))

    def knows(self, lane: int) -> bool:
        """Whether it is one of its lanes."""
        return lane in self._lanes

    def opens_in(self, now: float) -> float:
        """Seconds until no lane waits for a time of the clock any more; 0: none does."""
        return max([0.0, *(progress.gated.not_before - now for progress in self._lanes.values())])

    def group(self, lane: int) -> str:
        """Lanes of one group share their turns."""
        return self._lanes[lane].gated.group

    def listen(self, call: Callable[[Collection[int]], None]) -> None:
        """Call with lanes about which the answer may have changed."""
        self._listeners.append(call)

    def ask(self, lane: int, now: float) -> Admits:
        """Whether the lane may give one item now."""
        progress = self._lanes[lane]
        gated = progress.gated
        if progress.end is not None:
            return progress.end
        if self._failed is not None:
            return self._held(progress, self._failed)
        if now < gated.not_before:
            return NotYet(gated.not_before)
        if self._canaries is not None and progress.taken >= progress.quota:
            return _NOT_YET
        if progress.taken >= gated.rows:
            return _GO  # to hear that there is nothing left, which needs no leave
        admits = self._may_leave(gated)
        return self._held(progress, admits) if isinstance(admits, End) else admits

    def _may_leave(self, gated: GatedLane) -> Admits:
        coverage = self._groups.get(gated.group)
        if gated.side is not Side.GOES_OFF or coverage is None:
            return _GO
        return may_leave(coverage, self._terms, counted=gated.counted)

    def _held(self, progress: LaneProgress, end: End) -> End:
        progress.end = end
        group = "" if end.cause is Cause.CANARY else progress.gated.group
        if self._held_back is not None and (group, end.cause) not in self._said:
            self._said.add((group, end.cause))
            self._held_back(group, end)
        return end

    def taken(self, lane: int) -> None:
        """One item is taken, or is about to be."""
        self._take(self._lanes[lane], 1)

    def returned(self, lane: int) -> None:
        """There was none to take after all."""
        self._take(self._lanes[lane], -1)
        self._judge_canaries()  # the lane may have been closed before
        self.announce()

    def _take(self, progress: LaneProgress, number: int) -> None:
        progress.taken += number
        gated = progress.gated
        coverage = self._groups.get(gated.group)
        if coverage is None:
            return
        if gated.side is Side.GOES_OFF and not gated.counted:
            coverage.down += number
        self._recount(gated.group)

    def closed(self, lane: int) -> None:
        """Nothing more of the lane will be taken."""
        progress = self._lanes[lane]
        if not progress.closed:
            progress.closed = True
            self._recount(progress.gated.group)
            self._judge_canaries()
            self.announce()

    def awaits(self, lane: int, number: int) -> None:
        """So many items more of the lane wait in the absent queue; -1: one fewer."""
        if self._canaries is not None and self._lanes[lane].quota:
            self._asides += number
            self._judge_canaries()
            self.announce()

    def ended(self, lane: int, result: GateResult) -> None:
        """One item has ended, and that is on disk; to be followed by `announce`."""
        progress = self._lanes[lane]
        progress.ended += 1
        gated = progress.gated
        coverage = self._groups.get(gated.group)
        if coverage is not None:
            if gated.side is Side.COMES_ON:
                if self.by_sight:
                    self._watched[gated.group] += result.applied
                else:
                    coverage.up += result.applied - result.counted
            elif gated.side is Side.GOES_OFF and not result.off:
                coverage.down -= 1
            self._recount(gated.group)
        if self._canaries is not None and self._failed is None:
            self._count(self._canaries, result)

    def reopened(self, lane: int, was: GateResult, *, again: bool = True) -> int:
        """One item had ended and comes again; to be followed by `announce`.

        An agent who may be off by now stays among those of D; sending again takes nobody off.

        Args:
            lane: Its lane, from 0 on.
            was: What it had ended with.
            again: Whether it is taken again; else it stays in doubt.

        Returns:
            As one of which lane it is to be taken again.
        """
        progress = self._lanes.get(lane) or self._lanes[LaneKey.in_doubt(lane)]
        gated = progress.gated
        coverage = self._groups.get(gated.group)
        if gated.side is Side.GOES_OFF and coverage is not None:
            coverage.down += not was.off
            in_doubt = LaneKey.in_doubt(lane)
            progress = self._lanes.get(in_doubt) or self._add_lane(in_doubt, gated)
        elif gated.side is Side.COMES_ON and coverage is not None and not self.by_sight:
            coverage.up -= was.applied
        canaries = self._canaries if self._failed is None and progress.quota else None
        if again:
            progress.gated = msgspec.structs.replace(progress.gated, rows=progress.gated.rows + 1)
            progress.closed = False
            progress.quota += canaries is not None
        if canaries is not None:
            if not was.aside:
                canaries.counted -= 1
                canaries.bad -= not was.applied
            canaries.counted += not again
            canaries.bad += not again
        self._recount(gated.group)
        return progress.gated.lane

    def _add_lane(self, lane: int, like: GatedLane) -> LaneProgress:
        progress = LaneProgress(msgspec.structs.replace(like, lane=lane, rows=0, counted=True))
        self._lanes[lane] = progress
        self._members[like.group].append(progress)
        return progress

    def unseen(self, group: str, *, up: bool) -> None:
        """One agent of a group who was applied may not be so: no longer counted, nor looked at.

        Args:
            group: The group.
            up: Whether the agent was seen; else the agent was to be looked at.
        """
        self._watched[group] -= not up
        self._groups[group].up -= up
        self._recount(group)

    def watch(self, group: str, number: int) -> bool:
        """So many agents of a group who were applied before are to be looked at.

        Returns:
            Whether that matters: not where nobody of the group is left who goes off.
        """
        matters = any(
            progress.gated.side is Side.GOES_OFF and progress.to_come
            for progress in self._members.get(group, ())
        )
        if matters:
            self._watched[group] += number
            self._recount(group)
        return matters

    def seen(self, group: str, *, up: bool) -> None:
        """One agent of a group who was applied is up, or will not be looked at any more."""
        self._watched[group] -= 1
        self._groups[group].up += up
        self._recount(group)
        self.announce()

    def announce(self) -> None:
        """Tell who listens about all that has changed since."""
        changed, self._changed = self._changed, set()
        lanes = [
            progress.gated.lane for group in changed for progress in self._members.get(group, ())
        ]
        if lanes:
            for call in self._listeners:
                call(lanes)

    def _recount(self, group: str) -> None:
        """Count anew what depends on several lanes."""
        self._changed.add(group)
        coverage = self._groups.get(group)
        if coverage is None:
            return
        members = self._members.get(group, ())
        coverage.awaited = self._watched[group] + sum(
            progress.to_come for progress in members if progress.gated.side is Side.COMES_ON
        )
        coverage.leaving = sum(
            progress.under_way for progress in members if progress.gated.side is Side.GOES_OFF
        )

    def _count(self, canaries: Canaries, result: GateResult) -> None:
        if not result.aside:
            canaries.counted += 1
            canaries.bad += not result.applied
            canaries.misled = canaries.misled or result.misled
        self._judge_canaries()

    def _judge_canaries(self) -> None:
        """Let the rest go on, or not, once all canaries are known."""
        canaries = self._canaries
        if canaries is None or self._failed is not None:
            return
        to_come = sum(progress.canaries_to_come for progress in self._first())
        # An agent who is waited for has not ended; nothing is known if all are waited for.
        if to_come > self._asides or (self._asides and not canaries.counted):
            return
        against = canaries.against()
        if against is not None:
            self._failed = End(Cause.CANARY, against)
        else:
            self._canaries = None
        self._changed.update(self._members)
