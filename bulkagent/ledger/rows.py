"""The outcomes of the rows of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.outcome_groups import GroupTally, OutcomeGroup
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause, Line, Status


class AttemptRecord(msgspec.Struct, frozen=True):
    """One attempt, as the ledger keeps it."""

    attempt: int
    disposition: str
    """The retcode or fault that it ended with; `interrupted` where the process was gone."""
    sent_at: int
    latency_ms: float | None
    message: str | None
    http_status: int | None


class Summary(msgspec.Struct, frozen=True):
    """The outcomes of a run's rows, counted on disk."""

    rows: int
    totals: Mapping[str, int]
    """Every status, also those that none has."""
    causes: Mapping[str, int]
    requests: int
    """Attempts of which a byte may have left."""
    retries: int
    """Of these, beyond the first for a row."""
    clusters: tuple[OutcomeGroup, ...]
    """Rows that are not applied, by status and cause, the most frequent first."""
    not_sent: int = 0
    """Further attempts, of which no byte left."""


def lines(record: RunRecord, flag_of: Mapping[str, str]) -> Iterator[Line]:
    """Every row of a run in roster order, as a report shows it.

    Args:
        record: The run.
        flag_of: What the report shows for arguments; other arguments are shown as they are.

    Raises:
        LedgerUnavailable: While iterating: the ledger is damaged.
    """
    return _lines(record.database, _SELECT_LINES, (record.run,), flag_of)


class LeftOutRow(msgspec.Struct, frozen=True):
    """A line of a roster that is no assignment, and was left out."""

    row: int
    agent_id: str
    """What stands there for the agent; "" where nothing does."""
    reason: str


def left_out(record: RunRecord) -> tuple[LeftOutRow, ...]:
    """The lines of a run's invalid rows, and why each is one.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_as_written(record.database):
        return tuple(
            LeftOutRow(int(row), agent_id, reason or "")
            for row, agent_id, reason in record.all(_LEFT_OUT)
        )


def lines_of_agent(record: RunRecord, agent_id: str, flag_of: Mapping[str, str]) -> list[Line]:
    """Every row of a run that names an agent."""
    return list(_lines(record.database, _SELECT_AGENT, (record.run, agent_id), flag_of))


def attempts_of(record: RunRecord, row: int) -> list[AttemptRecord]:
    """Every attempt of one row, from the first."""
    with read_as_written(record.database):
        return [AttemptRecord(*step) for step in record.all(_SELECT_STEPS, row)]


def _lines(
    database: Database, sql: str, parameters: tuple[object, ...], flag_of: Mapping[str, str]
) -> Iterator[Line]:
    causes: dict[str | None, Cause | None] = {None: None, **{cause.value: cause for cause in Cause}}
    statuses = {status.value: status for status in Status}
    decode = msgspec.json.Decoder(tuple[str, ...]).decode
    with read_as_written(database):
        # Spelled out: this runs for every line of every report, and a star costs a third of it.
        for (
            row,
            agent_id,
            gateway,
            arguments,
            status,
            cause,
            retcode,
            message,
            http_status,
            attempts,
            latency_ms,
            first_sent_at,
            finished_at,
            extra,
        ) in database.query(sql, parameters):
            yield Line(
                row,
                agent_id,
                gateway,
                flag_of.get(arguments, arguments),
                statuses[status],
                causes[cause],
                retcode,
                message,
                http_status,
                attempts,
                latency_ms,
                first_sent_at,
                finished_at,
                decode(extra) if extra else (),
            )


def planned_rows(record: RunRecord) -> Iterator[tuple[int, str, str]]:
    """Row, gateway and agent ID of every assignment of a run, in roster order."""
    yield from record.query(_SELECT_PLANNED)


def assigned(record: RunRecord) -> Iterator[tuple[str, str, str]]:
    """Gateway, agent ID and arguments of what a roster asked for, protected agents included."""
    yield from record.query(_SELECT_ASSIGNED)


def first_planned(record: RunRecord) -> tuple[int, str, str] | None:
    """Row, gateway and agent ID of the first assignment of a run; None where it has none."""
    found: tuple[int, str, str] | None = next(iter(record.all(f"{_SELECT_PLANNED} LIMIT 1")), None)
    return found


def summarise(record: RunRecord) -> Summary:
    """Count a run's rows by status and cause, without room for sorting them.

    It reads twice: within a snapshot, or a run that no other process writes to.
    """
    totals = dict.fromkeys((status.value for status in Status), 0)
    tallies: dict[tuple[str, str], GroupTally] = {}
    with read_as_written(record.database):
        # Most rows of most runs are applied, and there is nothing to tell of them one by one.
        ((rows, applied, requests, not_sent),) = record.all(_SELECT_APPLIED)
        retries = requests - applied
        totals[Status.APPLIED.value] = applied
        others = record.query(_SELECT_OTHERS) if applied < rows else ()
        for status, cause, attempts, unsent, agent_id, gateway, retcode, said in others:
            totals[status] += 1
            not_sent += unsent
            if attempts > unsent:
                requests += attempts - unsent
                retries += attempts - unsent - 1
            if cause is not None:
                if (status, cause) not in tallies:
                    tallies[status, cause] = GroupTally(status, cause)
                tallies[status, cause].add(agent_id, gateway, retcode, said)
    found = [tally.group() for tally in tallies.values()]
    causes: dict[str, int] = {}
    for cluster in found:
        causes[cluster.cause.value] = causes.get(cluster.cause.value, 0) + cluster.count
    return Summary(
        rows=sum(totals.values()),
        totals=totals,
        causes=dict(sorted(causes.items(), key=lambda cause: (-cause[1], cause[0]))),
        requests=requests,
        retries=retries,
        clusters=tuple(sorted(found, key=lambda x: (-x.count, x.status, x.cause))),
        not_sent=not_sent,
    )


_LINE = """
SELECT row, agent_id, gateway, arguments, status, cause,
       coalesce(retcode, ''), coalesce(message, ''),
       nullif(http_status, 0), attempts - not_sent, latency_ms, first_sent_at, finished_at, extra
