"""Requests at work at a gateway at once, and how many start: counted by the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.simulation.history import Handled, Morning
from tests.simulation.judge.evidence import Evidence

_UNEVEN_S = 0.06
"""By so much more or less the way of a request to the gateway may take."""

_FIRST_LIMIT = 16


def within_concurrency(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Never more at work than `--concurrency`, over all commands of the ledger."""
    for gateway, requests in evidence.of_gateway.items():
        for arrived, at_work in arrivals(evidence, requests):
            alive = _alive(evidence, arrived, at_work)
            counted = [*_counted(evidence, alive, at_work), arrived]
            least = min(evidence.most_in_flight(process, gateway) for process in alive)
            limit = max(least, len(alive | _waiting(evidence, arrived.arrived_s)))
            if len(counted) > limit:
                numbers = sorted(each.number for each in counted)
                yield (
                    f"{gateway} at {arrived.arrived_s:.3f} s: {len(counted)} requests at work,"
                    f" allowed are {limit}; request {arrived.number} of process {arrived.process}"
                    f" is the last of {numbers}"
                )


def arrivals(
    evidence: Evidence, requests: Sequence[Handled]
) -> Iterator[tuple[Handled, Sequence[Handled]]]:
    """Each request of a gateway, with those at work when it arrived.

    What arrives from a process that has ended in the meantime has kept the rule when it left. So
    has what a server reads late, behind a request to which a reply too many was taken for the
    answer: its sender may have had one for it, too.
    """
    at_work: list[tuple[float, Handled]] = []
    for arrived in requests:
        at_work = [each for each in at_work if each[0] > arrived.arrived_s]
        alive = evidence.alive_until_s(arrived.process) >= arrived.arrived_s
        if alive and arrived.strayed_s != arrived.arrived_s:
            yield arrived, [request for _, request in at_work]
        at_work.append((evidence.at_work_until_s(arrived), arrived))


def _alive(evidence: Evidence, arrived: Handled, at_work: Sequence[Handled]) -> frozenset[int]:
    """The processes at work there that have not ended."""
    return frozenset(
        each.process
        for each in (arrived, *at_work)
        if evidence.alive_until_s(each.process) >= arrived.arrived_s
    )


def _waiting(evidence: Evidence, at_s: float) -> frozenset[int]:
    """The commands with a share of their own at a time, which is one request at least."""
    return frozenset(
        end.process
        for end in evidence.ended.values()
        if end.sent_for and end.began_s <= at_s <= end.ended_s
    )


def _counted(
    evidence: Evidence, alive: frozenset[int], at_work: Sequence[Handled]
) -> Iterator[Handled]:
    """Those at work that have to be counted.

    Guide, speed: requests of a killed command come on top for commands beside it. Guide, doubt: a
    later run, and a resume, count them by their marks and by the time of day.
    """
    began = [evidence.ended[each].began_s for each in alive if each in evidence.ended]
    by_marks = not evidence.forgot and not evidence.clocks_moved
    for each in at_work:
        left_before = evidence.alive_until_s(each.process) < min(began, default=0.0)
        if each.process in alive or (by_marks and left_before):
            yield each


