"""Troubles of the machine: its clock, its disk, its power."""

from __future__ import annotations

from tests.simulation.draw.draft import Draft
from tests.simulation.draw.restarts import restarted
from tests.simulation.world import EventKind


def clock_jumps(draft: Draft) -> None:
    """The clock of day is set, forward or back, by seconds, hours or days."""
    for _ in range(draft.dice.size(1, 3)):
        most_s = draft.dice.weighted([(60, 3.0), (20_000, 2.0), (300_000, 1.0)])
        by_s = draft.dice.scale(0.5, most_s) * draft.dice.one_of((1, -1))
        draft.happens(EventKind.CLOCK_JUMP, draft.moment(-0.5, 1.5), seconds=by_s)


def clock_ahead(draft: Draft) -> None:
    """A process has a clock that is ahead, or behind."""
    process = draft.dice.whole(1, draft.processes)
    most_s = draft.dice.weighted([(60, 2.0), (20_000, 1.0)])
    ahead_s = draft.dice.scale(0.1, most_s) * draft.dice.one_of((1, -1))
    draft.ahead(process, ahead_s)


def disk_full(draft: Draft) -> None:
    """The ledger takes nothing more for a while."""
    at_s, lasts_s = draft.moment(-0.1), draft.dice.scale(0.05, 20)
    number = draft.dice.whole(0, 1)
    draft.happens(EventKind.DISK_FULL, at_s, seconds=lasts_s, number=number)
    if draft.dice.chance(0.7):
        restarted(draft, round(at_s + lasts_s + draft.dice.number(0.1, 5), 3))


def read_only(draft: Draft) -> None:
    """The ledger's file system is read-only for a while."""
    at_s, lasts_s = draft.moment(-0.1), draft.dice.scale(0.05, 20)
    number = draft.dice.whole(0, 1)
    draft.happens(EventKind.READ_ONLY, at_s, seconds=lasts_s, number=number)
    if draft.dice.chance(0.7):
        restarted(draft, round(at_s + lasts_s + draft.dice.number(0.1, 5), 3))


def power_loss(draft: Draft) -> None:
    """The machine loses its power, and comes back."""
    if draft.dice.chance(0.7):
        draft.settings["durability"] = "full"
    at_s = draft.moment()
    draft.happens(EventKind.POWER_LOSS, at_s)
    restarted(draft, round(at_s + draft.dice.number(0.5, 20), 3))
