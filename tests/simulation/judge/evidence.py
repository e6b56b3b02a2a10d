"""What the judge looks things up in: a morning's requests, commands and runs, by all their keys."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tests.simulation.history import Ended, Handled, Morning, RunRow
from tests.simulation.world import EventKind, FaultKind, Roster, RowKind, World

KILLED = 137
_RESET_COUNTS_S = 1.0
_EARLIER_S = 0.25
"""A mark is on disk so long before the gateway gets its request, at most; but for connecting."""

Agent = tuple[str, str]
"""A gateway and an agent ID: the same number elsewhere is another agent."""


class Evidence(msgspec.Struct, frozen=True):
    """Indices of a morning. Lists of requests are in the order in which they arrived."""

    ended: Mapping[int, Ended]
    """By process."""
    requests: Sequence[Handled]
    of_process: Mapping[int, Sequence[Handled]]
    of_gateway: Mapping[str, Sequence[Handled]]
    of_agent: Mapping[Agent, Sequence[Handled]]
    of_run: Mapping[str, Sequence[Handled]]
    run_of: Mapping[int, str]
    """The run that a process may have sent for; "" where none."""
    seen_s: Mapping[tuple[int, str, str], float]
    """When a process first had an answer of what state an agent of a gateway was in."""
    legs: Mapping[str, Sequence[Ended]]
    """The processes that may have sent for a run, in the order in which they began."""
    rosters: Mapping[str, Roster]
    runs: Mapping[str, RunRow]
    strayed: frozenset[tuple[str, int]]
    """Gateways, and the processes to which they may have sent a reply too many."""
    swallowed: frozenset[str]
    """Gateways to which requests were lost on the way at times, so that they saw none of them."""
    forgot: bool
    """Whether the machine lost power with `--durability normal`, which need not survive that."""
    clock_jumps: Sequence[tuple[float, float]]
    """When all clocks of day jumped, and by how many seconds."""
    clocks_moved: bool
    """Whether a clock of day was set, or one was ahead of another."""
    disk_failed: bool

    def of_row(self, run: str, gateway: str, agent: str) -> Iterator[Handled]:
        """The requests of a run for an agent."""
        return (
            found
            for found in self.of_agent.get((gateway, agent), ())
            if self.run_of.get(found.process) == run
        )

    def strayed_in(self, run: str, gateway: str) -> bool:
        """Whether a reply too many may have come to any process of a run."""
        return any((gateway, leg.process) in self.strayed for leg in self.legs.get(run, ()))

    def agents_of_run(self, run: str) -> Mapping[Agent, list[Handled]]:
        """The requests of a run by their agents."""
        found: defaultdict[Agent, list[Handled]] = defaultdict(list)
        for request in self.of_run.get(run, ()):
            found[request.gateway, request.agent].append(request)
        return found

    def agents_of_process(self, process: int) -> set[Agent]:
        """The agents to whom a process has sent."""
        return {(each.gateway, each.agent) for each in self.of_process.get(process, ())}

    def is_later(self, run: str, than: str) -> bool:
        """Whether a run surely began to send after another one had begun to."""
        if run == than or not self.legs.get(run) or not self.of_run.get(than):
            return False
        # A process that was killed early may have begun without anybody's knowledge.
        began_s = min(each.began_s for each in self.ended.values() if each.run_id == run)
        return began_s > self.of_run[than][0].arrived_s

    def alive_until_s(self, process: int) -> float:
        """When a process ended; never, where nothing is known of its end."""
        return self.ended[process].ended_s if process in self.ended else math.inf

    def at_work_until_s(self, request: Handled) -> float:
        """Until when a request counts as in flight, at least.

        Guide, doubt: until its answer, or for twice the timeout after its mark. After a reset
        bulkagent counts it for as long as its slowest answer took, and a second at least, while the
        gateway may go on for longer. A reply too many on its connection may pass for its answer.
        """
        bound = self.overdue_twice_s(request, request)
        if request.reset_s is not None:
            held_s = request.arrived_s + self._slowest_s(request, bound) - _EARLIER_S
            bound = min(bound, max(request.reset_s, held_s))
        ends = (bound, request.ended_s, request.strayed_s)
        return min(each for each in ends if each is not None)

    def overdue_twice_s(self, request: Handled, of: Handled) -> float:
        """When twice the timeout of a request's sender has passed since another one's mark."""
        connecting_s = float(self.settings(request.process).get("connect_timeout_s", 3.0))
        timeout_s = float(self.settings(of.process).get("timeout_s", 10.0))
        return request.arrived_s + 2 * timeout_s - connecting_s - _EARLIER_S

    def _slowest_s(self, reset: Handled, bound: float) -> float:
        """What the slowest answer took that the sender of a reset request surely had by then."""
        before = reset.reset_s or 0.0
        answers = (
            each.ended_s - each.arrived_s
            for each in self.of_process[reset.process]
            if each.gateway == reset.gateway
            and each.ended_s is not None
            and each.ended_s < before - _EARLIER_S
            and each.ended_s - each.arrived_s < bound - reset.arrived_s
            and each.answer not in {"reset", "nothing"}
            and each.strayed_s is None
        )
        return max((_RESET_COUNTS_S, *answers))

    def settings(self, process: int) -> Mapping[str, Any]:
        """Those that a process was carried out by."""
        return self.ended[process].settings if process in self.ended else {}

    def time_of_day_s(self, end: Ended, at_s: float) -> float:
        """What the clock of a process said, as seconds since the morning's beginning."""
        jumped = sum(by for when, by in self.clock_jumps if end.began_s < when <= at_s)
        return at_s + end.ahead_s + jumped

    def limit(self, process: int, gateway: str, name: str, default: Any) -> Any:
        """A limit of a process at a gateway: of the gateway's own ones, or the general one."""
        settings = self.settings(process)
        at = settings.get("at_gateways") or {}
        own = at.get(gateway, {})
        return own[name] if name in own else settings.get(name, default)

    def most_in_flight(self, process: int, gateway: str) -> int:
        """`--concurrency` of a process; of `auto`, the most that it may come to."""
        limit = self.limit(process, gateway, "concurrency", 16)
        if isinstance(limit, str):
            return int(limit.rpartition("-")[2]) if "-" in limit else 256
        if isinstance(limit, Mapping):
            return int(limit["most"])
        return int(getattr(limit, "most", limit))


