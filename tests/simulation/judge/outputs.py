"""What a command leaves: reports that agree with the ledger, no secret, bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tests.simulation.history import Ended, Morning
from tests.simulation.judge.evidence import KILLED, Agent, Evidence
from tests.simulation.surroundings.courses import CONNECTING
from tests.simulation.world import READING, cookie_of

_TASKS = 40
_TASKS_OF_A_SLOT = 3
"""A worker, a request, and what waits for either."""
_MOST_WAITING = 1_100
"""Agents that wait for a retry, each in a task, before no more are begun."""
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def written_anew(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A report that is written again later is the same, if nothing ran in between."""
    for run in morning.runs:
        legs = evidence.legs.get(run.run_id)
        if not legs:
            continue
        last = max(legs, key=lambda each: each.ended_s)
        since = (
            each
            for each in evidence.ended.values()
            if each.run_id == run.run_id
            and each.process != last.process
            and each.ended_s > last.ended_s
            and each.command.kind not in READING
        )
        if last.exit_code == KILLED or not last.report or any(since):
            continue
        told = f"run {run.run_id}, process {last.process}"
        if len(last.report) != len(run.report):
            yield f"{told}: {len(last.report)} lines, and {len(run.report)} from the ledger"
            continue
        for before, after in zip(last.report, run.report, strict=True):
            if before != after:
                yield f"{told}: {before} was written, and the ledger has {after}"


def no_secret(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """No GUID or cookie of an agent is in any output."""
    secrets = {each.guid.encode(): each for each in morning.handled if each.guid}
    secrets |= {
        cookie.rpartition("=")[2].encode(): each
        for each in morning.handled
        if (cookie := cookie_of(each.guid))
    }
    # Most outputs have nothing like a GUID, so they are not looked through for each one.
    odd = [secret for secret in secrets if not _UUID.match(secret)]
    cores = {core[0].lower(): secret for secret in secrets if (core := _UUID.match(secret))}
    for told, output in _outputs(morning, evidence):
        found = {cores[core.lower()] for core in _UUID.findall(output) if core.lower() in cores}
        found.update(secret for secret in odd if secret in output)
        for secret in sorted(found):
            request = secrets[secret]
            yield f"{told}: the GUID or cookie of agent {request.agent} at {request.gateway}"


def _outputs(morning: Morning, evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    for end in evidence.ended.values():
        for name, content in end.reports.items():
            yield f"process {end.process}, {name}", content
        yield f"process {end.process}, stderr", _printed(end)
        yield f"process {end.process}, --json", msgspec.json.encode(end.result, enc_hook=str)
    yield "the log", "\n".join(morning.log).encode()
    yield from morning.files.items()


def _printed(end: Ended) -> bytes:
    return "\n".join((*end.said, end.traceback)).encode(errors="backslashreplace")


def memory_is_bounded(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A command has tasks for requests in flight and retries, and none for each row."""
    world = morning.world
    unseen = any(fault.kind in CONNECTING for fault in (*world.faults, *world.source_faults))
    for end in evidence.ended.values():
        limits = sum(evidence.most_in_flight(end.process, each.name) for each in world.gateways)
        agents = evidence.agents_of_process(end.process)
        if unseen or world.source_faults:
            again = len(end.report)
        else:
            again = sum(_waits_for_a_retry(evidence, end.process, agent) for agent in agents)
        allowed = _TASKS + _TASKS_OF_A_SLOT * limits + min(again, _MOST_WAITING)
        if end.most_tasks > allowed:
            yield f"process {end.process} had {end.most_tasks} tasks at once, allowed are {allowed}"


def _waits_for_a_retry(evidence: Evidence, process: int, agent: Agent) -> bool:
    sent = (each for each in evidence.of_agent[agent] if each.process == process)
    return any(not each.accepted or each.answer != "0" for each in sent)
