"""Classes of trouble, one row each, so that each meets simple surroundings often."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tests.simulation.draw import machine, meetings, outages, people, restarts
from tests.simulation.draw.draft import Draft

Trouble = Callable[[Draft], None]


class Profile(msgspec.Struct, frozen=True):
    """What worlds of this class are like."""

    name: str
    weight: float
    always: tuple[Trouble, ...] = ()
    sometimes: tuple[Trouble, ...] = ()
    often: float = 0.4
    """How likely each of those that come sometimes is."""
    keen: frozenset[str] = frozenset()
    """The choices of settings that it is about."""
    both_flags: float = 0.4
    """How likely a roster has both."""
    teams: float = 0.2
    """How likely its agents are in teams."""


_LIMITS = frozenset({"concurrency", "rate"})
_SHORT = frozenset({"timeouts", "retry_for", "give_up_after"})
_SHIFT = frozenset({"gate", "floor", "groups", "closing"})

_MEETINGS: tuple[tuple[Trouble, float], ...] = (
    (meetings.killed_while_slow, 0.6),
    (meetings.opposite_while_slow, 0.6),
    (meetings.taken_over_while_slow, 0.6),
    (meetings.refused_after_doubt, 1.2),
    (meetings.refusals_behind_strays, 1.2),
    (meetings.paused_at_a_low_rate, 0.6),
    (meetings.wrong_set_up, 0.6),
    (meetings.many_to_try_again, 0.6),
    (meetings.many_refused, 0.6),
    (meetings.gone_home, 0.6),
    (meetings.set_twice_and_back, 0.6),
    (meetings.again_after_a_person, 0.6),
    (meetings.resumed_by_a_clock_set_back, 0.6),
    (meetings.power_lost_while_sending, 0.6),
    (meetings.two_codes, 0.6),
    (meetings.stopped_while_slow, 0.6),
)
"""Each is a class of its own; those of which one is not enough to be seen by come more often."""

PROFILES = (
    Profile("calm", 1.0, sometimes=(people.readers, people.second_shift, people.set_back)),
    Profile(
        "kills",
        3.0,
        always=(restarts.kills,),
        sometimes=(outages.some_fault, people.readers, people.team_lead),
        often=0.2,
        keen=_LIMITS,
    ),
    Profile(
        "orchestrator",
        1.5,
        always=(restarts.killed_by_orchestrator,),
        sometimes=(outages.some_fault, people.team_lead, people.emergency),
        often=0.3,
        keen=_LIMITS,
    ),
    Profile(
        "rivals",
        2.0,
        always=(restarts.rivals,),
        sometimes=(outages.some_fault, people.readers),
        often=0.2,
    ),
    Profile("rivals after a kill", 2.0, always=(restarts.rivals_after_a_kill,), keen=_LIMITS),
    Profile(
        "slow gateway",
        2.0,
        always=(outages.slow_gateway,),
        sometimes=(restarts.kills, outages.lost_answers, people.neighbours),
        often=0.3,
        keen=_LIMITS | _SHORT,
    ),
    Profile(
        "lost answers",
        1.5,
        always=(outages.lost_answers,),
        sometimes=(restarts.stops, outages.bad_requests, people.second_shift),
        keen=_SHORT,
    ),
    Profile(
        "strays",
        2.0,
        always=(outages.strays,),
        sometimes=(outages.bad_requests, people.team_lead, restarts.kills),
        often=0.2,
        keen=_LIMITS,
    ),
    Profile(
        "outages",
        2.0,
        always=(outages.no_connection,),
        sometimes=(outages.turned_away, outages.bad_requests, restarts.stops),
        keen=_SHORT,
    ),
    Profile(
        "failovers",
        1.0,
        always=(outages.failover,),
        sometimes=(outages.new_sessions, people.team_lead, restarts.kills),
        keen=frozenset({"resend", "rate"}),
    ),
    Profile(
        "too many requests",
        1.0,
        always=(outages.turned_away,),
        sometimes=(people.neighbours, outages.slow_gateway),
        keen=_LIMITS | {"burst"},
    ),
    Profile(
        "shared limits",
        2.0,
        always=(people.neighbours,),
        sometimes=(restarts.kills, outages.slow_gateway, people.team_lead),
        often=0.3,
        keen=_LIMITS | {"burst"},
    ),
    Profile(
        "handover",
        2.5,
        sometimes=(
            outages.some_fault,
            outages.absent_agents,
            outages.lost_answers,
            restarts.kills,
            people.set_back,
            people.team_lead,
        ),
        often=0.3,
        keen=_SHIFT,
        both_flags=1.0,
        teams=0.6,
    ),
    Profile(
        "handover with people",
        1.0,
        always=(meetings.put_in_doubt_by_a_third_run,),
        sometimes=(outages.lost_answers, people.team_lead, people.same_later),
        often=0.1,
        both_flags=1.0,
        teams=0.2,
    ),
    Profile(
        "guardrails",
        1.0,
        always=(outages.bad_requests,),
        sometimes=(people.gone_on_with, restarts.kills),
        keen=frozenset({"canary", "halt", "halt_first", "deadline"}),
    ),
    Profile(
        "sessions",
        1.5,
        always=(outages.new_sessions,),
        sometimes=(outages.absent_agents, outages.leaving_agents, outages.bad_source),
        keen=frozenset({"sign_in", "absent"}),
    ),
    Profile(
        "clocks",
        1.5,
        always=(machine.clock_jumps,),
        sometimes=(
            machine.clock_ahead,
            restarts.kills,
            people.neighbours,
            people.set_back,
            outages.absent_agents,
        ),
        keen=frozenset({"age", "rate"}),
    ),
    Profile(
        "pruned",
        0.8,
        always=(people.pruned,),
        sometimes=(
            people.set_back,
            people.team_lead,
            people.gone_on_with,
            people.readers,
            restarts.kills,
        ),
    ),
    Profile("disk full", 1.0, always=(machine.disk_full,), sometimes=(outages.some_fault,)),
    Profile("read-only disk", 0.7, always=(machine.read_only,), sometimes=(people.readers,)),
    Profile(
        "power",
        1.0,
        always=(machine.power_loss,),
        sometimes=(outages.lost_answers, people.team_lead),
        keen=_LIMITS,
    ),
    Profile(
        "stops",
        1.5,
        always=(restarts.stops,),
        sometimes=(outages.slow_gateway, people.gone_on_with),
        often=0.3,
        keen=_LIMITS | {"grace"},
    ),
    Profile(
        "people",
        2.5,
        always=(people.team_lead,),
        sometimes=(
            people.emergency,
            people.second_shift,
            people.same_later,
            people.set_back,
            people.gone_on_with,
            people.readers,
            restarts.kills,
        ),
        often=0.3,
        keen=_LIMITS,
    ),
    *(
        Profile(meeting.__name__.replace("_", " "), weight, always=(meeting,))
        for meeting, weight in _MEETINGS
    ),
    Profile("emergency", 1.0, always=(people.emergency,), sometimes=(people.gone_on_with,)),
    Profile(
        "everything",
        3.0,
        sometimes=(
            outages.many_faults,
            outages.failover,
            outages.absent_agents,
            outages.leaving_agents,
            outages.new_sessions,
            outages.bad_source,
            people.team_lead,
            people.emergency,
            people.second_shift,
            people.same_later,
            people.neighbours,
            people.set_back,
            people.readers,
            people.pruned,
            restarts.kills,
            restarts.stops,
            restarts.rivals,
            machine.clock_jumps,
            machine.clock_ahead,
            machine.disk_full,
            machine.read_only,
            machine.power_loss,
        ),
        often=0.2,
        keen=_LIMITS | _SHORT,
    ),
)
"""All of them."""