def evidence_of(morning: Morning) -> Evidence:
    """Put a morning's facts in order."""
    world = morning.world
    ended = {each.process: each for each in (*morning.ended, *morning.last)}
    requests = sorted(
        (each for each in morning.handled if each.flag in {"0", "1"}),
        key=lambda each: (each.arrived_s, each.number),
    )
    run_of = {each.process: each.sent_for for each in ended.values()}
    of_process: defaultdict[int, list[Handled]] = defaultdict(list)
    of_gateway: defaultdict[str, list[Handled]] = defaultdict(list)
    of_agent: defaultdict[Agent, list[Handled]] = defaultdict(list)
    of_run: defaultdict[str, list[Handled]] = defaultdict(list)
    for each in requests:
        of_process[each.process].append(each)
        of_gateway[each.gateway].append(each)
        of_agent[each.gateway, each.agent].append(each)
        if run_of.get(each.process):
            of_run[run_of[each.process]].append(each)
    legs: defaultdict[str, list[Ended]] = defaultdict(list)
    for leg in sorted(ended.values(), key=lambda each: (each.began_s, each.process)):
        if leg.sent_for:
            legs[leg.sent_for].append(leg)
    kinds = {event.kind for event in world.events}
    durable = world.settings.get("durability") == "full" and all(
        each.settings.get("durability", "full") == "full" for each in ended.values()
    )
    return Evidence(
        ended=ended,
        requests=requests,
        of_process=of_process,
        of_gateway=of_gateway,
        of_agent=of_agent,
        of_run=of_run,
        run_of=run_of,
        # The last one in the order of a dictionary is the first one in time.
        seen_s={
            (each.process, each.gateway, each.agent): each.at_s for each in reversed(morning.seen)
        },
        legs=legs,
        rosters={roster.name: roster for roster in world.rosters},
        runs={run.run_id: run for run in morning.runs},
        strayed=frozenset(_may_have_strayed(world, requests)),
        swallowed=frozenset(
            fault.gateway for fault in world.faults if fault.kind is FaultKind.BLACKHOLE
        ),
        forgot=EventKind.POWER_LOSS in kinds and not durable,
        clock_jumps=[
            (event.at_s, event.seconds)
            for event in world.events
            if event.kind is EventKind.CLOCK_JUMP
        ],
        clocks_moved=EventKind.CLOCK_JUMP in kinds or any(event.ahead_s for event in world.events),
        disk_failed=not kinds.isdisjoint({EventKind.DISK_FULL, EventKind.READ_ONLY}),
    )


