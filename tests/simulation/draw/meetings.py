"""Troubles that are rare apart and do harm where they meet, drawn so that they do."""

from __future__ import annotations

import signal

import msgspec

from tests.simulation.draw.draft import MAIN, Draft
from tests.simulation.draw.faults import TWO_CODES
from tests.simulation.draw.rosters import Shape, draw_roster, going_off, of_a_lead, with_other_flags
from tests.simulation.world import Command, CommandKind, EventKind, Fault, FaultKind, SourceKind

_FINAL = ("100-009", "100-006", "000-002", "100-008")
_SET_UP = ("000-002", "000-003")
_PERHAPS_SET_UP = "100-007"
_LONG_S = 90.0
_GONE_S = 0.01
_BEFORE_S = 0.4
"""So long a command plans and connects, about."""


def _few_at_once(draft: Draft, most: int) -> None:
    draft.settings["concurrency"] = draft.dice.size(1, most)


def _wrong(draft: Draft, kind: FaultKind, begins_s: float, ends_s: float, **facts: object) -> None:
    """Something is wrong with all gateways at once."""
    for gateway in draft.gateways:
        fault = Fault(kind, gateway.name, round(begins_s, 3), round(ends_s, 3))
        draft.faults.append(msgspec.structs.replace(fault, **facts))


def _under_way(draft: Draft) -> float:
    """A time at which the main run has probably begun to send, and has not sent all."""
    draft.change(MAIN, person=False)
    return round(draft.begins_s + _BEFORE_S + draft.dice.number(0.1, 0.9) * draft.busy_s, 3)


def _slow(draft: Draft) -> float:
    """What is sent takes long at the gateways; a time at which requests are at work there."""
    seconds = round(draft.timeout_s * draft.dice.number(0.5, 1.8), 3)
    at_s = _under_way(draft)
    _wrong(draft, FaultKind.SLOW, 0.0, at_s + 1.0, seconds=seconds)
    return round(at_s + draft.dice.number(0.05, 0.8), 3)


def killed_while_slow(draft: Draft) -> None:
    """The main process is killed with requests at work, and somebody goes on at once."""
    _few_at_once(draft, 6)
    dead_s = _slow(draft)
    draft.happens(EventKind.KILL, dead_s, MAIN)
    later_s = round(dead_s + draft.dice.scale(0.01, 1.0), 3)
    if draft.dice.chance(0.5):
        draft.start(later_s, Command(CommandKind.RESUME, run=f"process:{MAIN}"))
    else:
        draft.start(later_s, draft.apply(draft.roster.name, or_resume=True))


def opposite_while_slow(draft: Draft) -> None:
    """The main process is gone with requests at work, and a person asks for the opposite."""
    gone_s = _slow(draft)
    if draft.dice.chance(0.5):
        draft.happens(EventKind.KILL, gone_s, MAIN)
    else:
        for at_s in (gone_s, round(gone_s + 0.05, 3)):
            draft.happens(EventKind.SIGNAL, at_s, MAIN, number=int(signal.SIGINT))
    evening = draft.add_roster(with_other_flags(draft.roster, draft.roster_name("evening")))
    later_s = round(gone_s + draft.dice.scale(0.1, 2.0), 3)
    draft.start(later_s, draft.apply(evening, person=draft.dice.chance(0.3)))


def taken_over_while_slow(draft: Draft) -> None:
    """Somebody takes over the same agents while requests for them are at work."""
    at_s = _slow(draft)
    command = draft.apply(
        draft.roster.name,
        person=draft.dice.chance(0.5),
        take_over=draft.dice.one_of(("all", f"process:{MAIN}")),
    )
    draft.start(at_s, command)


def refused_after_doubt(draft: Draft) -> None:
    """Requests have an effect and no answer; the next ones for the same agents are refused."""
    ends_s = _under_way(draft)
    # An answer that never comes is waited for, so a reset more often meets what comes next.
    kind = draft.dice.weighted([(FaultKind.RESET_AFTER, 0.7), (FaultKind.LOST_ANSWER, 0.3)])
    _wrong(draft, kind, 0.0, ends_s, share=draft.dice.number(0.3, 1.0), seconds=0.05)
    code, share = draft.dice.one_of(_FINAL), draft.dice.number(0.3, 1.0)
    _wrong(draft, FaultKind.REFUSES, ends_s, ends_s + _LONG_S, share=share, code=code)
    if draft.dice.chance(0.4):
        gone_s = round(ends_s + draft.dice.scale(0.01, 1.0), 3)
        draft.happens(EventKind.KILL, gone_s, MAIN)
        later_s = round(gone_s + draft.dice.scale(0.05, 5.0), 3)
        draft.start(later_s, Command(CommandKind.RESUME, run=f"process:{MAIN}"))


