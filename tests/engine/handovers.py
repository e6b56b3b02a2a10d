"""Handovers in virtual time: a gateway with a history, a disk that a kill freezes, and legs.

The judge is written from the sentence of the rule and counts for itself: what the gateway did, in
the order in which it did it, and what was on disk when a request left.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from fractions import Fraction

import msgspec

from bulkagent.attempt import Attempt, AttemptHistory
from bulkagent.engine import (
    Bulkhead,
    Coverage,
    End,
    Engine,
    GatedLane,
    Gatekeeper,
    GateResult,
    GateTerms,
    Limits,
    PollPolicy,
    RetryPolicy,
    Side,
)
from bulkagent.model import Cause, Delivery, Disposition, Status
from tests import jumping
from tests.dispositions import ABSENT, DONE, LOST, READY, REFUSED, UNREACHED, ended
from tests.engine.upstream import CARELESS
from tests.jumping import JumpingClock

ON, OFF = 1, 0
CUTS = (0, 1, 5, 50, 80, 90, 95, 99, 100)


class Agent:
    """One row, what is on disk of it, and what its requests will meet."""

    def __init__(
        self, name: str, group: str, flag: int, gateway: int, script: list[Disposition]
    ) -> None:
        self.name = name
        self.group = group
        self.flag = flag
        self.gateway = gateway
        self.script = script
        self.status: Status | None = Status.NOT_ATTEMPTED
        """None: dispatched without an outcome."""
        self.cause: Cause | None = None

    @property
    def left(self) -> bool:
        return self.status in {None, Status.NOT_ATTEMPTED, Status.FAILED, Status.UNKNOWN}

    @property
    def in_doubt(self) -> bool:
        return self.status in {None, Status.UNKNOWN}

    @property
    def down(self) -> bool:
        return self.in_doubt or self.status is Status.APPLIED or self.cause is Cause.NOT_SIGNED_IN


class World:
    """Everything of one handover that outlives a process."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.gate = Fraction(chance.choice(CUTS), 100)
        self.floor = Fraction(chance.choice(CUTS), 100) if chance.random() < 0.7 else None
        self.allow_closing = chance.random() < 0.3
        self.gateways = chance.randint(1, 2)
        self.latency_s = chance.choice((0.01, 0.2))
        self.faults = chance.choice((0.0, 0.1, 0.5))
        self.agents: list[Agent] = []
        self.invalid: dict[tuple[str, int], int] = {}
        for number in range(chance.randint(1, 4)):
            self.add_group(f"team{number}")
        self.history: list[Agent] = []
        """The agents that the gateway has set, in its order."""
        self.legs = self.kills = self.bound = 0

    def add_group(self, group: str) -> None:
        chance = self.chance
        sizes = {flag: chance.choice((0, 0, 1, 2, 3, 5, 8, 13)) for flag in (ON, OFF)}
        for flag, size in sizes.items():
            for number in range(size):
                script = [self.fault(flag) for _ in range(4) if chance.random() < self.faults]
                name = f"{group}-{flag}-{number}"
                gateway = chance.randrange(self.gateways)
                self.agents.append(Agent(name, group, flag, gateway, script))
            if chance.random() < 0.1:
                self.invalid[group, flag] = chance.randint(1, 2)
        chance.shuffle(self.agents)

    def fault(self, flag: int) -> Disposition:
        return self.chance.choice((LOST, READY, UNREACHED, REFUSED, ABSENT))

    @property
    def groups(self) -> list[str]:
        named = {agent.group for agent in self.agents} | {group for group, _ in self.invalid}
        return sorted(named)

    def of(self, group: str, flag: int) -> list[Agent]:
        return [agent for agent in self.agents if (agent.group, agent.flag) == (group, flag)]

    def rows(self, group: str, flag: int) -> int:
        return len(self.of(group, flag)) + self.invalid.get((group, flag), 0)

    @property
    def hands_over(self) -> bool:
        return all(any(self.rows(group, flag) for group in self.groups) for flag in (ON, OFF))

    def up(self, group: str) -> int:
        return sum(agent.status is Status.APPLIED for agent in self.of(group, ON))

    def may_be_off(self, group: str) -> int:
        lost = self.invalid.get((group, OFF), 0)
        return lost + sum(agent.down for agent in self.of(group, OFF))

    def leaves(self, agent: Agent) -> None:
        """A request to go off leaves: the rule, with what is on disk; the agent is among D."""
        if agent.flag == ON:
            return
        group = agent.group
        coming, going = self.rows(group, ON), self.rows(group, OFF)
        up, down = self.up(group), self.may_be_off(group)
        assert agent.down, "its dispatch mark is on disk"
        assert coming or self.allow_closing, f"{agent.name}: nobody comes on for them"
        assert up >= math.ceil(self.gate * coming), f"{agent.name}: {up} of {coming} are up"
        if self.floor is not None:
            floor = math.ceil(self.floor * going)
            assert going - down + up >= floor, f"{agent.name}: {going} - {down} + {up} < {floor}"
            self.bound += going - down + up == floor

    def replay(self) -> None:
        """The same, by the gateway's history alone."""
        if not self.hands_over:
            return
        on: dict[str, set[str]] = {group: set() for group in self.groups}
        off: dict[str, set[str]] = {group: set() for group in self.groups}
        for agent in self.history:
            if agent.flag == ON:
                on[agent.group].add(agent.name)
                continue
            off[agent.group].add(agent.name)
            up, down = len(on[agent.group]), len(off[agent.group])
            coming, going = self.rows(agent.group, ON), self.rows(agent.group, OFF)
            assert up >= math.ceil(self.gate * coming)
            if self.floor is not None:
                assert going - down + up >= math.ceil(self.floor * going)

    def completed(self) -> None:
        """After a leg without trouble, each agent that may go is off, and no other is held."""
        if not self.hands_over:
            assert not any(agent.left for agent in self.agents)
            return
        for group in self.groups:
            going, up = self.rows(group, OFF), self.up(group)
            coming = self.rows(group, ON)
            stay = [agent for agent in self.of(group, OFF) if agent.status is not Status.APPLIED]
            stay = [agent for agent in stay if agent.status is not Status.REJECTED]
            if not stay:
                continue
            closing = not coming and not self.allow_closing
            gated = up < math.ceil(self.gate * coming)
            short = self.floor is not None and (
                going - self.may_be_off(group) - 1 + up < math.ceil(self.floor * going)
            )
            assert closing or gated or short, f"{group}: {len(stay)} were held for no reason"