def _may_have_strayed(world: World, requests: Sequence[Handled]) -> Iterator[tuple[str, int]]:
    strays = [fault for fault in world.faults if fault.kind is FaultKind.STRAY]
    for each in requests if strays else ():
        if any(
            fault.gateway == each.gateway
            and fault.begins_s <= each.arrived_s < fault.ends_s
            and (not fault.agents or each.agent in fault.agents)
            for fault in strays
        ):
            yield each.gateway, each.process


def assignments_of(roster: Roster | None) -> frozenset[tuple[str, str, str]]:
    """Gateway, agent and flag of a roster; two rosters with the same ones are the same."""
    return frozenset(
        (row.gateway, row.agent, row.flag)
        for row in (roster.rows if roster else ())
        if row.kind is RowKind.ASSIGNMENT
    )


def swapped(evidence: Evidence, request: Handled) -> bool:
    """Whether a stray reply may have hidden the true answer to a request for good.

    Guide, doubt: where a stray reply has taken its place and the true one comes later than a
    connection is read on, or never, nobody sees it. A connection is read for 0.1 s more than the
    longest answer took, as long as the process lives. An answer may also pass for that to the
    next request on the connection, and so on; then the last of them is the one that must come.
    """
    if request.strayed_s is None:
        return False
    behind = (
        each
        for each in evidence.of_process[request.process]
        if (each.gateway, each.line) == (request.gateway, request.line)
        and each.line
        and each.number > request.number
    )
    return _unseen(evidence, request) or any(_unseen(evidence, each) for each in behind)


def _unseen(evidence: Evidence, request: Handled) -> bool:
    if request.strayed_s is None:
        return False
    if request.ended_s is None or request.answer == "nothing":
        return True
    end = evidence.alive_until_s(request.process)
    late = request.ended_s > _read_until_s(evidence, request, request.strayed_s) - _LONGER_S
    return late or end <= request.ended_s + _READ_ON_S


def _read_until_s(evidence: Evidence, request: Handled, strayed_s: float) -> float:
    """Until when the request's connection was surely read on, after its stray reply.

    Only answers that have come by then say how late another one may be.
    """
    answers = [
        (each.ended_s, each.ended_s - each.arrived_s)
        for each in evidence.of_process[request.process]
        if each is not request
        and each.gateway == request.gateway
        and each.ended_s is not None
        and each.answer not in {"reset", "nothing"}
    ]
    until, more = strayed_s, strayed_s + _LONGER_ON_S
    while more > until:
        until = more
        longest = max((took for at, took in answers if at <= until), default=0.0)
        more = strayed_s + longest + _LONGER_ON_S
    return until


_LONGER_ON_S = 0.1
_READ_ON_S = 0.2
_LONGER_S = 0.05
"""Of the 0.1 s, a part may pass on the way."""


def answered_in_time(evidence: Evidence, request: Handled) -> bool:
    """Whether its sender surely read the answer: in time, and not at its own end."""
    if request.ended_s is None or request.answer in {"reset", "nothing", ""}:
        return False
    read_on = evidence.at_work_until_s(request) == request.ended_s
    return read_on and request.ended_s < evidence.alive_until_s(request.process) - _MARGIN_S


_MARGIN_S = 1.0
"""Answers on the way, and an outcome that waits for the ledger, take less."""
