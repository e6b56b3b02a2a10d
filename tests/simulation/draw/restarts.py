"""Kills and stops, and what people and orchestrators start afterwards."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.simulation.draw.draft import MAIN, Draft
from tests.simulation.draw.rosters import in_another_order
from tests.simulation.world import Command, CommandKind, EventKind


def _resume(draft: Draft) -> Command:
    return Command(
        CommandKind.RESUME,
        run=draft.dice.one_of(("last", f"process:{MAIN}")),
        person=draft.dice.chance(0.4),
        override=draft.dice.chance(0.15),
    )


def _same_again(draft: Draft) -> Command:
    return draft.apply(
        draft.roster.name,
        or_resume=True,
        person=draft.dice.chance(0.2),
        override=draft.dice.chance(0.1),
    )


def _in_another_order(draft: Draft) -> Command:
    name = draft.roster_name("shuffled")
    return draft.apply(
        draft.add_roster(in_another_order(draft.dice, draft.roster, name)), or_resume=True
    )


def _revert(draft: Draft) -> Command:
    return Command(
        CommandKind.REVERT,
        run=f"process:{MAIN}",
        person=draft.dice.chance(0.5),
        assume_opposite=draft.dice.chance(0.6),
    )


def _anew(draft: Draft) -> Command:
    return draft.apply(draft.roster.name, person=draft.dice.chance(0.4))


def _take_over(draft: Draft) -> Command:
    return draft.apply(
        draft.roster.name,
        person=draft.dice.chance(0.6),
        take_over=draft.dice.one_of(("all", f"process:{MAIN}")),
    )


_RESTARTS: tuple[tuple[Callable[[Draft], Command], float], ...] = (
    (_resume, 5.0),
    (_same_again, 5.0),
    (_in_another_order, 1.5),
    (_revert, 1.5),
    (_anew, 0.7),
    (_take_over, 0.7),
)


def restarted(draft: Draft, at_s: float) -> int:
    """Something is started once the main run has come to its end; give its process."""
    again = draft.dice.size(1, 4) if draft.dice.chance(0.25) else 0
    return draft.start(at_s, draft.dice.weighted(_RESTARTS)(draft), again=again)


def _soon(draft: Draft, at_s: float) -> float:
    """A little after a kill; what was killed may still be at work at the gateway."""
    return round(at_s + draft.dice.scale(0.01, 15), 3)


def _kill(draft: Draft, process: int, from_s: float) -> float:
    """Kill a process at a time or at a look at the disk; give the time by which it is dead."""
    if draft.dice.chance(0.5):
        # Planning looks at the disk a few times, and each agent up to twice.
        most = 8 + 2 * len(draft.roster.rows)
        number = draft.dice.size(1, most)
        draft.happens(EventKind.KILL_AT_COMMIT, from_s, process, number=number)
        return round(from_s + draft.busy_s * draft.dice.number(0, 1) + 0.01, 3)
    at_s = round(from_s + draft.busy_s * draft.dice.number(0, 1.1) + draft.dice.scale(0.001, 1), 3)
    draft.happens(EventKind.KILL, at_s, process)
    return at_s


def kills(draft: Draft) -> None:
    """The main process is killed, started again, and killed again, up to four times."""
    process, from_s = MAIN, draft.begins_s
    for _ in range(draft.dice.size(1, 4)):
        began_s = _soon(draft, _kill(draft, process, from_s))
        process, from_s = restarted(draft, began_s), began_s


def killed_by_orchestrator(draft: Draft) -> None:
    """An orchestrator starts the same command again each time that it is killed."""
    draft.again(MAIN, draft.dice.size(2, 6))
    draft.change(MAIN, or_resume=True, person=False)
    from_s = draft.begins_s
    for _ in range(draft.dice.size(1, 4)):
        from_s = _soon(draft, _kill(draft, MAIN, from_s))


def stops(draft: Draft) -> None:
    """Ctrl-C once or twice, SIGTERM or SIGHUP, and something to go on with."""
    at_s = draft.moment()
    number = draft.dice.weighted(
        [(signal.SIGINT, 3.0), (signal.SIGTERM, 2.0), (signal.SIGHUP, 0.5)]
    )
    times = draft.dice.weighted([(1, 3.0), (2, 2.0), (3, 0.5)])
    for _ in range(times):
        draft.happens(EventKind.SIGNAL, at_s, MAIN, number=int(number))
        at_s = round(at_s + draft.dice.scale(0.01, 3), 3)
    if draft.dice.chance(0.85):
        restarted(draft, _soon(draft, at_s))


def rivals_after_a_kill(draft: Draft) -> None:
    """The main process is killed, and two or three start at once to go on with its run."""
    dead_s = _kill(draft, MAIN, draft.begins_s)
    at_once(draft, _soon(draft, dead_s), draft.dice.whole(2, 3))


def rivals(draft: Draft) -> None:
    """Two or three processes start at once with the command of the main process."""
    draft.change(MAIN, or_resume=True, person=False)
    at_once(draft, draft.begins_s, draft.dice.whole(1, 2))


def at_once(draft: Draft, at_s: float, processes: int) -> None:
    """So many start within a moment, each to go on with the run of the main roster."""
    for _ in range(processes):
        again = draft.dice.size(1, 3) if draft.dice.chance(0.3) else 0
        later = 0.0 if draft.dice.chance(0.5) else draft.dice.scale(0.001, 0.5)
        restart = _resume if draft.dice.chance(0.15) else _same_again
        draft.start(round(at_s + later, 3), restart(draft), again=again)
