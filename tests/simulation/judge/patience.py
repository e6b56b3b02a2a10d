"""What a gateway that is unwell gets: further attempts, pauses, probes, and the end of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from tests.simulation.history import Handled, Morning
from tests.simulation.judge.evidence import Evidence, answered_in_time

_LATE_S = 0.3
"""What has its mark by then still reaches the gateway: so long at most after word of an answer."""
_IN_A_ROW = 10
_LEAST_PAUSE_S = 0.24
"""Of the shortest pause of half a second, half is certain."""
_UNANSWERED_S = 30.0
_LONGEST_PAUSE_S = 120.0
_SHARE = 0.2
_PER_SECOND = 10.0
_FAILS_OVER = frozenset({"000-004", "105-002", "105-003", "105-004"})
_FAILS = _FAILS_OVER | {"reset", "nothing", "garbage"}
_TRIED_AGAIN = _FAILS | {"000-000", "000-007", "100-003", "100-007"}
"""Answers after which an agent is tried again, as a retry and after a while."""
_OF_A_SESSION = frozenset({"100-006", "100-008"})
_PAGE = "http "
_TOO_MANY = "http 429"
_FIRST_WINDOW_S = 0.5
_LAST_WINDOW_S = 15.0
_PART = 0.015
_CHANCES = 4
"""So many waits in a row, each within this part of its time, come once in twenty million."""
_READY = frozenset({"105-003", "nothing"})
"""Answers after which nothing is waited for, or after which nobody knows from when on."""

Sent = Sequence[Handled]


def _visits(evidence: Evidence) -> Iterator[tuple[int, str, Sent]]:
    """What each process has sent to each gateway, where an answer is what it looks like."""
    for process, requests in evidence.of_process.items():
        if process not in evidence.ended:
            continue
        at: defaultdict[str, list[Handled]] = defaultdict(list)
        for each in requests:
            at[each.gateway].append(each)
        for gateway, sent in at.items():
            if (gateway, process) not in evidence.strayed:
                yield process, gateway, sent


def _of_agents(evidence: Evidence) -> Iterator[tuple[int, str, Sent]]:
    """What each process has sent for each agent by itself, and not once more for all."""
    for process, gateway, sent in _visits(evidence):
        settings = evidence.settings(process)
        if settings.get("resend_after_switchover"):
            continue
        polls = settings.get("wait_for_sign_in_s")
        for agent in sorted({each.agent for each in sent}):
            own = [each for each in sent if each.agent == agent]
            if not polls or _OF_A_SESSION.isdisjoint(each.answer for each in own):
                yield process, f"agent {agent} at {gateway}", own


def _known_s(evidence: Evidence, request: Handled) -> float:
    """When its sender surely knew how a request ended, or that no answer came in time."""
    overdue_s = request.arrived_s + float(evidence.settings(request.process)["timeout_s"])
    if request.ended_s is None or request.answer == "nothing":
        return overdue_s
    return min(request.ended_s if request.reset_s is None else request.reset_s, overdue_s)


def _fails(request: Handled) -> bool:
    return request.answer in _FAILS or request.answer.startswith(_PAGE)


def attempts_end(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """After --max-attempts one more follows, and others only within --retry-for."""
    for process, told, sent in _of_agents(evidence):
        settings: Any = evidence.settings(process)
        most, within_s = int(settings["max_attempts"]), float(settings["retry_for_s"] or 0.0)
        for number, (before, after) in enumerate(pairwise(sent), 1):
            elapsed_s = before.arrived_s - sent[0].arrived_s
            if number >= most and elapsed_s >= within_s:
                yield (
                    f"process {process}, {told}: {number} requests in {elapsed_s:.3f} s, and"
                    f" {after.number} arrived at {after.arrived_s:.3f} s; allowed are {most}, or"
                    f" {within_s:g} s"
                )
                break


def waits_are_random(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """An agent that may be tried again waits for a random time first."""
    for process, told, sent in _of_agents(evidence):
        row, repeats, last = 0, 0, ""
        for before, after in pairwise(sent):
            repeats = repeats + 1 if before.answer == last else 1
            last = before.answer
            window_s = min(_LAST_WINDOW_S, _FIRST_WINDOW_S * 2.0 ** (repeats - 1))
            waited_s = after.arrived_s - _known_s(evidence, before)
            again = _fails(before) or before.answer in _TRIED_AGAIN
            at_once = again and last not in _READY and waited_s < _PART * window_s
            row = row + 1 if at_once else 0
            if row >= _CHANCES:
                yield (
                    f"process {process}, {told}: {row} times in a row sent again at once, the last"
                    f" time request {after.number} at {after.arrived_s:.3f} s"
                )
                break


def retries_in_budget(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Retries are 20% of first requests, and 10 a second more."""
    for process, gateway, sent in _visits(evidence):
        settings = evidence.settings(process)
        if settings.get("resend_after_switchover") or settings.get("wait_for_sign_in_s"):
            continue
        began_s = evidence.ended[process].began_s
        last: dict[str, Handled] = {}
        retries = 0
        for each in sent:
            before = last.get(each.agent)
            last[each.agent] = each
            if before is None or not (_fails(before) or before.answer in _TRIED_AGAIN):
                continue
            retries += 1
            # First requests that are lost on the way earn as well as those that arrive.
            earned = _SHARE * _rows_at(evidence, process, gateway)
            allowed = earned + _PER_SECOND * (each.arrived_s - began_s) + 1
            if retries > allowed:
                yield (
                    f"process {process} at {gateway}: {retries} retries by {each.arrived_s:.3f} s,"
                    f" allowed are {allowed:.0f}"
                )
                break


