"""The gatekeeper against a model that counts for itself, whatever is taken, ends or is killed."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bulkagent.engine import Coverage, End, GatedLane, Gatekeeper, GateResult, GateTerms, Go, Side
from tests.examples import examples

GROUPS = ("red", "blue", "")
ON, OFF = 0, 1

# On disk, of one agent: never sent, dispatched, set, refused for now, refused for good, not there.
State = Literal["new", "sent", "set", "failed", "rejected", "missing"]
_DOWN = frozenset({"sent", "set", "missing"})
_LEFT = frozenset({"new", "sent", "failed", "missing"})

_ENDS: dict[State, GateResult] = {
    "set": GateResult(applied=True, off=True),
    "failed": GateResult(applied=False),
    "rejected": GateResult(applied=False),
    "missing": GateResult(applied=False, off=True),
    "sent": GateResult(applied=False, off=True),  # in doubt
}


class Handovers(RuleBasedStateMachine):
    """Agents by group and side; what is on disk of each; which are under way in this leg."""

    @initialize(
        sizes=st.lists(st.integers(0, 6), min_size=6, max_size=6),
        extra=st.lists(st.integers(0, 2), min_size=6, max_size=6),
        gate=st.sampled_from((0, 50, 95, 100)),
        floor=st.sampled_from((None, 0, 50, 90, 100)),
        allow_closing=st.booleans(),
    )
    def begin(
        self,
        sizes: list[int],
        extra: list[int],
        gate: int,
        floor: int | None,
        *,
        allow_closing: bool,
    ) -> None:
        keys = [(group, side) for group in GROUPS for side in (ON, OFF)]
        self.disk: dict[tuple[str, int], list[State]] = {
            key: ["new"] * size for key, size in zip(keys, sizes, strict=True)
        }
        self.invalid = dict(zip(keys, extra, strict=True))
        self.gate = Fraction(gate, 100)
        self.floor = None if floor is None else Fraction(floor, 100)
        self.terms = GateTerms(
            gate=gate / 100,
            floor=None if floor is None else floor / 100,
            allow_closing=allow_closing,
        )
        self.leg()

    @rule()
    def leg(self) -> None:
        """A process begins, perhaps after the kill of another: only the disk is left of that."""
        self.lanes: list[tuple[str, int, list[int]]] = []
        self.doubted: set[tuple[str, int, int]] = set()
        gated_lanes = []
        for (group, side), states in self.disk.items():
            left = [at for at, state in enumerate(states) if state in _LEFT]
            self.doubted |= {(group, side, at) for at in left if states[at] == "sent"}
            for counted in (True, False):
                rows = [at for at in left if (states[at] in _DOWN) == counted]
                if rows:
                    gated_lanes.append(
                        GatedLane(
                            lane=len(self.lanes),
                            group=group,
                            rows=len(rows),
                            side=Side.GOES_OFF if side else Side.COMES_ON,
                            counted=counted and side == OFF,
                        )
                    )
                    self.lanes.append((group, side, rows))
        coverage_of = {
            group: Coverage(
                incoming=self.rows(group, ON),
                outgoing=self.rows(group, OFF),
                up=self.up(group),
                down=self.down(group),
            )
            for group in GROUPS
        }
        self.keeper = Gatekeeper(gated_lanes, coverage_of, self.terms)
        self.under_way: list[tuple[int, int]] = []
        self.closed: set[int] = set()

    def rows(self, group: str, side: int) -> int:
        return len(self.disk[group, side]) + self.invalid[group, side]

    def up(self, group: str) -> int:
        return self.disk[group, ON].count("set")

    def down(self, group: str) -> int:
        return self.invalid[group, OFF] + sum(state in _DOWN for state in self.disk[group, OFF])

    @precondition(lambda self: self.lanes)
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from(range(len(self.lanes))))
        group, side, rows = self.lanes[lane]
        if lane in self.closed or not rows:
            return
        answer = self.keeper.ask(lane, 0.0)
        if isinstance(answer, Go):
            self.keeper.taken(lane)
            at = rows.pop(0)
            self.disk[group, side][at] = "sent"
            self.under_way.append((lane, at))
            if side == OFF:
                self.may_leave(group)
        elif isinstance(answer, End):
            assert side == OFF
            assert not self.still_comes(group)
            self.close(lane)

    def may_leave(self, group: str) -> None:
        """The rule in its own words, with the agent among D."""
        coming, going = self.rows(group, ON), self.rows(group, OFF)
        up, down = self.up(group), self.down(group)
        assert coming or self.terms.allow_closing
        assert up >= math.ceil(self.gate * coming)
        if self.floor is not None:
            assert going - down + up >= math.ceil(self.floor * going)

    def still_comes(self, group: str) -> bool:
        """Whether a group may yet be better covered in this leg."""
        waits_for_gate = self.up(group) < math.ceil(self.gate * self.rows(group, ON))
        sides = {ON} if waits_for_gate or not self.rows(group, ON) else {ON, OFF}
        if not self.rows(group, ON):
            return False
        coming = any(
            rows and lane not in self.closed
            for lane, (of, side, rows) in enumerate(self.lanes)
            if (of, side) == (group, ON)
        )
        going = any(
            self.lanes[lane][0] == group and self.lanes[lane][1] in sides
            for lane, _ in self.under_way
        )
        return coming or going

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), end=st.sampled_from(sorted(_ENDS)))
    def end(self, data: st.DataObject, end: State) -> None:
        number = data.draw(st.sampled_from(range(len(self.under_way))))
        lane, at = self.under_way.pop(number)
        group, side, _ = self.lanes[lane]
        if (group, side, at) in self.doubted and end != "set":
            end = "sent"  # only success clears a doubt
        self.disk[group, side][at] = end
        self.keeper.ended(lane, _ENDS[end])
        self.keeper.announce()

    @precondition(lambda self: self.lanes)
    @rule(data=st.data())
    def gateway_gives_up(self, data: st.DataObject) -> None:
        self.close(data.draw(st.sampled_from(range(len(self.lanes)))))

    def close(self, lane: int) -> None:
        if lane not in self.closed:
            self.closed.add(lane)
            self.keeper.closed(lane)

    @invariant()
    def counts_are_those_of_the_disk(self) -> None:
        if not hasattr(self, "keeper"):
            return
        for group, coverage in self.keeper._groups.items():
            assert coverage.up == self.up(group)
            assert coverage.down == self.down(group)


TestHandovers = Handovers.TestCase
TestHandovers.settings = settings(max_examples=examples(60), stateful_step_count=50)
