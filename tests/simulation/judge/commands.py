"""Commands: which of them may send, and what their exit codes say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import msgspec

from tests.simulation.history import Ended, Morning
from tests.simulation.judge.evidence import KILLED, Evidence, assignments_of
from tests.simulation.world import SENDING, Command, FaultKind

_UNTRUSTED = frozenset({FaultKind.NO_NAME, FaultKind.TLS})
_NOBODY = 5
_REFUSED = 2
_AT_ONCE_S = 1.0
_SKEW_S = 61.0
"""Clocks of machines differ by up to a minute."""


def one_process_at_a_time(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A run belongs to one process, and nothing of it is sent when that process has ended."""
    for run_id, legs in evidence.legs.items():
        for one, other in combinations(legs, 2):
            if _interleaved(evidence, one, other):
                yield f"run {run_id}: processes {one.process} and {other.process} sent at once"
    for process, requests in evidence.of_process.items():
        last = requests[-1]
        connecting_s = float(evidence.settings(process).get("connect_timeout_s", 3.0))
        if last.arrived_s > evidence.alive_until_s(process) + connecting_s:
            yield (
                f"process {process} ended at {evidence.alive_until_s(process):.3f} s, and its"
                f" request {last.number} arrived at {last.arrived_s:.3f} s"
            )


