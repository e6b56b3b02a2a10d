"""What a row of a report says of the answers: their words, and when they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from tests.simulation.history import Ended, Handled, Morning, ReportRow
from tests.simulation.judge.evidence import KILLED, Evidence, answered_in_time
from tests.simulation.world import EPOCH_MS

_OK = "200"
_PAGE = "http "
_ROUNDED_S = 0.0015
_BESIDE_S = 0.5
"""What a request waits for beside the gateway's answer: its connection's turn, and the ledger."""
_DOUBTED_LATER = frozenset({"bad_reply", "switch_over", "superseded"})
"""Why an answer that came in time is in doubt after all."""
_NO_REQUESTS = frozenset({"invalid", "duplicate"})


class Told(NamedTuple):
    """A row of the report of a leg that came to its end, with the requests of its agent."""

    name: str
    row: ReportRow
    end: Ended
    sent: Sequence[Handled]
    """Those of the run that arrived by the leg's end."""


def _told(evidence: Evidence) -> Iterator[Told]:
    if evidence.forgot or evidence.disk_failed:
        return
    for run_id, legs in evidence.legs.items():
        for end in legs:
            if end.exit_code == KILLED:
                continue
            for row in end.report:
                if row.status in _NO_REQUESTS:
                    continue
                requests = evidence.of_row(run_id, row.gateway, row.agent_id)
                sent = [each for each in requests if each.arrived_s <= end.ended_s]
                if not any(each.strayed_s is not None for each in sent):
                    name = (
                        f"process {end.process}, run {run_id}, agent {row.agent_id} at"
                        f" {row.gateway}: {row.status}"
                    )
                    yield Told(name, row, end, sent)


def as_answered(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Retcode and HTTP status are those of an answer; of the last one where that came in time."""
    for name, row, end, sent in _told(evidence):
        codes = {each.answer for each in sent if each.answer[:1].isdigit()}
        nonsense = any(each.answer == "garbage" for each in sent)
        if row.retcode and row.retcode not in codes and not nonsense:
            yield f"{name}, {row.retcode}, and the gateway's answers were {sorted(codes)}"
        if row.retcode and row.http_status != _OK:
            yield f"{name}, {row.retcode} with HTTP status {row.http_status!r}"
        if row.status in {"applied", "rejected"} and not row.retcode:
            yield f"{name} without a retcode"
        own = [each for each in sent if each.process == end.process]
        # Later in doubt: agents that were set before a failover, or shared a stray's connection.
        resent = row.cause in _DOUBTED_LATER and end.settings.get("resend_after_switchover")
        strayed = row.cause in _DOUBTED_LATER and evidence.strayed_in(end.run_id, row.gateway)
        doubted = row.status == "unknown" and (resent or strayed)
        if doubted or not own or not answered_in_time(evidence, own[-1]):
            continue
        answer = own[-1].answer
        if answer[:1].isdigit() and row.retcode != answer:
            yield f"{name}, {row.retcode!r}, and the last answer was {answer}"
        if answer.startswith(_PAGE) and not row.retcode:
            status = answer.removeprefix(_PAGE)
            if row.http_status not in {status, ""}:
                yield f"{name}, HTTP status {row.http_status}, and the last one was {status}"


def timed(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """The times of a row are those of its requests."""
    for name, row, _end, sent in _told(evidence):
        if bool(row.attempts) != bool(row.first_sent_at):
            yield f"{name}, {row.attempts} attempts, the first one at {row.first_sent_at!r}"
        if not row.first_sent_at or not row.finished_at:
            continue
        if row.finished_at < row.first_sent_at:
            yield f"{name} at {row.finished_at}, and first sent at {row.first_sent_at}"
        if not sent or evidence.clocks_moved:
            continue
        first_s, finished_s = _seconds(row.first_sent_at), _seconds(row.finished_at)
        if first_s > sent[0].arrived_s + _ROUNDED_S:
            yield (
                f"{name}, first sent at {first_s:.3f} s, and a request arrived at"
                f" {sent[0].arrived_s:.3f} s"
            )
        last = sent[-1]
        if last.ended_s is not None and answered_in_time(evidence, last):
            if row.status == "applied" and finished_s < last.ended_s - _ROUNDED_S:
                yield f"{name} at {finished_s:.3f} s, and the answer came at {last.ended_s:.3f} s"
            yield from _latency(evidence, name, row, last)


def _latency(evidence: Evidence, name: str, row: ReportRow, last: Handled) -> Iterator[str]:
    if row.status != "applied" or last.ended_s is None:
        return
    took_s = last.ended_s - last.arrived_s
    connecting_s = float(evidence.settings(last.process).get("connect_timeout_s", 3.0))
    latency_s = float(row.latency_ms or "nan") / 1000
    if not took_s - _ROUNDED_S <= latency_s <= took_s + connecting_s + _BESIDE_S:
        yield f"{name}, a latency of {row.latency_ms!r} ms, and the answer took {took_s:.3f} s"


def _seconds(instant: str) -> float:
    """Seconds since the morning's beginning."""
    return datetime.fromisoformat(instant).timestamp() - EPOCH_MS / 1000
