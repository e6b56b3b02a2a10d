"""What people and other jobs do beside the main run."""

from __future__ import annotations

from tests.simulation.draw.draft import MAIN, Draft
from tests.simulation.draw.rosters import (
    assignments,
    cut_short,
    in_another_order,
    of_a_lead,
    of_others,
    with_other_flags,
)
from tests.simulation.world import Command, CommandKind, EventKind, GatewayModel

_READING = (
    (CommandKind.SHOW, 3.0),
    (CommandKind.RUNS, 2.0),
    (CommandKind.REPORT, 3.0),
    (CommandKind.CHECK, 1.0),
    (CommandKind.PRUNE, 1.5),
)
_PRUNED_S = (86_400, 400_000)
"""Younger runs are not taken out."""


def readers(draft: Draft) -> None:
    """Somebody looks on, or takes old runs out."""
    for _ in range(draft.dice.size(1, 4)):
        kind = draft.dice.weighted(_READING)
        command = Command(
            kind,
            roster=draft.roster.name if kind is CommandKind.CHECK else "",
            run=draft.dice.one_of(("last", f"process:{MAIN}")),
            older_than_s=draft.dice.scale(*_PRUNED_S) if kind is CommandKind.PRUNE else 0.0,
        )
        draft.start(draft.moment(0.0, 2.0), command)


def pruned(draft: Draft) -> None:
    """So long after the runs that they are old, somebody takes old runs out of the ledger.

    The clock jumps once the runs are over, or while one is at work or about to be resumed.
    """
    dice = draft.dice
    older_than_s = dice.scale(*_PRUNED_S)
    at_s = draft.afterwards() if dice.chance(0.7) else draft.moment(0.1, 1.2)
    days_s = older_than_s * dice.number(0.9, 2.0)
    draft.happens(EventKind.CLOCK_JUMP, at_s, seconds=round(days_s, 3))
    for _ in range(dice.size(1, 2)):
        at_s = round(at_s + dice.scale(0.01, 20), 3)
        draft.start(at_s, Command(CommandKind.PRUNE, older_than_s=older_than_s))


def observed(draft: Draft) -> None:
    """The main run looks at queues before and after, by the eyes of agents who are there."""
    dice = draft.dice
    models = {model.name: model for model in draft.gateways}
    there = [
        f"{row.gateway}/{row.agent}"
        for row in assignments(draft.roster)
        if row.flag == "1" and not _comes_or_goes(models[row.gateway], row.agent)
    ]
    if there:
        observers = [f"{agent}:{dice.whole(1, 3)}" for agent in dice.some_of(there, 3)]
        settings = {"verify_with": observers, "verify_again_after_s": dice.one_of((0.0, 2.0, 30.0))}
        draft.change(MAIN, settings=settings)


def _comes_or_goes(gateway: GatewayModel, agent: str) -> bool:
    return any(agent in times for times in (gateway.absent, gateway.leaves, gateway.newer))


def team_lead(draft: Draft) -> None:
    """A person sets a few of the agents otherwise, while the run is in progress or after it."""
    name = draft.add_roster(of_a_lead(draft.dice, draft.roster, draft.roster_name("lead")))
    at_s = draft.afterwards() if draft.dice.chance(0.4) else draft.moment(0.05)
    draft.start(
        at_s,
        draft.apply(
            name,
            person=draft.dice.chance(0.85),
            take_over="all" if draft.dice.chance(0.15) else "",
        ),
    )


def emergency(draft: Draft) -> None:
    """A person takes over from the main run, for some of its agents or for all."""
    name = draft.roster_name("emergency")
    other = (
        of_a_lead(draft.dice, draft.roster, name)
        if draft.dice.chance(0.5)
        else with_other_flags(draft.roster, name)
    )
    command = draft.apply(
        draft.add_roster(other),
        person=draft.dice.chance(0.8),
        take_over=draft.dice.one_of(("all", f"process:{MAIN}")),
    )
    draft.start(draft.moment(0.05), command)
    if draft.dice.chance(0.5):
        draft.again(MAIN, draft.dice.size(1, 3))


def second_shift(draft: Draft) -> None:
    """Another run sets the same agents to the other flags, and perhaps the first comes again."""
    name = draft.roster_name("evening")
    evening = draft.add_roster(with_other_flags(draft.roster, name))
    later_s = draft.afterwards() if draft.dice.chance(0.6) else draft.moment(0.2, 1.5)
    draft.start(
        later_s,
        draft.apply(evening, person=draft.dice.chance(0.4), or_resume=draft.dice.chance(0.4)),
    )
    if draft.dice.chance(0.5):
        first_again = draft.apply(
            draft.roster.name, or_resume=draft.dice.chance(0.7), person=draft.dice.chance(0.3)
        )
        draft.start(round(later_s + draft.dice.number(0.2, 20), 3), first_again)


def same_later(draft: Draft) -> None:
    """The same roster comes once more, in another order or cut short."""
    name = draft.roster_name("again")
    if draft.dice.chance(0.5):
        roster = in_another_order(draft.dice, draft.roster, name)
    else:
        roster = cut_short(draft.dice, draft.roster, name)
    at_s = draft.afterwards() if draft.dice.chance(0.5) else draft.moment(0.1, 1.5)
    draft.start(
        at_s,
        draft.apply(
            draft.add_roster(roster),
            or_resume=draft.dice.chance(0.6),
            person=draft.dice.chance(0.3),
        ),
    )


def neighbours(draft: Draft) -> None:
    """Other teams send at the same gateways, so that limit and rate are divided."""
    for _ in range(draft.dice.size(1, 2)):
        name = draft.roster_name("others")
        roster = draft.add_roster(of_others(draft.dice, draft.roster, name))
        fields = {"concurrency": draft.dice.size(1, 32)} if draft.dice.chance(0.3) else {}
        command = draft.apply(roster, person=draft.dice.chance(0.3), settings=fields)
        draft.start(draft.moment(-0.2, 1.0), command)


def set_back(draft: Draft) -> None:
    """The main run is reverted, and perhaps the revert, too."""
    at_s = draft.afterwards() if draft.dice.chance(0.7) else draft.moment(0.3, 1.5)
    number = draft.start(
        at_s,
        Command(
            CommandKind.REVERT,
            run=f"process:{MAIN}",
            person=draft.dice.chance(0.5),
            assume_opposite=draft.dice.chance(0.6),
        ),
    )
    if draft.dice.chance(0.3):
        again = Command(
            CommandKind.REVERT, run=f"process:{number}", assume_opposite=draft.dice.chance(0.5)
        )
        draft.start(round(at_s + draft.dice.number(0.5, 30), 3), again)


def gone_on_with(draft: Draft) -> None:
    """A person resumes the main run, also one that was halted."""
    command = Command(
        CommandKind.RESUME,
        run=f"process:{MAIN}",
        person=draft.dice.chance(0.6),
        override=draft.dice.chance(0.5),
    )
    draft.start(draft.afterwards(), command)