class Leg:
    """One process: a source over the world's rows, gates, bulkheads, perhaps a kill."""

    def __init__(self, world: World, *, troubled: bool) -> None:
        self.world = world
        self.troubled = troubled
        self.dead = False
        self.left: dict[int, deque[Agent]] = {}
        self.lane_of: dict[str, int] = {}
        self.gated_lanes: list[GatedLane] = []
        self.lanes: dict[int, list[int]] = {gateway: [] for gateway in range(world.gateways)}
        for flag in (ON, OFF):
            for group in world.groups:
                for gateway in range(world.gateways):
                    rows = [
                        agent
                        for agent in world.of(group, flag)
                        if agent.left and agent.gateway == gateway
                    ]
                    self.add(group, flag, gateway, [agent for agent in rows if agent.down])
                    self.add(group, flag, gateway, [agent for agent in rows if not agent.down])
        coverage_of = {
            group: Coverage(
                incoming=world.rows(group, ON),
                outgoing=world.rows(group, OFF),
                up=world.up(group),
                down=world.may_be_off(group),
            )
            for group in world.groups
        }
        terms = GateTerms(
            gate=float(world.gate),
            floor=None if world.floor is None else float(world.floor),
            allow_closing=world.allow_closing,
        )
        self.held: list[tuple[str, End]] = []
        self.gates = Gatekeeper(
            self.gated_lanes,
            coverage_of if world.hands_over else {},
            terms,
            held_back=lambda group, end: self.held.append((group, end)),
        )

    def add(self, group: str, flag: int, gateway: int, rows: list[Agent]) -> None:
        if not rows:
            return
        lane = len(self.gated_lanes)
        self.left[lane] = deque(rows)
        self.lane_of.update((agent.name, lane) for agent in rows)
        self.lanes[gateway].append(lane)
        side = Side.COMES_ON if flag == ON else Side.GOES_OFF
        counted = flag == OFF and rows[0].down
        self.gated_lanes.append(
            GatedLane(lane=lane, group=group, rows=len(rows), side=side, counted=counted)
        )

    async def take(self, lane: int) -> Agent | None:
        await asyncio.sleep(0)
        return self.left[lane].popleft() if self.left[lane] else None

    async def mark(self, item: Agent, attempt: int) -> bool:
        await asyncio.sleep(0)
        if not self.dead:
            item.status, item.cause = None, None
        return True

    def attempted(self, item: Agent, attempt: int, ended: Attempt) -> None:
        pass

    def settle(self, item: Agent, history: AttemptHistory[Attempt]) -> None:
        asyncio.get_running_loop().call_later(0.001, self.commit, item, history)

    def commit(self, item: Agent, history: AttemptHistory[Attempt]) -> None:
        if self.dead:
            return
        last = history.last.disposition
        applied = last.status is Status.APPLIED
        item.status = last.status if applied or history.doubt is None else Status.UNKNOWN
        item.cause = last.cause
        if item in self.doubted and not applied:
            item.status = Status.UNKNOWN  # only success clears a doubt
        lane = self.lane_of[item.name]
        self.gates.ended(lane, GateResult(applied=applied, off=item.down))
        self.gates.announce()

    async def attempt(self, item: Agent, _overdue: object) -> Attempt:
        if self.world.hands_over:
            self.world.leaves(item)
        await asyncio.sleep(self.world.latency_s * (0.5 + self.world.chance.random()))
        disposition = item.script.pop(0) if self.troubled and item.script else DONE
        in_doubt = disposition.delivery is Delivery.IN_DOUBT
        if disposition is DONE or (in_doubt and self.world.chance.random() < 0.5):
            self.world.history.append(item)
        return ended(disposition)

    async def run(self, kill_after_s: float | None) -> None:
        chance = self.world.chance
        self.doubted = {agent for agent in self.world.agents if agent.in_doubt}
        poll_policy = PollPolicy(window_s=5.0, every_s=1.0) if chance.random() < 0.3 else None
        bulkheads = [
            Bulkhead(
                f"gateway {gateway}",
                lanes,
                self,
                self.attempt,
                limits=Limits(concurrency=chance.randint(1, 6), per_second=None),
                policy=RetryPolicy(max_attempts=chance.randint(1, 4)),
                clock=JumpingClock(),
                random=chance.random,
                throttle_policy=CARELESS,
                gates=self.gates,
                poll_policy=poll_policy,
                rows=sum(len(self.left[lane]) for lane in lanes),
            )
            for gateway, lanes in self.lanes.items()
            if lanes
        ]
        engine = Engine(bulkheads, clock=JumpingClock())
        if kill_after_s is not None:
            asyncio.get_running_loop().call_later(kill_after_s, self.kill, engine)
        await engine.run()
        await asyncio.sleep(0.01)  # the last commits

    def kill(self, engine: Engine[Agent, Attempt]) -> None:
        self.dead = True
        self.world.kills += 1
        engine.cancel()


class Played(msgspec.Struct):
    agents: int
    legs: int
    kills: int
    bound: int
    """Requests that left with the floor exactly reached."""
    held: int


def play(seed: int) -> Played:
    """One handover from its first leg to one without any trouble."""
    world = World(random.Random(seed))
    held = 0
    while True:
        troubled = world.legs < world.chance.randint(1, 3)
        leg = Leg(world, troubled=troubled)
        killed = troubled and world.chance.random() < 0.6
        jumping.run(leg.run(world.chance.random() * 2 if killed else None))
        world.replay()
        world.legs += 1
        held += len(leg.held)
        if not troubled:
            break
    world.completed()
    return Played(len(world.agents), world.legs, world.kills, world.bound, held)
