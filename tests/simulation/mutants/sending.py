"""Faults of what sends: requests in flight, rate, order, and when it stops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from bulkagent.engine import Coverage, GatedLane, Gatekeeper, GateResult, Side
from bulkagent.engine.attempts import Attempts
from bulkagent.engine.gates.halt_rules import Go, HaltFirst, Tally
from bulkagent.engine.throttle.rate_limiter import RateLimiter
from bulkagent.engine.throttle.throttle import Throttle
from bulkagent.engine.throttle.throttle_policy import Permit
from bulkagent.gateway.client import GatewayClient
from tests.simulation.mutants.mutant import always, fault, instead


def _cut_at_once(right: Callable[..., Any]) -> Any:
    def attempt(client: GatewayClient, assignment: Any, _overdue: Any = None) -> Any:
        return right(client, assignment, None)

    return attempt


def _catching_up(right: Callable[..., Any]) -> Any:
    def reserve(limiter: RateLimiter, now: float) -> float:
        due = now if limiter._next == -math.inf else limiter._next
        limiter._next = due + limiter._interval_s
        return max(0.0, due - limiter._tolerance_s - now)

    return reserve


def _counting_attempts(right: Callable[..., Any]) -> Any:
    def ended(keeper: Gatekeeper, lane: int, result: GateResult) -> None:
        comes_on = keeper._lanes[lane].gated.side is Side.COMES_ON
        right(keeper, lane, msgspec.structs.replace(result, applied=True) if comes_on else result)

    return ended


def _by_permission(right: Callable[..., Any]) -> Any:
    def init(keeper: Gatekeeper, *args: Any, **options: Any) -> None:
        right(keeper, *args, **{**options, "by_sight": False})

    return init


def _one_too_few(right: Callable[..., Any]) -> Any:
    def floor(coverage: Coverage, share: float, *, going: int) -> Any:
        return right(coverage, share, going=going - 1)

    return floor


def _before_it_is_taken(_right: Callable[..., Any]) -> Any:
    def take(keeper: Gatekeeper, progress: Any, number: int) -> None:
        progress.taken += number
        if progress.gated.group in keeper._groups:
            keeper._recount(progress.gated.group)

    return take


def _as_one_lane(right: Callable[..., Any]) -> Any:
    def spread(_number: int, rows: list[int]) -> list[int]:
        return list(rows)

    return spread


def _asleep(right: Callable[..., Any]) -> Any:
    def permit(throttle: Throttle, now: float, busy_s: float = 0.0) -> Permit:
        found: Permit = right(throttle, now, busy_s)
        return msgspec.structs.replace(found, for_s=math.inf) if not found.tokens else found

    return permit


async def _never(_engine: Any) -> None:
    """No deadline passes."""


def _from_the_top(_right: Any) -> Any:
    return classmethod(lambda kind, low, high: kind(low, high, high))


async def _without_waiting(*_args: Any, **_options: Any) -> None:
    """It is time already."""


async def _never_over(_engine: Any, _ending: Any) -> None:
    """No grace passes."""


def _late(right: Callable[..., Any]) -> Any:
    def lanes(*args: Any, not_before: float, **options: Any) -> tuple[GatedLane, ...]:
        found: tuple[GatedLane, ...] = right(*args, not_before=-math.inf, **options)
        return found

    return lanes


def _at_leisure(right: Callable[..., Any]) -> Any:
    async def make(attempts: Attempts[Any, Any], *args: Any) -> Any:
        attempts.tasks.start_soon(attempts._clock.sleep, _LATER_S)
        return await right(attempts, *args)

    return make


_LATER_S = 60.0


def _not_after_the_end(right: Callable[..., Any]) -> Any:
    def settle(attempts: Attempts[Any, Any], item: Any, history: Any) -> None:
        if attempts.end is None:
            right(attempts, item, history)
            return
        attempts._scheduler.open -= 1
        if attempts._scheduler.over:
            attempts._wake_all()

    return settle


def _of_all(right: Callable[..., Any]) -> Any:
    def ask(rule: HaltFirst, tally: Tally, name: str) -> Any:
        return right(msgspec.structs.replace(rule, count=tally.rows + 1), tally, name)

    return ask


SENDING = (
    fault(
        "nobody is protected",
        "Protected agents are set like all others.",
        {"run.plan.protected_agents.Protected.reason": always("")},
        caught_by={"protected"},
    ),
    fault(
        "any number of agents",
        "A roster with more agents than may be is carried out.",
        {"run.plan.protected_agents.refuse_numbers": always(None)},
        caught_by={"too many agents"},
    ),
    fault(
        "hang-up frees the slot",
        "After its timeout a request gives back slot and agent, though the gateway goes on (A3).",
        {
            "gateway.client.GatewayClient.attempt": _cut_at_once,
            "engine.throttle.lingering_requests.held_s": always(0.0),
        },
        caught_by={"within concurrency", "one for an agent"},
    ),
    fault(
        "each command for itself",
        "Commands on one ledger do not divide limit and rate of a gateway (A16).",
        {
            "run.sharing.division.granted": lambda _right: lambda own, _others: own.limit,
        },
        caught_by={"within concurrency", "within rate"},
    ),
    fault(
        "auto begins at its most",
        "--concurrency auto begins with the most that it may come to.",
        {"engine.throttle.adaptive_limit.Bounds.between": _from_the_top},
        caught_by={"grows by answers"},
    ),
    fault(
        "killed requests forgotten",
        "A resume counts nothing of what the killed command had in flight.",
        {"ledger.open_requests.requests_at_work": always({})},
        caught_by={"within concurrency"},
    ),
    fault(
        "rate catches up",
        "After a pause the rate makes up for all the starts that were left out.",
        {"engine.throttle.rate_limiter.RateLimiter.reserve": _catching_up},
        caught_by={"within rate"},
    ),
    fault(
        "gate counts attempts",
        "The gate counts agents to whom a request was sent, whatever came of it.",
        {"engine.gates.gatekeeper.Gatekeeper.ended": _counting_attempts},
        caught_by={"gate and floor"},
    ),
    fault(
        "permissions for people",
        "With --up-means available a gate counts an agent who is set, and not who was seen.",
        {"engine.gates.gatekeeper.Gatekeeper.__init__": _by_permission},
        caught_by={"gate and floor"},
    ),
    fault(
        "floor off by one",
        "The floor does not count the agent who is about to go off.",
        {"engine.gates.handover._floor": _one_too_few},
        caught_by={"gate and floor"},
    ),
    fault(
        "floor by outcomes",
        "The floor counts an agent as off once that is on disk, and not when the request leaves.",
        {"engine.gates.gatekeeper.Gatekeeper._take": _before_it_is_taken},
        caught_by={"gate and floor"},
    ),
    fault(
        "all are canaries",
        "Nothing waits for the canaries.",
        {"engine.gates.canary.spread": _as_one_lane},
        caught_by={"canary"},
    ),
    fault(
        "deadline ignored",
        "The deadline does not stop the run.",
        {"engine.engine.Engine._keep_deadline": lambda _right: _never},
        caught_by={"deadline"},
    ),
    fault(
        "grace ignored",
        "A stop waits for requests in flight as long as they take.",
        {"engine.engine.Engine._keep_grace": lambda _right: _never_over},
        caught_by={"stops in order"},
    ),
    fault(
        "starts at once",
        "--start-at is waited for by nobody.",
        {"run.prepared.await_start": instead(_without_waiting)},
        caught_by={"starts when told"},
    ),
    fault(
        "failures do not halt",
        "--halt fail=N halts nothing.",
        {
            "engine.gates.halt_rules.HaltShare.ask": always(Go()),
            "engine.gates.halt_rules.HaltCount.ask": always(Go()),
        },
        caught_by={"too many fail"},
    ),
    fault(
        "nobody wakes up",
        "The end of a pause wakes nobody, where nothing else happens.",
        {"engine.throttle.throttle.Throttle.permit": _asleep},
        caught_by={"comes to its end"},
    ),
    fault(
        "opposite at once",
        "A request does not wait for an earlier one in doubt that asked for the opposite.",
        {"run.handover.rules._gated_lanes": _late},
        caught_by={"one for an agent", "opposite waits"},
    ),
    fault(
        "drained without a word",
        "What comes back after a stop is waited for, and not recorded.",
        {"engine.attempts.Attempts._settle": _not_after_the_end},
        caught_by={"answer is told"},
    ),
    fault(
        "timers that stay",
        "The timer of each request stays when its answer has come.",
        {"engine.attempts.Attempts._make": _at_leisure},
        caught_by={"memory is bounded"},
    ),
    fault(
        "first answers of all",
        "The rule for the first agents waits until it has heard of all agents.",
        {"engine.gates.halt_rules.HaltFirst.ask": _of_all},
        caught_by={"wrong set-up halts"},
    ),
)
"""All of them."""
