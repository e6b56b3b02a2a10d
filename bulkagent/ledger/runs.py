"""Which runs there are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.errors import RunNotFound
from bulkagent.ledger.damage import read_as_written, refuse_strange_values
from bulkagent.ledger.database import Database
from bulkagent.ledger.elapsed import LegOrder, OrderedLeg, leg_order, surely_at_work_until
from bulkagent.ledger.run_lock import is_locked
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Status


class RunFacts(msgspec.Struct, frozen=True):
    """One run, without its rows."""

    run: int
    id: str
    created_at: int
    planned_at: int | None
    """None: not all rows were recorded, so nothing was sent."""
    finished_at: int | None
    state: str
    exit_code: int | None
    """Of the last leg; None: it is under way, or its process was killed."""
    operation: str
    roster: str
    extra_columns: tuple[str, ...]
    settings: Mapping[str, Any]
    halted: str | None
    """Why it was halted, until a person has let it go on."""
    fingerprint: str
    reverts: str | None
    """The ID of the run that this one sets back."""
    legs: int
    job: str
    """The name under which it is repeated daily; "" where it has none."""
    who: str | None
    """The user and machine that have begun its first leg."""
    note: str | None
    """What they noted."""
    on_behalf_of: str | None
    """For whom they said that it was; a claim."""
    drained_for: str | None
    """The run that took over from its last leg; None where none did."""
    running: bool
    """Whether a process owns it at this moment."""

    @property
    def done(self) -> bool:
        """Whether it came to its end with nothing left that another attempt may help."""
        return self.exit_code in _DONE


_DONE = frozenset({0, 4})  # completed: all set, or what is not is refused or left for good


def find_run(database: Database, name: str) -> RunFacts:
    """The run of an ID, of the unambiguous beginning of one, or the `last` one.

    Raises:
        RunNotFound: There is none, several begin like that, or it was never planned.
        LedgerUnavailable: The ledger is damaged.
    """
    if name == "last":
        # Not by ID: the machine's clock may have been set back since.
        found = database.all(f"{_SELECT} WHERE planned_at IS NOT NULL ORDER BY run DESC LIMIT 1")
    elif not name or not name.isascii():  # an argument's bytes need not even be text
        found = []
    else:
        found = database.all(
            f"{_SELECT} WHERE substr(id, 1, ?) = ? ORDER BY run DESC LIMIT ?",
            (len(name), name, _CANDIDATES + 1),
        )
    if not found:
        agent = _AGENT_ID.fullmatch(name)
        meant = f"; is it an agent ID? Then type `bulkagent runs --agent {name}`" if agent else ""
        raise RunNotFound(
            f"the ledger {database.path} has no run {name!r}"
            f"{meant or '; `bulkagent runs` lists them'}"
        )
    if len(found) > 1:
        raise RunNotFound(_several(database, name, [_facts(database, row) for row in found]))
    facts = _facts(database, found[0])
    refuse_strange_values(RunRecord(database, facts.run))
    if facts.planned_at is None:
        # It has sent nothing and has not all its rows: no report is of it.
        doing = "is still being planned" if facts.running else "was never planned"
        raise RunNotFound(f"run {facts.id} {doing}, so nothing was sent; apply its roster again")
    return facts


def _several(database: Database, name: str, found: Sequence[RunFacts]) -> str:
    told = (
        " ".join(filter(None, (facts.id, facts.job, Path(facts.roster).name)))
        for facts in found[:_CANDIDATES]
    )
    more = ", and more" if len(found) > _CANDIDATES else ""
    return (
        f"several runs in {database.path} begin with {name!r}: {', '.join(told)}{more}; give more"
        " of its ID, or the word last"
    )


_CANDIDATES = 5


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs are wanted; None: whatever it is."""

    job: str | None = None
    since_ms: int | None = None
    """Made at this time of day or later."""
    gateway: str | None = None
    """That send to it, by the name that they have for it or by its address."""
    flag: int | None = None
    """That ask for one flag throughout."""


def list_runs(database: Database, limit: int, wanted: RunFilter | None = None) -> list[RunFacts]:
    """The latest runs, the latest first, those that were never planned included."""
    wanted = wanted or RunFilter()
    rows = database.all(
        f"{_SELECT} {_FILTER} ORDER BY run DESC LIMIT ?5",
        (wanted.job, wanted.since_ms, wanted.gateway, wanted.flag, limit),
    )
    return [_facts(database, row) for row in rows]


def every_run(database: Database) -> Iterator[RunFacts]:
    """Every run, the latest first, read as it is asked for."""
    for row in database.all(f"{_SELECT} ORDER BY run DESC"):
        yield _facts(database, row)


def find_same(database: Database, fingerprint: str, *, but: int) -> list[RunFacts]:
    """The last runs of a roster with the same gateways, agents and flags, latest first.

    A plan that has no leg has sent nothing, so it does not count.

    Args:
        database: The ledger.
        fingerprint: The roster's.
        but: The key of a run that is not meant.
    """
    rows = database.all(f"{_SELECT} {_BEGUN} AND fingerprint = ?2 {_LATEST}", (but, fingerprint))
    return [_facts(database, row) for row in rows]


def find_of_earlier(database: Database, prefix: str, *, but: int, since_ms: int) -> list[RunFacts]:
    """The last runs whose fingerprint does not begin like that of this version, latest first.

    Args:
        database: The ledger.
        prefix: What this version's begin with.
        but: The key of a run that is not meant.
        since_ms: None that came to its end before this time of day.
    """
    rows = database.all(
        f"{_SELECT} {_BEGUN} AND fingerprint <> '' AND substr(fingerprint, 1, ?3) <> ?2"
        f" AND coalesce(finished_at, ?4) >= ?4 {_LATEST}",
        (but, prefix, len(prefix), since_ms),
    )
    return [_facts(database, row) for row in rows]


