"""A run's plan, written down before anything is sent."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from bulkagent.errors import LedgerFailed, LedgerUnavailable, RunBusy
from bulkagent.ledger.coverage import CoverageCounter, GroupCoverage
from bulkagent.ledger.database import Database
from bulkagent.ledger.endpoints import EndpointRecord
from bulkagent.ledger.lanes import SO_ALREADY, Lane
from bulkagent.ledger.run_lock import RunLock
from bulkagent.model import Cause, Status
from bulkagent.text.undecodable import as_json

# One transaction for so many rows: long enough that commits cost nothing, short enough that
# another run's marks, which wait for this lock, wait a few hundredths of a second.
_BATCH = 4_000

_INSERT = "INSERT INTO assignments VALUES (?,?,?,?,?,?,?,?,?,?)"
_INSERT_RUN = """
INSERT INTO runs (id, created_at, state, operation, roster, extra_columns, settings, reverts, job)
VALUES (?,?,'planning',?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING
"""
_PLANNED = """
UPDATE runs SET planned_at = ?1, state = 'planned', fingerprint = ?2 WHERE run = ?3
"""
_RETRACT = """
UPDATE assignments SET lane = NULL, status = ?, cause = ?, reason = ? WHERE run = ? AND row = ?
"""
# A list of whole numbers is the same in JSON.
_RETRACTED = """
SELECT lane, gateway, arguments, count(*) FROM assignments
WHERE run = ? AND row IN (SELECT value FROM json_each(?)) AND lane IS NOT NULL
GROUP BY lane, gateway, arguments
"""
_INSERT_LANE = """
INSERT INTO lanes (run, lane, gateway, wave, assignments, group_name) VALUES (?,?,?,?,?,?)
"""


class Planner:
    """Writes one run's plan and owns the run; nothing may be sent before `planned` has returned.

    Args:
        database: The ledger.
        operation: The operation's name.
        roster: Path of the roster, for people and for a resume.
        extra_columns: The roster's own columns.
        wave_of: Which arguments go first; None: rows go in the order of the roster, whatever
            they are to be set to.
        settings: What the run was asked to do, without secrets.
        now_ms: Time of day in milliseconds.
        reverts: The key of the run that this one sets back.
        job: The name under which the run is repeated daily.

    Raises:
        LedgerUnavailable: From any method: the ledger does not take the plan.
    """

    def __init__(
        self,
        database: Database,
        *,
        operation: str,
        roster: str,
        extra_columns: Sequence[str],
        wave_of: Callable[[str], int] | None,
        settings: Mapping[str, object],
        now_ms: int,
        reverts: int | None = None,
        job: str = "",
    ) -> None:
        self._database = database
        self._wave_of = wave_of
        self._rows: list[tuple[object, ...]] = []
        self._retractions: list[tuple[object, ...]] = []
        self._lanes: dict[tuple[str, str, str, bool], int] = {}
        self._parts: dict[tuple[str, str], list[int]] = {}
        self._counts: list[int] = []
        self._coverage = CoverageCounter()
        facts = (
            now_ms,
            operation,
            roster,
            as_json(list(extra_columns)),
            as_json(settings),
            reverts,
            job,
        )
        self.run: int
        made = 0
        while not made:  # the ID is taken once in 65,536 runs begun in one millisecond
            self.run_id = _run_id(now_ms)
            # Before the run is there for others to see: it is never seen without its owner.
            try:
                self.lock = RunLock(database.path, self.run_id, new=True)
            except RunBusy:
                continue
            try:
                _write(database, (_INSERT_RUN, [(self.run_id, *facts)]))
                ((made, self.run),) = database.all("SELECT changes(), last_insert_rowid()")
            except BaseException:
                self.lock.release()
                raise
            if not made:
                self.lock.release()

    @property
    def gateways(self) -> frozenset[str]:
        """The gateways that have assignments so far."""
        return frozenset(gateway for gateway, _, count in self.parts if count)

    @property
    def parts(self) -> list[tuple[str, str, int]]:
        """Gateway, arguments and how many assignments so far, in the order of their waves."""
        self._take_back()
        found = [(*key, count) for key, (count,) in self._parts.items()]
        return sorted(found, key=lambda part: self._wave(part[1]))

    @property
    def coverage(self) -> Mapping[str, GroupCoverage]:
        """The groups of a plan that hands over, which has rows of both waves; else none."""
        return self._coverage.handing_over() if self._wave_of is not None else {}

    def _count_coverage(self, group: str, arguments: str, *, absent: bool = False) -> None:
        if arguments and self._wave_of is not None:
            self._coverage.add(group, outgoing=self._wave_of(arguments) > 0, absent=absent)

    def _wave(self, arguments: str) -> int:
        return self._wave_of(arguments) if self._wave_of else 0

    def assign(
        self,
        row: int,
        agent_id: str,
        gateway: str,
        arguments: str,
        extra: Sequence[str],
        *,
        group: str = "",
        so_already: bool = False,
    ) -> None:
        """Plan one assignment; an agent set so already neither comes on by it nor goes off."""
        key = (gateway, group, arguments if self._wave_of else "", so_already)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = len(self._lanes)
            self._counts.append(0)
        self._counts[lane] += 1
        part = self._parts.get((gateway, arguments))
        if part is None:
            part = self._parts[gateway, arguments] = [0]
        part[0] += 1
        if not so_already:
            self._count_coverage(group, arguments)
        own = _json(extra)
        self._add((self.run, row, lane, agent_id, gateway, arguments, None, None, None, own))

    def reject(
        self,
        row: int,
        agent_id: str,
        gateway: str,
        arguments: str,
        extra: Sequence[str],
        *,
        status: Status,
        cause: Cause | None = None,
        reason: str,
        group: str = "",
        as_if: str = "",
        on: bool = False,
        back: bool = False,
    ) -> None:
        """Record a row that is no assignment; an invalid or duplicate one needs no cause.

        It counts as incoming or outgoing by `as_if`, else by its arguments; but not where the agent
        is `on` by another run, to which the row is left. If that has brought the agent `back`, the
        plan hands over all the same, and no group goes off to which nobody else comes on.
        """
        if back and self._wave_of is not None:
            self._coverage.back_already()
        if status is not Status.DUPLICATE and not on:
            # An invalid row has no agent that could cover, and what another run has is not known.
            absent = status is Status.INVALID or cause is Cause.SUPERSEDED
            self._count_coverage(group, as_if or arguments, absent=absent)
        self._add(
            (
                self.run,
                row,
                None,
                agent_id,
                gateway,
                arguments,
                status.value,
                (cause or _ROW_CAUSES[status]).value,
                reason,
                _json(extra),
            )
        )

    def retract(self, row: int, reason: str) -> None:
        """Turn a planned assignment into an invalid row, because a later row contradicts it."""
        status = Status.INVALID
        self._retractions.append((status.value, _ROW_CAUSES[status].value, reason, self.run, row))

    def planned(
        self, now_ms: int, *, fingerprint: str = "", endpoints: Iterable[EndpointRecord] = ()
    ) -> tuple[Lane, ...]:
        """Commit the end of the plan; once it has a leg, the run may send.

        Args:
            now_ms: Time of day.
            fingerprint: What a resume must find the roster to be.
            endpoints: Where its gateways' names lead to.

        Returns:
            The lanes that have assignments, in the order in which they are to be worked off.
        """
        self._take_back()
        lanes = tuple(
            sorted(
                (
                    Lane(
                        lane,
                        gateway,
                        SO_ALREADY if so_already else self._wave(arguments),
                        arguments,
                        self._counts[lane],
                        group,
                    )
                    for (gateway, group, arguments, so_already), lane in self._lanes.items()
                    if self._counts[lane]
                ),
                key=lambda lane: (lane.wave, lane.lane),
            )
        )
        _write(
            self._database,
            (
                _INSERT_LANE,
                [
                    (self.run, lane.lane, lane.gateway, lane.wave, lane.assignments, lane.group)
                    for lane in lanes
                ],
            ),
            (
                "INSERT INTO handovers VALUES (?,?,?,?,?)",
                [
                    (self.run, group, counts.incoming, counts.outgoing, counts.absent)
                    for group, counts in self.coverage.items()
                ],
            ),
            (
                "INSERT INTO endpoints (run, gateway, url, options) VALUES (?,?,?,?)",
                [(self.run, at.gateway, at.url, as_json(at.options)) for at in endpoints],
            ),
            (_PLANNED, [(now_ms, fingerprint, self.run)]),
        )
        # The plan's log is long, and nothing is urgent yet; also, this syncs it to the disk.
        self._database.checkpoint()
        return lanes

    def _add(self, row: tuple[object, ...]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        _write(self._database, (_INSERT, self._rows))
        self._rows.clear()

    def _take_back(self) -> None:
        """Take what was retracted out of what was counted; only the ledger knows its lanes."""
        self._flush()
        if not self._retractions:
            return
        keys = list(self._lanes)
        rows = str([retraction[-1] for retraction in self._retractions])
        for lane, gateway, arguments, count in self._database.all(_RETRACTED, (self.run, rows)):
            self._counts[lane] -= count
            self._parts[gateway, arguments][0] -= count
            if self._wave(arguments):
                self._coverage.absent(keys[lane][1], count)
        for start in range(0, len(self._retractions), _BATCH):
            _write(self._database, (_RETRACT, self._retractions[start : start + _BATCH]))
        self._retractions.clear()


def _write(database: Database, *statements: tuple[str, Iterable[Sequence[object]]]) -> None:
    try:
        database.write(*statements)
    except LedgerFailed as error:
        raise LedgerUnavailable(f"{error}; nothing was sent") from None


_ROW_CAUSES = {Status.INVALID: Cause.BAD_ROW, Status.DUPLICATE: Cause.REPEATED_ROW}


def _json(extra: Sequence[str]) -> str | None:
    return as_json(extra) if extra else None


def _run_id(now_ms: int) -> str:
    """An ID that sorts by time, and that two runs begun at once hardly ever share."""
    seconds, ms = divmod(now_ms, 1000)
    second = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
    return f"{second}.{ms:03}Z-{secrets.token_hex(2)}"
