"""The gates of one leg: who may be dispatched, by what is known of all groups at this moment.

What may live here: the counters behind the answers, and how canaries, gate, floor and patience
go together. What this room must not know: gateways, and what puts an agent on or off. What has
ended is told once it is on disk; what is taken counts from the step in which it is allowed.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from bulkagent.engine.gates.canary import Canaries, spread
from bulkagent.engine.gates.gate import Admits, NotYet
from bulkagent.engine.gates.halt_rules import End, Go
from bulkagent.engine.gates.handover import Cover, Terms, may_leave
from bulkagent.model import Cause

__all__ = ["Gatekeeper", "Passage", "Result", "Side"]

_GO = Go()
_NOT_YET = NotYet()


class Side(enum.Enum):
    """What a lane does to its group's cover."""

    COMES_ON = enum.auto()
    GOES_OFF = enum.auto()
    NEITHER = enum.auto()


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """One lane, as its gate sees it."""

    lane: int
    group: str
    rows: int
    """How many items it has at most."""
    side: Side = Side.NEITHER
    counted: bool = False
    """Whether its items are among those of D before they are taken."""
    not_before: float = -math.inf
    """Nothing of it is dispatched before this time of the clock."""


class Result(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of one item, as far as gates and canaries go by it."""

    applied: bool
    off: bool = False
    """Whether the agent it is about takes no calls, or perhaps none."""
    aside: bool = False
    """Whether it is no failure although it is not applied."""
    misled: str = ""
    """By what it says that something is set up wrongly; "" where it does not."""


class _Door:
    """One lane under way."""

    __slots__ = ("asked", "closed", "end", "ended", "passage", "quota", "taken")

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self.quota = 0
        self.asked = False
        self.taken = 0
        self.ended = 0
        self.closed = False
        self.end: End | None = None

    @property
    def under_way(self) -> int:
        return self.taken - self.ended

    @property
    def to_come(self) -> int:
        """How many of its stories have not ended, those to be taken included."""
        untaken = 0 if self.closed else self.passage.rows - self.taken
        return self.under_way + max(0, untaken)

    @property
    def canaries_to_come(self) -> int:
        untaken = 0 if self.closed else min(self.quota, self.passage.rows) - self.taken
        return self.under_way + max(0, untaken)


class Gatekeeper:
    """Answers for every lane of a leg.

    Args:
        passages: The lanes.
        covers: The groups that hand over, by name; they are counted on from here.
        terms: Gate and floor.
        canaries: So many items go first; 0: none do.
        by_sight: Whether an agent is up only once `seen`, and not already when it is applied.
        told: Called once for each group that is held back for good, with why; with "" for all.
    """

    def __init__(
        self,
        passages: Iterable[Passage],
        covers: Mapping[str, Cover],
        terms: Terms,
        *,
        canaries: int = 0,
        by_sight: bool = False,
        told: Callable[[str, End], None] | None = None,
    ) -> None:
        self._doors = {passage.lane: _Door(passage) for passage in passages}
        self._covers = dict(covers)
        self._members: dict[str, list[_Door]] = {}
        for door in self._doors.values():
            self._members.setdefault(door.passage.group, []).append(door)
        self._terms = terms
        self.by_sight = by_sight and bool(covers)
        """Whether an agent is up only once `seen`."""
        self._watched = dict.fromkeys(self._covers, 0)
        self._told = told
        self._said: set[tuple[str, Cause]] = set()
        self._listeners: list[Callable[[Collection[int]], None]] = []
        self._changed: set[str] = set()
        self._canaries = Canaries() if canaries else None
        self._asides = 0
        self._failed: End | None = None
        for name in self._covers:
            self._look(name)
        if canaries:
            first = self._first()
            for door, quota in zip(
                first, spread(canaries, [door.passage.rows for door in first]), strict=True
            ):
                door.quota = quota

    def __repr__(self) -> str:
        waits = ", canaries first" if self._canaries else ""
        return f"<Gatekeeper: {len(self._doors)} lanes, {len(self._covers)} groups{waits}>"

    def _first(self) -> list[_Door]:
        """The lanes that canaries are of: of a handover, those who come on."""
        doors = sorted(self._doors.values(), key=lambda door: door.passage.lane)
        coming = [door for door in doors if door.passage.side is Side.COMES_ON]
        return coming or doors

    @property
    def up(self) -> Mapping[str, int]:
        """How many of each group are up."""
        return {name: cover.up for name, cover in self._covers.items()}

    @property
    def covers(self) -> Mapping[str, Cover]:
        """How each group stands, as it changes; not to be changed by anybody else."""
        return self._covers

    @property
    def held(self) -> frozenset[str]:
        """The groups that are held back for good."""
        return frozenset(group for group, _ in tuple(self._said))

    def knows(self, lane: int) -> bool:
        """Whether it is one of its lanes."""
        return lane in self._doors

    def opens_in(self, now: float) -> float:
        """Seconds until no lane waits for a time of the clock any more; 0: none does."""
        return max([0.0, *(door.passage.not_before - now for door in self._doors.values())])

    def group(self, lane: int) -> str:
        """Lanes of one group share their turns."""
        return self._doors[lane].passage.group

    def listen(self, call: Callable[[Collection[int]], None]) -> None:
        """Call with lanes about which the answer may have changed."""
        self._listeners.append(call)

    def ask(self, lane: int, now: float) -> Admits:
        """Whether the lane may give one item now."""
        door = self._doors[lane]
        passage = door.passage
        if door.end is not None:
            return door.end
        if self._failed is not None:
            return self._held(door, self._failed)
        if now < passage.not_before:
            return NotYet(passage.not_before)
        if self._canaries is not None and door.taken >= door.quota:
            return _NOT_YET
        if door.taken >= passage.rows:
            return _GO  # to hear that there is nothing left, which needs no leave
        admits = self._may_leave(passage)
        return self._held(door, admits) if isinstance(admits, End) else admits

    def _may_leave(self, passage: Passage) -> Admits:
        cover = self._covers.get(passage.group)
        if passage.side is not Side.GOES_OFF or cover is None:
            return _GO
        return may_leave(cover, self._terms, counted=passage.counted)

    def _held(self, door: _Door, end: End) -> End:
        door.end = end
        group = "" if end.cause is Cause.CANARY else door.passage.group
        if self._told is not None and (group, end.cause) not in self._said:
            self._said.add((group, end.cause))
            self._told(group, end)
        return end

    def taken(self, lane: int) -> None:
        """One item is taken, or is about to be."""
        self._take(self._doors[lane], 1)

    def returned(self, lane: int) -> None:
        """There was none to take after all."""
        self._take(self._doors[lane], -1)
        self.announce()

    def _take(self, door: _Door, number: int) -> None:
        door.taken += number
        passage = door.passage
        cover = self._covers.get(passage.group)
        if cover is None:
            return
        if passage.side is Side.GOES_OFF and not passage.counted:
            cover.down += number
        self._look(passage.group)

    def closed(self, lane: int) -> None:
        """Nothing more of the lane will be taken."""
        door = self._doors[lane]
        if not door.closed:
            door.closed = True
            self._look(door.passage.group)
            self._judge()
            self.announce()

    def awaits(self, lane: int, number: int) -> None:
        """So many items more of the lane wait for whoever they are about; -1: one fewer."""
        if self._canaries is not None and self._doors[lane].quota:
            self._asides += number
            self._judge()
            self.announce()

    def ended(self, lane: int, result: Result) -> None:
        """One item's story has ended, and that is on disk; to be followed by `announce`."""
        door = self._doors[lane]
        door.ended += 1
        passage = door.passage
        cover = self._covers.get(passage.group)
        if cover is not None:
            if passage.side is Side.COMES_ON and result.applied:
                if self.by_sight:
                    self._watched[passage.group] += 1
                else:
                    cover.up += 1
            elif passage.side is Side.GOES_OFF and not result.off:
                cover.down -= 1
            self._look(passage.group)
        if self._canaries is not None and self._failed is None:
            self._count(self._canaries, result)

    def reopened(self, lane: int, was: Result, *, again: bool = True) -> int:
        """One item's story had ended and is opened again; to be followed by `announce`.

        Who may be off by now stays among those of D, and sending to him again takes nobody off.

        Args:
            lane: Its lane, from 0 on.
            was: What it had ended with.
            again: Whether it is taken again; else it stays in doubt.

        Returns:
            As one of which lane it is to be taken again.
        """
        door = self._doors.get(lane) or self._doors[~lane]
        passage = door.passage
        cover = self._covers.get(passage.group)
        if passage.side is Side.GOES_OFF and cover is not None:
            cover.down += not was.off
            door = self._doors.get(~lane) or self._open_door(~lane, passage)
        elif passage.side is Side.COMES_ON and cover is not None and not self.by_sight:
            cover.up -= was.applied
        canaries = self._canaries if self._failed is None and door.quota else None
        if again:
            door.passage = msgspec.structs.replace(door.passage, rows=door.passage.rows + 1)
            door.closed = False
            door.quota += canaries is not None
        if canaries is not None:
            if not was.aside:
                canaries.counted -= 1
                canaries.bad -= not was.applied
            canaries.counted += not again
            canaries.bad += not again
        self._look(passage.group)
        return door.passage.lane

    def _open_door(self, lane: int, like: Passage) -> _Door:
        door = _Door(msgspec.structs.replace(like, lane=lane, rows=0, counted=True))
        self._doors[lane] = door
        self._members[like.group].append(door)
        return door

    def unseen(self, group: str, *, up: bool) -> None:
        """One agent of a group who was applied may not be so: he counts no more, nor is looked at.

        Args:
            group: The group.
            up: Whether he was seen; else he was to be looked at.
        """
        self._watched[group] -= not up
        self._covers[group].up -= up
        self._look(group)

    def watch(self, group: str, number: int) -> bool:
        """So many agents of a group who were applied before are to be looked at.

        Returns:
            Whether that matters: not where nobody of the group is left who goes off.
        """
        matters = any(
            door.passage.side is Side.GOES_OFF and door.to_come
            for door in self._members.get(group, ())
        )
        if matters:
            self._watched[group] += number
            self._look(group)
        return matters

    def seen(self, group: str, *, up: bool) -> None:
        """One agent of a group who was applied is up, or will not be looked at any more."""
        self._watched[group] -= 1
        self._covers[group].up += up
        self._look(group)
        self.announce()

    def announce(self) -> None:
        """Tell who listens about all that has changed since."""
        changed, self._changed = self._changed, set()
        lanes = [door.passage.lane for group in changed for door in self._members.get(group, ())]
        if lanes:
            for call in self._listeners:
                call(lanes)

    def _look(self, group: str) -> None:
        """Count anew what depends on several lanes."""
        self._changed.add(group)
        cover = self._covers.get(group)
        if cover is None:
            return
        doors = self._members.get(group, ())
        cover.awaited = self._watched[group] + sum(
            door.to_come for door in doors if door.passage.side is Side.COMES_ON
        )
        cover.leaving = sum(door.under_way for door in doors if door.passage.side is Side.GOES_OFF)

    def _count(self, canaries: Canaries, result: Result) -> None:
        if not result.aside:
            canaries.counted += 1
            canaries.bad += not result.applied
            canaries.misled = canaries.misled or result.misled
        self._judge()

    def _judge(self) -> None:
        """Let the rest go on, or not, once all canaries are known."""
        canaries = self._canaries
        if canaries is None or self._failed is not None:
            return
        to_come = sum(door.canaries_to_come for door in self._first())
        # Who is waited for has not ended; nothing is known if all are waited for.
        if to_come > self._asides or (self._asides and not canaries.counted):
            return
        against = canaries.against()
        if against is not None:
            self._failed = End(Cause.CANARY, against)
        else:
            self._canaries = None
        self._changed.update(self._members)