def unplanned_since(record: RunRecord) -> str | None:
    """The ID of a later run that was never planned and never will be, if there is one."""
    rows = record.all(f"{_SELECT} WHERE run > ? AND planned_at IS NULL ORDER BY run DESC")
    left = (facts for facts in (_facts(record.database, row) for row in rows) if not facts.running)
    return next((facts.id for facts in left), None)


def last_active(database: Database, facts: RunFacts) -> int:
    """The time of day at which a run was last at work, by whatever clock: planned, sending, ended.

    Where the clock was set back, it is the latest of these times.
    """
    ((sent_at,),) = database.all("SELECT max(sent_at) FROM outcomes WHERE run = ?", (facts.run,))
    ((leg_at,),) = database.all(
        "SELECT max(coalesce(finished_at, started_at)) FROM legs WHERE run = ?", (facts.run,)
    )
    return max(facts.created_at, sent_at or 0, leg_at or 0)


def idle_s(database: Database, facts: RunFacts, now_ms: int) -> float:
    """For how many seconds a run has not been at work, never negative.

    Infinite where it cannot be known, because the machine's clock was ahead then. Where another run
    began meanwhile, it may be less: what may be of a clock that leapt does not count.
    """
    turns = leg_order(database, now_ms)
    last = next((leg for leg in turns.latest_first if leg.run == facts.run), None)
    if last is None:
        idle_ms = LegOrder((), now_ms).idle_ms(
            OrderedLeg(facts.run, 1, 0, 0, None), facts.created_at
        )
    else:
        at_ms = last.finished_at
        if at_ms is None:
            ((sent_at,),) = database.all(_LAST_SENT, (facts.run, last.leg))
            at_ms = max(last.started_at, sent_at or 0)
        idle_ms = turns.idle_ms(last, at_ms)
        if idle_ms is None and turns.meanwhile(last, at_ms):
            idle_ms = max(0, now_ms - surely_at_work_until(database, last))
    return math.inf if idle_ms is None else idle_ms / 1000


def totals_of(record: RunRecord) -> dict[str, int]:
    """A run's rows by status: kept from its end, or counted."""
    with read_as_written(record.database):
        ((kept,),) = record.all("SELECT totals FROM runs WHERE run = ?")
        if kept is not None:
            kept = msgspec.json.decode(kept, type=dict[str, int])
            if min(kept.values(), default=0) < 0:
                raise ValueError
            return {**dict.fromkeys((status.value for status in Status), 0), **kept}
        counted = record.all(_COUNT)
        return {**dict.fromkeys((status.value for status in Status), 0), **dict(counted)}


def keep_totals(record: RunRecord, totals: Mapping[str, int]) -> None:
    """Keep what was counted at a run's end, so that lists need not count again."""
    kept = msgspec.json.encode(totals).decode()
    record.database.write(("UPDATE runs SET totals = ? WHERE run = ?", [(kept, record.run)]))


def _facts(database: Database, row: tuple[Any, ...]) -> RunFacts:
    facts = dict(zip(RunFacts.__struct_fields__, row, strict=False))
    with read_as_written(database):
        if not _ID.fullmatch(facts["id"]):
            raise ValueError("it becomes the name of a lock, which anything else must not")
        times = (facts["created_at"], facts["planned_at"] or 0, facts["finished_at"] or 0)
        if not all(0 <= at <= _END_OF_TIME_MS for at in times):
            raise ValueError("no clock says so")
        for field in ("extra_columns", "settings"):
            facts[field] = msgspec.json.decode(facts[field])
        facts["running"] = is_locked(database.path, facts["id"])
        return msgspec.convert(facts, RunFacts)


_END_OF_TIME_MS = 253_402_300_799_999  # of the year 9999, where calendars end

_AGENT_ID = re.compile(r"[1-9]\d{2,5}", re.ASCII)

_ID = re.compile(r"\d{8}T\d{6}(?:\.\d{3})?Z-[0-9a-f]{4}", re.ASCII)

_LAST_SENT = "SELECT max(sent_at) FROM outcomes WHERE run = ? AND abs(leg) = ?"

_SELECT = """
SELECT run, id, created_at, planned_at, finished_at, state, exit_code, operation, roster,
extra_columns, settings, halted, fingerprint, (SELECT id FROM runs r WHERE r.run = runs.reverts),
(SELECT coalesce(max(leg), 0) FROM legs l WHERE l.run = runs.run), job,
(SELECT who FROM legs l WHERE l.run = runs.run AND l.leg = 1),
(SELECT note FROM legs l WHERE l.run = runs.run AND l.leg = 1),
(SELECT on_behalf_of FROM legs l WHERE l.run = runs.run AND l.leg = 1),
(SELECT drained_for FROM legs l WHERE l.run = runs.run ORDER BY leg DESC LIMIT 1)
FROM runs"""

_BEGUN = """
WHERE planned_at IS NOT NULL AND run <> ?1 AND reverts IS NULL
AND EXISTS (SELECT 1 FROM legs l WHERE l.run = runs.run)
"""

_LATEST = "ORDER BY run DESC LIMIT 50"

_FILTER = """
WHERE (?1 IS NULL OR job = ?1)
AND (?2 IS NULL OR created_at >= ?2)
AND (?3 IS NULL OR EXISTS (
    SELECT 1 FROM endpoints e WHERE e.run = runs.run AND ?3 IN (e.gateway, e.url)
))
AND (?4 IS NULL OR (
    reverts IS NULL AND iif(json_valid(settings), json_extract(settings, '$.flag'), NULL) = ?4
))
"""

_COUNT = "SELECT status, count(*) FROM stories WHERE run = ? GROUP BY status"