def one_run_for_an_agent(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Of two runs that want the same agents at once, only one sends.

    Guide, guardrails: a person's run gets those that the run in progress has not under way.
    """
    senders = [evidence.ended[each] for each in evidence.of_process if each in evidence.ended]
    for one, other in combinations(senders, 2):
        if one.command.person or other.command.person or one.sent_for == other.sent_for:
            continue
        agents = evidence.agents_of_process(one.process) & evidence.agents_of_process(other.process)
        if agents and _interleaved(evidence, one, other):
            yield (
                f"processes {one.process} of run {one.sent_for} and {other.process} of run"
                f" {other.sent_for} sent at once for {sorted(agents)[:3]}"
            )


def take_over_waits(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A run that was taken over begins nothing more, and what it has on its way is waited for."""
    for taker in evidence.ended.values():
        sent = evidence.of_process.get(taker.process)
        if not taker.command.take_over or not sent:
            continue
        first_s = sent[0].arrived_s
        agents = evidence.agents_of_process(taker.process)
        for other, requests in evidence.of_process.items():
            named = taker.command.take_over in {"all", f"process:{other}"}
            at_work = requests[0].arrived_s < first_s <= evidence.alive_until_s(other)
            mine = evidence.run_of.get(other) == taker.sent_for
            if (
                not named
                or not at_work
                or mine
                or agents.isdisjoint(evidence.agents_of_process(other))
            ):
                continue
            under_way = [
                each.number for each in requests if evidence.at_work_until_s(each) > first_s
            ]
            if under_way and (requests[0].gateway, other) not in evidence.strayed:
                yield (
                    f"process {taker.process} took over from process {other} and sent at"
                    f" {first_s:.3f} s, while {under_way} were at work or still to come"
                )


def _interleaved(evidence: Evidence, one: Ended, other: Ended) -> bool:
    sent = [evidence.of_process.get(each.process) for each in (one, other)]
    if not sent[0] or not sent[1]:
        return False
    last = [
        min(each[-1].arrived_s, evidence.alive_until_s(each[-1].process)) for each in sent if each
    ]
    return sent[0][0].arrived_s < last[1] and sent[1][0].arrived_s < last[0]


def one_of_several(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Of several `--or-resume` at once exactly one sends; the others are 5, and never 2."""
    commands = [each for each in evidence.ended.values() if each.command.kind in SENDING]
    rivals = [each for each in commands if each.command.or_resume]
    distrusted = {fault.kind for fault in morning.world.faults} & _UNTRUSTED
    for one in rivals:
        beside = [other for other in commands if other is not one and _at_once(one, other)]
        sure = not evidence.disk_failed and not evidence.clocks_moved
        if one.exit_code == _NOBODY and not one.sent_for and sure:
            chain = _gave_way_to(one, commands)
            if all(_gave_way(other) for other in chain):
                names = sorted(other.process for other in chain)
                yield (
                    f"process {one.process} ended with 5 at {one.ended_s:.3f} s as if its run was"
                    f" in progress, and nobody was at work; at once were {names}"
                )
        elif one.exit_code == _REFUSED and not distrusted and sure:
            alike = [
                other.process
                for other in beside
                if _same(evidence, one.command, other.command)
                and other.exit_code not in {_REFUSED, KILLED}
            ]
            if alike:
                yield f"process {one.process} ended with 2, and the same command did not: {alike}"
    for pair in combinations([each for each in rivals if each.process in evidence.of_process], 2):
        one, other = sorted(pair, key=lambda each: evidence.of_process[each.process][0].arrived_s)
        agreed = msgspec.structs.replace(one.command, person=other.command.person)
        if _same(evidence, agreed, other.command) and _both(evidence, one, other):
            yield f"processes {one.process} and {other.process} of one roster both sent"


def _both(evidence: Evidence, one: Ended, other: Ended) -> bool:
    """Whether another one has sent, too, that had begun while the first one was sending."""
    if _interleaved(evidence, one, other):
        return True
    if one.exit_code == KILLED or evidence.disk_failed or evidence.clocks_moved:
        return False
    young = float(other.settings.get("max_age_s", 7200.0)) > _YOUNG_S
    return young and other.began_s < evidence.of_process[one.process][-1].arrived_s


def _gave_way(one: Ended) -> bool:
    return one.exit_code == _NOBODY and not one.sent_for


def _gave_way_to(one: Ended, commands: list[Ended]) -> list[Ended]:
    """The commands at once with one, with those to which these gave way in their turn."""
    found, look = [one], [one]
    while look:
        each = look.pop()
        new = [other for other in commands if other not in found and _at_once(each, other)]
        found += new
        look += [other for other in new if _gave_way(other)]
    return found[1:]


_YOUNG_S = 600.0
"""No morning's run is as old as this while another command thinks about it."""


def _at_once(one: Ended, other: Ended) -> bool:
    return one.began_s <= other.ended_s and other.began_s <= one.ended_s


def _same(evidence: Evidence, one: Command, other: Command) -> bool:
    return (
        one.or_resume == other.or_resume
        and (one.skip_invalid, one.settings, one.person)
        == (other.skip_invalid, other.settings, other.person)
        and assignments_of(evidence.rosters.get(one.roster))
        == assignments_of(evidence.rosters.get(other.roster))
    )


def refused_sends_nothing(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """With exit 2, after a refusal, and from commands that only read, nothing is sent."""
    for process, requests in evidence.of_process.items():
        end = evidence.ended.get(process)
        if end is None:
            continue
        refused = end.exit_code == _REFUSED or end.result.get("state") == "refused"
        if refused or end.command.kind not in SENDING:
            yield (
                f"process {process} ({end.command.kind.value}) ended with {end.exit_code}, and"
                f" {len(requests)} requests of it arrived, the first at"
                f" {requests[0].arrived_s:.3f} s"
            )


def not_too_old(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A run that stood still for --max-age, or that a clock ahead has recorded, is refused."""
    if evidence.forgot:
        return
    for run_id, legs in evidence.legs.items():
        for leg in legs[1:]:
            before = [
                each
                for each in evidence.ended.values()
                if each.run_id == run_id and each.ended_s <= leg.began_s
            ]
            if not before:
                continue
            last = max(before, key=lambda each: each.ended_s)
            began_s = evidence.time_of_day_s(leg, leg.began_s)
            by_clock_s = began_s - evidence.time_of_day_s(last, last.ended_s)
            idle_s = min(leg.began_s - last.ended_s, by_clock_s)
            most_s = float(leg.settings.get("max_age_s", 7200.0))
            if idle_s > most_s + _AT_ONCE_S:
                yield (
                    f"run {run_id}: process {leg.process} went on with it after {idle_s:.0f} s,"
                    f" allowed are {most_s:g}"
                )
            sent = evidence.of_process.get(last.process, ())
            # A leg that ended says when it did; of one that was killed the marks are known.
            last_s = sent[-1].arrived_s if sent and last.exit_code == KILLED else last.ended_s
            ahead_s = evidence.time_of_day_s(last, last_s) - began_s
            if sent and ahead_s > _SKEW_S:
                yield (
                    f"run {run_id}: process {leg.process} went on with it, and the clock of process"
                    f" {last.process} had been {ahead_s:.0f} s ahead of its own"
                )


def no_defect(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """No command ends with a traceback, nor with 1 where the disk has taken its report.

    Guide, codes: 1 is also the end of a command whose report could not be written.
    """
    for end in evidence.ended.values():
        told = any("Traceback" in line for line in end.said)
        unwritten = evidence.disk_failed and not end.report
        if (end.exit_code == 1 and not unwritten) or end.traceback or told:
            lines = end.traceback.strip().splitlines() or [*end.said] or ["nothing was said"]
            yield (
                f"process {end.process} ({end.command.kind.value}) ended with {end.exit_code} at"
                f" {end.ended_s:.3f} s: {lines[-1]}"
            )


def as_the_interface_has_it(morning: Morning, _evidence: Evidence) -> Iterator[str]:
    """Every request is one that the interface has, and that anybody may send."""
    yield from morning.violations
