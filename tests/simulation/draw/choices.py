"""What each setting may be in a world: one row a setting, weighted to what matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tests.simulation.draw.dice import Dice

Drawn = Mapping[str, Any]


class Facts(msgspec.Struct, frozen=True):
    """What is known of a world when its settings are drawn."""

    agents: int
    """Rows of the main roster at the gateway that has most of them."""
    latency_s: float
    """Of the slowest gateway."""
    gateways: tuple[str, ...]
    names: tuple[str, ...]
    """The IDs of the main roster's agents."""
    teams: int
    closing: bool
    """Whether a team or gateway has agents going off shift, and nobody comes on shift in it."""


class Choice(msgspec.Struct, frozen=True):
    """A setting, or a few that belong together."""

    name: str
    often: float
    """How likely it is drawn in a world that is not about it."""
    draw: Callable[[Dice, Facts], Drawn]


def _concurrency(dice: Dice, facts: Facts) -> Drawn:
    least = dice.size(1, 8)
    limit = dice.weighted(
        [
            (dice.whole(1, 4), 4.0),
            (dice.whole(2, 32), 4.0),
            ("auto:2-16", 1.0),
            (f"auto:{least}-{least + dice.size(1, 32)}", 1.0),
        ]
    )
    return {"concurrency": limit}


def _rate(dice: Dice, facts: Facts) -> Drawn:
    # Most troubles need a run that takes a while.
    paced = min(1_000.0, max(0.5, facts.agents / dice.scale(0.3, 20)))
    rate = dice.weighted([(None, 3.0), (float(f"{paced:.3g}"), 5.0), (dice.scale(1, 50), 2.0)])
    return {"per_second": rate}


def _timeouts(dice: Dice, facts: Facts) -> Drawn:
    timeout = dice.scale(0.5, 10)
    return {"timeout_s": timeout, "connect_timeout_s": round(timeout * dice.number(0.1, 0.9), 3)}


def _deadline(dice: Dice, facts: Facts) -> Drawn:
    # An agent at a time takes so long, and many at a time less.
    longest = facts.agents * facts.latency_s + 10
    return {"deadline_s": dice.scale(0.2, longest)}


def _halt(dice: Dice, facts: Facts) -> Drawn:
    count = dice.size(1, max(2, facts.agents))
    return {"halt": dice.one_of((f"fail={dice.whole(1, 60)}%", f"fail={count}"))}


def _groups(dice: Dice, facts: Facts) -> Drawn:
    columns = [
        *(["group"] if facts.teams else []),
        *(["gateway"] if len(facts.gateways) > 1 else []),
    ]
    return {"group_by": dice.one_of(columns)} if columns else {}


def _closing(dice: Dice, facts: Facts) -> Drawn:
    # Without it, such a team stays on for ever, which a few worlds are enough for.
    return {"allow_closing": dice.chance(0.9 if facts.closing else 0.5)}


def _at_gateways(dice: Dice, facts: Facts) -> Drawn:
    """Limits of single gateways, which go over the general ones."""
    drawn = (_sized("burst", 1, 10), _concurrency, _rate)  # as a file has them
    at = {
        name: {
            limit: value
            for draw in drawn
            if dice.chance(0.6)
            for limit, value in draw(dice, facts).items()
        }
        for name in sorted(facts.gateways)
    }
    return {"at_gateways": at}


def _protect(dice: Dice, facts: Facts) -> Drawn:
    return {"protect": sorted(set(dice.some_of(facts.names, 4)))}


def _max_agents(dice: Dice, facts: Facts) -> Drawn:
    # At times there are too many: then nothing may come of it.
    agents = len(facts.names)
    low, high = (1, max(1, agents - 1)) if dice.chance(0.5) else (agents, 2 * agents)
    return {"max_agents": dice.whole(low, high)}


def _fixed(name: str, *values: Any) -> Callable[[Dice, Facts], Drawn]:
    return lambda dice, facts: {name: dice.one_of(values)}


def _scaled(name: str, low: float, high: float) -> Callable[[Dice, Facts], Drawn]:
    return lambda dice, facts: {name: dice.scale(low, high)}


def _sized(name: str, low: int, high: int) -> Callable[[Dice, Facts], Drawn]:
    return lambda dice, facts: {name: dice.size(low, high)}


def _retry_for(dice: Dice, facts: Facts) -> Drawn:
    return {"retry_for_s": 0.0 if dice.chance(0.3) else dice.scale(1, 120)}


def _halt_first(dice: Dice, facts: Facts) -> Drawn:
    return {"halt_first": 0 if dice.chance(0.3) else dice.size(1, 50)}


CHOICES = (
    Choice("concurrency", 0.7, _concurrency),
    Choice("rate", 0.6, _rate),
    Choice("burst", 0.15, _sized("burst", 2, 20)),
    Choice("timeouts", 0.4, _timeouts),
    Choice("max_attempts", 0.15, _sized("max_attempts", 1, 12)),
    Choice("retry_for", 0.25, _retry_for),
    Choice("give_up_after", 0.25, _scaled("give_up_after_s", 1, 60)),
    Choice("gate", 0.3, _fixed("gate", 0.0, 0.5, 0.8, 0.9, 1.0)),
    Choice("floor", 0.15, _fixed("floor", 0.3, 0.5, 0.8, 0.9, 1.0)),
    Choice("groups", 0.3, _groups),
    Choice("order", 0.05, _fixed("handover", False)),
    Choice("closing", 0.9, _closing),
    Choice("canary", 0.1, _sized("canary", 1, 20)),
    Choice("halt", 0.05, _halt),
    Choice("halt_first", 0.1, _halt_first),
    Choice("deadline", 0.05, _deadline),
    Choice("grace", 0.2, _scaled("grace_s", 0.05, 15)),
    Choice("sign_in", 0.1, _scaled("wait_for_sign_in_s", 3, 120)),
    Choice("absent", 0.1, _fixed("absent_ok", True)),
    Choice("available", 0.04, _fixed("up_means", "available")),
    Choice("durability", 0.1, _fixed("durability", "full")),
    Choice("age", 0.05, _scaled("max_age_s", 20, 7_200)),
    Choice("trust", 0.05, _scaled("trust_state_s", 5, 28_800)),
    Choice("at_gateways", 0.08, _at_gateways),
    Choice("protect", 0.06, _protect),
    Choice("max_agents", 0.05, _max_agents),
    Choice("job", 0.1, _fixed("job", "morning")),
    Choice("resend", 0.1, _fixed("resend_after_switchover", True)),
)
"""Every setting that a world may have otherwise than bulkagent's defaults."""

_KEEN = 0.9
"""How likely a setting is drawn in a world that is about it."""


def draw_settings(dice: Dice, facts: Facts, keen: frozenset[str]) -> dict[str, Any]:
    """Fields of `Settings` as builtins.

    Args:
        dice: What decides.
        facts: Of the world.
        keen: Names of choices that the world is about.
    """
    chosen = [
        choice.draw(dice, facts)
        for choice in CHOICES
        if dice.chance(_KEEN if choice.name in keen else choice.often)
    ]
    return {name: value for drawn in chosen for name, value in drawn.items()}