def _rows_at(evidence: Evidence, process: int, gateway: str) -> int:
    return sum(row.gateway == gateway for row in evidence.ended[process].report) or len(
        {each.agent for each in evidence.of_process[process]}
    )


def pauses_hold(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """After a Retry-After nothing is sent to that gateway for that time."""
    if evidence.disk_failed:
        return
    for process, gateway, sent in _visits(evidence):
        longest_s = float(evidence.settings(process).get("retry_for_s") or _LONGEST_PAUSE_S)
        for each in sent:
            if not each.pause_s or each.ended_s is None or not answered_in_time(evidence, each):
                continue
            begins_s = each.ended_s + _LATE_S
            ends_s = each.ended_s + min(each.pause_s, longest_s) - 0.01
            for other in sent:
                if begins_s < other.arrived_s < ends_s:
                    yield (
                        f"process {process}: {gateway} asked at {each.ended_s:.3f} s for"
                        f" {each.pause_s:g} s without requests, and {other.number} arrived at"
                        f" {other.arrived_s:.3f} s"
                    )
                    break


def spared(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """After ten bad attempts in a row a gateway gets one request at a time, after a pause."""
    if evidence.disk_failed:
        return
    for process, gateway, sent in _visits(evidence):
        for tripped_s, well_s in _bad_times(evidence, sent):
            probes = [each for each in sent if tripped_s + _LATE_S < each.arrived_s < well_s]
            for before, after in pairwise(probes):
                earliest_s = _known_s(evidence, before) + _LEAST_PAUSE_S
                if after.arrived_s < earliest_s:
                    yield (
                        f"process {process}: {gateway} was unwell from {tripped_s:.3f} s on, and"
                        f" {after.number} arrived at {after.arrived_s:.3f} s; {before.number} had"
                        f" arrived at {before.arrived_s:.3f} s"
                    )
                    break


def _bad_times(evidence: Evidence, sent: Sent) -> Iterator[tuple[float, float]]:
    """From the tenth bad end in a row on, until the next other one."""
    ends = sorted(((_known_s(evidence, each), each) for each in sent), key=lambda end: end[0])
    others = [at_s for at_s, each in ends if not _fails(each) or each.answer == _TOO_MANY]
    begins_s = 0.0
    for well_s in (*others, float("inf")):
        # What had left before says nothing of the time since.
        bad = [
            at_s
            for at_s, each in ends
            if each.arrived_s > begins_s and at_s < well_s and _fails(each)
        ]
        if len(bad) >= _IN_A_ROW:
            yield bad[_IN_A_ROW - 1], well_s
        begins_s = well_s


def gives_up(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """After --give-up-after without a good answer nothing more is sent."""
    for process, gateway, sent in _visits(evidence):
        settings = evidence.settings(process)
        after_s = float(settings["give_up_after_s"])
        run = evidence.of_run.get(evidence.run_of.get(process, ""), ())
        if not any(each.gateway == gateway and _answers(each) for each in run):
            after_s = min(after_s, _UNANSWERED_S)
        ends = sorted(((_known_s(evidence, each), each) for each in sent), key=lambda end: end[0])
        well_s, down_s = 0.0, float("inf")
        for at_s, each in ends:
            if not _fails(each):
                well_s, down_s = at_s, float("inf")
            elif each.arrived_s > well_s:
                down_s = min(down_s, at_s)
            if each.arrived_s > down_s + after_s + _LATE_S:
                yield (
                    f"process {process}: {gateway} gave no good answer from {down_s:.3f} s on, and"
                    f" {each.number} arrived at {each.arrived_s:.3f} s, after more than"
                    f" {after_s:g} s"
                )
                break


def _answers(request: Handled) -> bool:
    return request.answer[:1].isdigit() or request.answer == _TOO_MANY