def refusals_behind_strays(draft: Draft) -> None:
    """On connections that are always in use, a reply too many hides what is refused."""
    _few_at_once(draft, 3)
    draft.settings["per_second"] = None
    begins_s, ends_s = 0.0, draft.begins_s + draft.busy_s + _LONG_S
    # A mark takes some milliseconds, after which the next request is on the connection.
    seconds, share = draft.dice.scale(0.003, 0.05), draft.dice.number(0.02, 0.3)
    _wrong(draft, FaultKind.STRAY, begins_s, ends_s, seconds=seconds, share=share)
    share = draft.dice.number(0.2, 0.7)
    _wrong(draft, FaultKind.REFUSES, begins_s, ends_s, code="100-009", share=share)


def paused_at_a_low_rate(draft: Draft) -> None:
    """A gateway asks for patience in the middle of a run with a low rate."""
    draft.settings["per_second"] = float(draft.dice.whole(3, 20))
    draft.settings["concurrency"] = 16
    begins_s = _under_way(draft)
    pause_s = float(draft.dice.whole(2, 6))
    _wrong(
        draft, FaultKind.STATUS, begins_s, begins_s + 0.5, code="429", seconds=pause_s, share=1.0
    )


def wrong_set_up(draft: Draft) -> None:
    """All get the same answer, which says that something is set up wrongly."""
    _few_at_once(draft, 8)
    draft.settings["halt_first"] = draft.dice.size(1, 10)
    draft.settings["per_second"] = float(draft.dice.whole(2, 12))
    code = draft.dice.one_of((*_SET_UP, _PERHAPS_SET_UP, _PERHAPS_SET_UP))
    if code == _PERHAPS_SET_UP:
        _many(draft)  # it is tried again for seconds, while others get it
    _wrong(draft, FaultKind.REFUSES, 0.0, draft.begins_s + _LONG_S, code=code)


def _many(draft: Draft) -> None:
    """So many agents that what counts them has something to count."""
    shape = Shape(
        agents=draft.dice.whole(60, 110),
        gateways=tuple(gateway.name for gateway in draft.gateways),
        flags=(draft.dice.one_of("01"),),
    )
    draft.rosters[0] = draw_roster(draft.dice, draft.roster.name, shape)
    draft.settings["handover"] = False


def many_to_try_again(draft: Draft) -> None:
    """A fast run whose agents are all to be tried again."""
    _many(draft)
    draft.settings["concurrency"] = draft.dice.one_of((draft.dice.whole(16, 64), "auto:2-64"))
    draft.settings["per_second"] = None
    code = draft.dice.one_of(("000-000", "000-007"))
    ends_s = draft.begins_s + draft.dice.number(2.0, 30.0)
    _wrong(draft, FaultKind.REFUSES, 0.0, ends_s, code=code, share=draft.dice.number(0.7, 1.0))


def many_refused(draft: Draft) -> None:
    """A run in which more agents are refused than --halt lets pass."""
    _many(draft)
    draft.settings["per_second"] = float(draft.dice.whole(10, 40))
    draft.settings["halt"] = draft.dice.one_of(("fail=5", "fail=20", "fail=10%", "fail=40%"))
    draft.settings["concurrency"] = draft.dice.whole(2, 16)
    ends_s = draft.begins_s + _LONG_S
    _wrong(draft, FaultKind.REFUSES, 0.0, ends_s, code="100-009", share=draft.dice.number(0.4, 0.9))


def gone_home(draft: Draft) -> None:
    """Agents have gone before they are taken off shift, which --absent-ok forgives."""
    draft.settings["absent_ok"] = True
    draft.source = SourceKind.COLUMN
    if all(row.flag == "1" for row in draft.roster.rows):
        draft.rosters[0] = with_other_flags(draft.roster, draft.roster.name)
    gone = going_off(draft.dice, draft.roster, "gone")
    for place, gateway in enumerate(draft.gateways):
        leaves = {row.agent: _GONE_S for row in gone.rows if row.gateway == gateway.name}
        leaves = {**gateway.leaves, **leaves}
        draft.gateways[place] = msgspec.structs.replace(gateway, leaves=leaves)