def grows_by_answers(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """`--concurrency auto` begins with 16 within its bounds, and errors never raise it."""
    for process, requests in evidence.of_process.items():
        for gateway in sorted({each.gateway for each in requests}):
            limit = evidence.limit(process, gateway, "concurrency", 16)
            least, most = getattr(limit, "least", 0), getattr(limit, "most", 0)
            if not most or process not in evidence.ended:
                continue
            first = min(most, max(least + 1, _FIRST_LIMIT))
            own = [each for each in requests if each.gateway == gateway]
            for arrived, at_work in arrivals(evidence, own):
                good = sum(
                    each.ended_s is not None
                    and each.ended_s <= arrived.arrived_s
                    and each.answer[:1].isdigit()
                    for each in own
                )
                if len(at_work) + 1 > first + good:
                    yield (
                        f"process {process} at {gateway}: {len(at_work) + 1} requests at work at"
                        f" {arrived.arrived_s:.3f} s after {good} answers; it began with {first}"
                    )
                    break


def one_for_an_agent(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Never two at work for one agent.

    A resume after a kill may repeat a request while the gateway is still at work on the same one.
    The guide promises to wait where the two ask for different flags.
    """
    for (gateway, agent), requests in evidence.of_agent.items():
        for arrived, at_work in arrivals(evidence, requests):
            for each in at_work:
                orphan = evidence.alive_until_s(each.process) < arrived.arrived_s
                promised = not orphan or (
                    each.flag != arrived.flag and not evidence.forgot and not evidence.clocks_moved
                )
                if promised:
                    yield (
                        f"agent {agent} at {gateway}: request {arrived.number} of process"
                        f" {arrived.process} for {arrived.flag} arrived at"
                        f" {arrived.arrived_s:.3f} s while {each.number} of process"
                        f" {each.process} for {each.flag} was at work"
                    )


def opposite_waits(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Where another run's last request for an agent is in doubt, its opposite waits.

    It waits until twice the timeout since that request, however it stands with the gateway.
    """
    if evidence.forgot or evidence.clocks_moved:
        return
    for (gateway, agent), requests in evidence.of_agent.items():
        for before, after in pairwise(requests):
            runs = {evidence.run_of.get(each.process) for each in (before, after)}
            if before.flag == after.flag or len(runs) == 1 or after.process not in evidence.ended:
                continue
            begun_s = evidence.ended[after.process].began_s
            if evidence.alive_until_s(before.process) > begun_s or not _in_doubt(evidence, before):
                continue
            least_s = min(evidence.overdue_twice_s(before, of) for of in (before, after))
            if after.arrived_s < least_s:
                yield (
                    f"agent {agent} at {gateway}: request {after.number} of process"
                    f" {after.process} for {after.flag} arrived at {after.arrived_s:.3f} s, and"
                    f" {before.number} for {before.flag} is in doubt until {least_s:.3f} s"
                )


def _in_doubt(evidence: Evidence, request: Handled) -> bool:
    """Whether a request surely had no answer while its sender was there."""
    if (request.gateway, request.process) in evidence.strayed:
        return False
    unheard = request.ended_s is None or request.ended_s > evidence.alive_until_s(request.process)
    return unheard or request.answer in {"nothing", "reset"}


def within_rate(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """In any time of s seconds no more than burst + rate x s start, over all commands.

    A command without a rate keeps the others' as long as they are there, and none when it is alone.
    Then each of the others is judged by itself.
    """
    for gateway, requests in evidence.of_gateway.items():
        processes = sorted({each.process for each in requests})
        rates = {each: evidence.limit(each, gateway, "per_second", 100.0) for each in processes}
        bursts = {each: int(evidence.limit(each, gateway, "burst", 1)) for each in processes}
        held_up = (
            sum(evidence.most_in_flight(each, gateway) for each in processes)
            if evidence.disk_failed
            # A mark that waits for the ledger holds up what follows on it.
            else 0
        )
        for process, rate in rates.items():
            own = [each for each in requests if each.process == process]
            if rate is not None:
                yield from _too_fast(gateway, own, float(rate), bursts, held_up)
        if len(processes) == 1 or None in rates.values():
            continue
        at_once = _most_at_once(evidence, requests)
        most = max(float(each) for each in rates.values())
        most = max(most, at_once * min(1.0, most))
        yield from _too_fast(gateway, requests, most, bursts, held_up or at_once - 1)


def _too_fast(
    gateway: str, requests: Sequence[Handled], rate: float, bursts: dict[int, int], held_up: int
) -> Iterator[str]:
    """A command begins with its whole burst, so each adds one from its first request on."""
    seen: set[int] = set()
    granted = 0
    least, since = float("inf"), requests[0]
    for number, request in enumerate(requests):
        if request.process not in seen:
            seen.add(request.process)
            granted += bursts[request.process]
        level = number - granted - rate * request.arrived_s
        # A window that begins here may have the bursts of all that were at work before.
        if level < least:
            least, since = level, request
        allowed = max(bursts.values()) + rate * _UNEVEN_S + held_up
        if level - least + 1 > allowed:
            seconds = request.arrived_s - since.arrived_s
            yield (
                f"{gateway}: more than {rate:g} a second started in the {seconds:.3f} s from"
                f" {since.arrived_s:.3f} s on, the last is request {request.number}"
            )
            return


def _most_at_once(evidence: Evidence, requests: Sequence[Handled]) -> int:
    """Most processes that were sending at one time."""
    first: dict[int, float] = {}
    for request in requests:
        first.setdefault(request.process, request.arrived_s)
    return max(
        sum(
            begin <= at and evidence.alive_until_s(process) >= at
            for process, begin in first.items()
        )
        for at in first.values()
    )
