"""Exit codes, against signals, `--json` and the rows of the report."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from tests.simulation.history import Ended, Morning, ReportRow
from tests.simulation.judge.evidence import KILLED, Evidence
from tests.simulation.world import SENDING, EventKind, SourceKind

_NOBODY = 5
_REFUSED = 2
_STOPPED = frozenset({129, 130, 143})
_STATES = {
    "completed": frozenset({0, 3, 4}),
    "halted": frozenset({6}),
    "interrupted": frozenset({5}) | _STOPPED,
    "refused": frozenset({_REFUSED, _NOBODY, 6}) | _STOPPED,
}
_ENDS_OF_CAUSES = {
    "interrupted": _STOPPED | {5, 6},
    "deadline": frozenset({5, 6}) | _STOPPED,
    "breaker_open": frozenset({5, 6}) | _STOPPED,
    "gate": frozenset({6}) | _STOPPED,
    "floor": frozenset({6}) | _STOPPED,
    "canary": frozenset({6}) | _STOPPED,
    "halted": frozenset({6}) | _STOPPED,
}
"""What a command ends with that leaves agents unattempted for a cause."""
_LEFT_FOR_GOOD = frozenset({"superseded", "previous_unknown"})
_FINISHED = frozenset({0, 3, 4})
_LEFT = frozenset({3, 4})
_BREAKS_OFF = {_NOBODY: frozenset({3}), 6: _LEFT, **dict.fromkeys(_STOPPED, _LEFT)}
"""What the rows must say where a run was broken off."""
_OPEN = frozenset({"failed", "unknown", "not_attempted"})
_SIGNED_OUT = "100-008"
"""Guide, absent: after it the agent has surely gone; after 100-006 only with a fresh GUID, which
none of a roster's column is known to be."""


def exit_code_is_true(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Exit codes 0, 3 and 4 say how the rows stand; the others, what stopped the run."""
    numbers = {each.number for each in morning.world.events if each.kind is EventKind.SIGNAL}
    for end in evidence.ended.values():
        if end.command.kind not in SENDING or end.exit_code == KILLED:
            continue
        told = f"process {end.process}, run {end.run_id}: exit code {end.exit_code}"
        if end.exit_code in _STOPPED and end.exit_code - 128 not in numbers:
            yield f"{told} without such a signal"
        if end.result.get("exit_code", end.exit_code) != end.exit_code:
            yield f"{told}, and --json says {end.result['exit_code']}"
        state = end.result.get("state")
        if state in _STATES and end.exit_code not in _STATES[state]:
            yield f"{told}, and --json says {state}"
        if end.report and state != "refused":
            yield from _against_rows(told, end, morning, evidence)


def _against_rows(told: str, end: Ended, morning: Morning, evidence: Evidence) -> Iterator[str]:
    for row in map(partial(_as_asked, end), end.report):
        allowed = _ENDS_OF_CAUSES.get(row.cause)
        if row.status == "not_attempted" and allowed and end.exit_code not in allowed:
            yield f"{told}, and agent {row.agent_id} is not_attempted, {row.cause}"
            break
    wanted = _by_rows(end, morning.world.source)
    if end.exit_code in _FINISHED and end.exit_code not in wanted:
        yield f"{told}, and the rows of its report say {sorted(wanted)}"
    # A ledger that fails ends a command also where nothing is left.
    needed = _BREAKS_OFF.get(end.exit_code, wanted)
    if not evidence.disk_failed and wanted.isdisjoint(needed):
        yield f"{told}, and the rows of its report say {sorted(wanted)}: nothing broke off"


def _by_rows(end: Ended, source: SourceKind) -> frozenset[int]:
    """What the rows say; two codes where only bulkagent knows whether agents have surely gone."""
    worse = [row for row in map(partial(_as_asked, end), end.report) if _counts(row)]
    if not end.settings.get("absent_ok"):
        return frozenset({_of_rows(worse)})
    sure = [row for row in worse if not (_absent(row) and row.retcode == _SIGNED_OUT)]
    if source is SourceKind.COLUMN:
        return frozenset({_of_rows(sure)})
    return frozenset({_of_rows(sure), _of_rows([row for row in sure if not _absent(row)])})


def _of_rows(left: list[ReportRow]) -> int:
    if not left:
        return 0
    helps = any(row.status in _OPEN and row.cause not in _LEFT_FOR_GOOD for row in left)
    return 3 if helps else 4


def _as_asked(end: Ended, row: ReportRow) -> ReportRow:
    """A row that --only leaves as an earlier command has left it: another one may help it."""
    only = end.command.only
    if only and row.cause not in only and row.status == "not_attempted":
        return msgspec.structs.replace(row, status="failed")
    return row


def _absent(row: ReportRow) -> bool:
    return row.flag == "0" and row.status == "failed" and row.cause == "not_signed_in"


def _counts(row: ReportRow) -> bool:
    """Whether a row worsens the exit code."""
    return row.status not in {"applied", "invalid", "duplicate"} and row.cause != "protected"