FROM stories WHERE run = ?
"""
_SELECT_LINES = f"{_LINE} ORDER BY row"
_SELECT_AGENT = f"{_LINE} AND agent_id = ? ORDER BY row"

_LEFT_OUT = """
SELECT row, agent_id, reason FROM assignments WHERE run = ? AND status = 'invalid' ORDER BY row
"""

# The last attempt is in the outcome, whose retcode and message may be those of an earlier answer.
_SELECT_STEPS = """
SELECT attempt, disposition, sent_at, latency_ms, message, nullif(http_status, 0)
FROM attempts WHERE run = ?1 AND row = ?2
AND attempt < (SELECT attempts FROM outcomes WHERE run = ?1 AND row = ?2)
UNION ALL
SELECT attempts, coalesce(disposition, 'interrupted'), sent_at, latency_ms,
       CASE WHEN retcode = '' OR retcode = disposition THEN message ELSE '' END,
       CASE WHEN retcode = '' OR retcode = disposition THEN nullif(http_status, 0) END
FROM outcomes WHERE run = ?1 AND row = ?2
ORDER BY 1
"""

_SELECT_PLANNED = """
SELECT row, gateway, agent_id FROM assignments WHERE run = ? AND lane IS NOT NULL ORDER BY row
"""

_SELECT_ASSIGNED = """
SELECT gateway, agent_id, arguments FROM assignments
WHERE run = ? AND (lane IS NOT NULL OR cause = 'protected')
"""

_SELECT_APPLIED = """
SELECT (SELECT count(*) FROM assignments WHERE run = ?1), count(*),
       coalesce(sum(attempts - not_sent), 0), coalesce(sum(not_sent), 0)
FROM outcomes WHERE run = ?1 AND status = 'applied'
"""
_SELECT_OTHERS = """
SELECT status, cause, attempts, not_sent, agent_id, gateway, coalesce(retcode, ''),
       iif(cause IN ('connect', 'tls'), coalesce(message, ''), '')
FROM stories
WHERE run = ? AND status <> 'applied' ORDER BY row
"""
