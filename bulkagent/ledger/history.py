"""Questions about runs that are in the ledger.

What may live here: reading, and the one write that ends a run. What this room must not know:
how a run is carried out, and how answers are shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bulkagent.errors import LedgerUnavailable, RunNotFound
from bulkagent.ledger.database import Database
from bulkagent.outcome import Cause, Line, Status

__all__ = [
    "Cluster",
    "RunFacts",
    "Summary",
    "find_run",
    "finish_run",
    "lines",
    "planned_rows",
    "summarise",
]


class RunFacts(msgspec.Struct, frozen=True):
    """One run, without its rows."""

    run: int
    id: str
    created_at: int
    planned_at: int | None
    finished_at: int | None
    state: str
    exit_code: int | None
    operation: str
    roster: str
    extra_columns: tuple[str, ...]
    settings: Mapping[str, Any]


class Cluster(msgspec.Struct, frozen=True):
    """Rows that ended in the same way."""

    status: Status
    cause: Cause
    count: int
    agents: tuple[str, ...]
    """The first few."""


class Summary(msgspec.Struct, frozen=True):
    """What became of a run's rows, counted on disk."""

    rows: int
    totals: Mapping[str, int]
    """Every status, also those that none has."""
    causes: Mapping[str, int]
    requests: int
    retries: int
    clusters: tuple[Cluster, ...]
    """Rows that are not applied, by status and cause, the most frequent first."""


def find_run(database: Database, name: str) -> RunFacts:
    """The run of an ID, of the unambiguous beginning of one, or the `last` one.

    Raises:
        RunNotFound: There is none, or several begin like that.
        LedgerUnavailable: The ledger is damaged.
    """
    # A run that was never planned has sent nothing and has not all its rows: no report is of it.
    if name == "last":
        # Not by ID: the machine's clock may have been set back since.
        found = database.all(
            f"{_SELECT_RUN} WHERE planned_at IS NOT NULL ORDER BY run DESC LIMIT 1"
        )
    elif not name or not name.isascii():  # an argument's bytes need not even be text
        found = []
    else:
        found = database.all(
            f"{_SELECT_RUN} WHERE planned_at IS NOT NULL AND substr(id, 1, ?) = ? LIMIT 2",
            (len(name), name),
        )
    if not found:
        raise RunNotFound(f"the ledger {database.path} has no run {name!r}")
    if len(found) > 1:
        raise RunNotFound(f"several runs in {database.path} begin with {name!r}; give more of it")
    facts = dict(zip(RunFacts.__struct_fields__, found[0], strict=True))
    with _read_as_written(database):
        for field in ("extra_columns", "settings"):
            facts[field] = msgspec.json.decode(facts[field])
        return msgspec.convert(facts, RunFacts)


def lines(database: Database, run: int, flag_of: Mapping[str, str]) -> Iterator[Line]:
    """Every row of a run in roster order, as a report shows it.

    Args:
        database: The ledger.
        run: The run's key in it.
        flag_of: What the report shows for arguments; other arguments are shown as they are.

    Raises:
        LedgerUnavailable: While iterating: the ledger is damaged.
    """
    causes: dict[str | None, Cause | None] = {None: None, **{cause.value: cause for cause in Cause}}
    statuses = {status.value: status for status in Status}
    decode = msgspec.json.Decoder(tuple[str, ...]).decode
    with _read_as_written(database):
        for row in database.query(_SELECT_LINES, (run,)):
            number, agent_id, gateway, arguments, status, cause, *said, extra = row
            yield Line(
                number,
                agent_id,
                gateway,
                flag_of.get(arguments, arguments),
                statuses[status],
                causes[cause],
                *said,
                extra=decode(extra) if extra else (),  # type: ignore[misc] # `said` is seven long
            )


def planned_rows(database: Database, run: int) -> Iterator[tuple[int, str, str]]:
    """Row, gateway and agent ID of every assignment of a run, in roster order."""
    yield from database.query(_SELECT_PLANNED, (run,))


def summarise(database: Database, run: int) -> Summary:
    """Count a run's rows by status and cause, in one pass that needs no room for sorting."""
    totals = dict.fromkeys((status.value for status in Status), 0)
    counts: dict[tuple[str, str], int] = {}
    samples: dict[tuple[str, str], list[str]] = {}
    requests = retries = 0
    with _read_as_written(database):
        for status, cause, attempts, agent_id in database.query(_SELECT_ENDS, (run,)):
            totals[status] += 1
            if attempts:
                requests += attempts
                retries += attempts - 1
            if cause is not None:
                ending = (status, cause)
                counts[ending] = counts.get(ending, 0) + 1
                if counts[ending] <= _SAMPLE:
                    samples.setdefault(ending, []).append(agent_id)
        found = [
            Cluster(Status(status), Cause(cause), count, tuple(samples[status, cause]))
            for (status, cause), count in counts.items()
        ]
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
    )


def finish_run(database: Database, run: int, *, state: str, exit_code: int, now_ms: int) -> None:
    """Record how a run ended."""
    database.write(
        (
            "UPDATE runs SET state = ?, exit_code = ?, finished_at = ? WHERE run = ?",
            [(state, exit_code, now_ms, run)],
        )
    )


@contextlib.contextmanager
def _read_as_written(database: Database) -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError, msgspec.MsgspecError):
        raise LedgerUnavailable(
            f"the ledger {database.path} has what bulkagent does not write; it is damaged, or"
            " another program wrote to it: give another path with --ledger"
        ) from None


_SELECT_RUN = (
    "SELECT run, id, created_at, planned_at, finished_at, state, exit_code, operation, roster,"
    " extra_columns, settings FROM runs"
)

_SELECT_LINES = """
SELECT row, agent_id, gateway, arguments, status, cause,
       coalesce(retcode, ''), coalesce(message, ''),
       nullif(http_status, 0), attempts, latency_ms, first_sent_at, finished_at, extra
FROM stories WHERE run = ? ORDER BY row
"""

_SAMPLE = 3

_SELECT_PLANNED = """
SELECT row, gateway, agent_id FROM assignments WHERE run = ? AND lane IS NOT NULL ORDER BY row
"""

_SELECT_ENDS = "SELECT status, cause, attempts, agent_id FROM stories WHERE run = ? ORDER BY row"