def set_twice_and_back(draft: Draft) -> None:
    """The same roster is applied once more, so that its revert leaves all as it is."""
    at_s = draft.afterwards()
    number = draft.start(at_s, draft.apply(draft.roster.name, person=draft.dice.chance(0.5)))
    later_s = round(at_s + draft.busy_s * 1.5 + draft.dice.number(3, 20), 3)
    back = Command(CommandKind.REVERT, run=f"process:{number}", person=draft.dice.chance(0.5))
    draft.start(later_s, back)


def again_after_a_person(draft: Draft) -> None:
    """A person sets some agents otherwise after the run; then a scheduler comes once more."""
    draft.change(MAIN, or_resume=True, person=False)
    name = draft.add_roster(of_a_lead(draft.dice, draft.roster, draft.roster_name("lead")))
    at_s = draft.afterwards()
    draft.start(at_s, draft.apply(name, person=True))
    later_s = round(at_s + draft.busy_s + draft.dice.number(12, 30), 3)
    draft.start(later_s, draft.apply(draft.roster.name, or_resume=True))


def resumed_by_a_clock_set_back(draft: Draft) -> None:
    """The clock was ahead while the main run was at work, and is set right; then it is resumed."""
    ahead_s = draft.dice.scale(120, 20_000)
    draft.ahead(MAIN, ahead_s)
    dead_s = _under_way(draft)
    draft.happens(EventKind.KILL, dead_s, MAIN)
    draft.start(
        round(dead_s + draft.dice.scale(0.05, 10.0), 3),
        Command(CommandKind.RESUME, run=f"process:{MAIN}"),
    )


def put_in_doubt_by_a_third_run(draft: Draft) -> None:
    """A second run takes some off beside a shift change, and a third one loses their way back.

    Agents coming on shift are few, so that the floor holds some of those that go off.
    """
    draft.settings.update(floor=draft.dice.one_of((0.8, 0.9, 1.0)), gate=0.0, allow_closing=True)
    draft.settings.pop("handover", None)
    dead_s = round(draft.begins_s + draft.dice.number(0.0, 0.4) * draft.busy_s, 3)
    draft.happens(EventKind.KILL, dead_s, MAIN)
    some = going_off(draft.dice, draft.roster, draft.roster_name("lead"))
    off, on = some, with_other_flags(some, f"{some.name}back")
    off_s = round(dead_s + draft.dice.scale(0.05, 1.0), 3)
    draft.start(off_s, draft.apply(draft.add_roster(off), person=True))
    # What was in flight at the kill is waited for.
    on_s = round(off_s + 2 * draft.timeout_s + draft.dice.number(4, 10), 3)
    third = draft.start(on_s, draft.apply(draft.add_roster(on), person=True))
    lost_s = round(on_s + draft.dice.number(4.5, 8.0), 3)
    _wrong(draft, FaultKind.LOST_REQUEST, on_s, lost_s)
    draft.happens(EventKind.KILL, lost_s, third)
    again = Command(CommandKind.RESUME, run=f"process:{MAIN}", person=True)
    if draft.dice.chance(0.4):
        again = draft.apply(draft.roster.name, person=True)
    draft.start(round(lost_s + draft.dice.scale(0.1, 10.0), 3), again)


def power_lost_while_sending(draft: Draft) -> None:
    """The machine loses its power in the middle of a run that must survive that."""
    draft.settings["durability"] = "full"
    dark_s = _under_way(draft)
    draft.happens(EventKind.POWER_LOSS, dark_s)
    draft.start(
        round(dark_s + draft.dice.scale(0.5, 20.0), 3),
        Command(CommandKind.RESUME, run=f"process:{MAIN}"),
    )


def two_codes(draft: Draft) -> None:
    """Some replies have two retcodes, of which the last says success."""
    share = draft.dice.number(0.1, 0.8)
    _wrong(draft, FaultKind.GARBAGE, 0.0, _under_way(draft) + 1.0, code=TWO_CODES, share=share)


def stopped_while_slow(draft: Draft) -> None:
    """A signal comes while requests are at work that take longer than the grace."""
    draft.settings["grace_s"] = draft.dice.scale(0.05, 2.0)
    number = draft.dice.one_of((signal.SIGINT, signal.SIGTERM))
    draft.happens(EventKind.SIGNAL, _slow(draft), MAIN, number=int(number))
