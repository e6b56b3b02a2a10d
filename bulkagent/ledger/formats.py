"""The earlier formats of ledgers, and the steps from each to the next."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bulkagent.ledger.schema import (
    CONSENT,
    HANDOVERS,
    LEASES,
    LEGS,
    LIMIT_CHANGES,
    NOT_SENT,
    SET_ASIDE,
    SHARES,
    SIGNED,
    STORIES,
    SWITCH_OVERS,
    TOOK_OVER,
    TURNS,
    VERIFICATIONS,
)

FORMAT_1 = """
CREATE TABLE runs (
    run             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    created_at      INTEGER NOT NULL,
    planned_at      INTEGER,
    finished_at     INTEGER,
    state           TEXT NOT NULL,
    exit_code       INTEGER,
    operation       TEXT NOT NULL,
    roster          TEXT NOT NULL,
    extra_columns   TEXT NOT NULL,
    settings        TEXT NOT NULL
) STRICT;
CREATE TABLE lanes (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    lane            INTEGER NOT NULL,
    gateway         TEXT NOT NULL,
    wave            INTEGER NOT NULL,
    assignments     INTEGER NOT NULL,
    cause           TEXT,
    PRIMARY KEY (run, lane)
) STRICT, WITHOUT ROWID;
CREATE TABLE assignments (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    lane            INTEGER,
    agent_id        TEXT NOT NULL,
    gateway         TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    status          TEXT,
    cause           TEXT,
    reason          TEXT,
    extra           TEXT,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_lane ON assignments (run, lane, row) WHERE lane IS NOT NULL;
CREATE TABLE outcomes (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    first_sent_at   INTEGER NOT NULL,
    status          TEXT,
    cause           TEXT,
    retcode         TEXT,
    message         TEXT,
    http_status     INTEGER,
    latency_ms      REAL,
    finished_at     INTEGER,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempts (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    disposition     TEXT NOT NULL,
    sent_at         INTEGER NOT NULL,
    latency_ms      REAL NOT NULL,
    retcode         TEXT NOT NULL,
    message         TEXT NOT NULL,
    http_status     INTEGER NOT NULL,
    PRIMARY KEY (run, row, attempt)
) STRICT, WITHOUT ROWID;
"""
"""The tables and indexes of the first format; later ones are what its migrations make of it."""

_FROM_1 = """
CREATE VIEW stories AS
SELECT
    a.run, a.row, a.agent_id, a.gateway, a.arguments, a.extra,
    CASE
        WHEN a.status IS NOT NULL THEN a.status
        WHEN o.row IS NULL THEN 'not_attempted'
        ELSE coalesce(o.status, 'unknown')
    END AS status,
    CASE
        WHEN a.status IS NOT NULL THEN a.cause
        WHEN o.row IS NULL THEN coalesce(l.cause, 'interrupted')
        WHEN o.status IS NULL THEN 'interrupted'
        ELSE o.cause
    END AS cause,
    o.retcode, coalesce(a.reason, o.message) AS message, o.http_status,
    coalesce(o.attempts, 0) AS attempts, o.latency_ms, o.first_sent_at, o.finished_at
FROM assignments a
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN lanes l ON l.run = a.run AND l.lane = a.lane
"""

_FROM_4 = """
CREATE VIEW stories AS
SELECT
    a.run, a.row, a.lane, a.agent_id, a.gateway, a.arguments, a.extra,
    CASE
        WHEN a.status IS NOT NULL THEN a.status
        WHEN o.row IS NULL THEN 'not_attempted'
        ELSE coalesce(o.status, 'unknown')
    END AS status,
    CASE
        WHEN a.status IS NOT NULL THEN a.cause
        WHEN s.row IS NOT NULL AND coalesce(o.status, '') NOT IN ('applied', 'rejected')
            THEN iif(s.by_run = a.run, 'protected', 'superseded')
        WHEN o.row IS NULL THEN coalesce(l.cause, 'interrupted')
        WHEN o.status IS NULL THEN 'interrupted'
        ELSE o.cause
    END AS cause,
    o.retcode, coalesce(a.reason, o.message) AS message, o.http_status, o.disposition,
    coalesce(o.attempts, 0) AS attempts, coalesce(o.leg, 0) AS leg, o.latency_ms,
    o.first_sent_at, o.sent_at, o.finished_at
FROM assignments a
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN superseded s ON s.run = a.run AND s.row = a.row
LEFT JOIN lanes l ON l.run = a.run AND l.lane = a.lane
"""

_FROM_2 = _FROM_4.replace("iif(s.by_run = a.run, 'protected', 'superseded')", "'superseded'")

_FROM_6 = _FROM_4.replace(
    "o.first_sent_at, o.sent_at, o.finished_at\n",
    "nullif(o.first_sent_at, 0) AS first_sent_at, o.sent_at, o.finished_at,\n"
    "    coalesce(o.not_sent, 0) AS not_sent\n",
)

VIEWS: Mapping[int, str] = MappingProxyType(
    {1: _FROM_1, 2: _FROM_2, 3: _FROM_2, 4: _FROM_4, 5: _FROM_4, 6: _FROM_6}
)
"""Format -> its view `stories`, which each migration writes anew."""

# Up to format 6; `by_run` was the run itself where the agent was protected.
_SUPERSEDED = """
CREATE TABLE superseded (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    by_run          INTEGER NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
"""

_SET_ASIDE_OF_6 = """
INSERT INTO set_aside (run, row, cause, by_run)
SELECT run, row, iif(by_run = run, 'protected', 'superseded'), nullif(by_run, run) FROM superseded;
DROP TABLE superseded;
"""

# Up to format 6.
_PULSES = """
CREATE TABLE pulses (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    leg             INTEGER NOT NULL,
    gateway         TEXT NOT NULL,
    at              INTEGER NOT NULL,
    concurrency     INTEGER NOT NULL,
    breaker         TEXT NOT NULL           -- closed, open or half-open
) STRICT;
CREATE INDEX pulses_by_run ON pulses (run);
"""

_LIMIT_CHANGES_OF_6 = """
INSERT INTO limit_changes (run, leg, gateway, at, concurrency, breaker)
SELECT run, leg, gateway, at, concurrency, breaker FROM pulses ORDER BY rowid;
DROP TABLE pulses;
"""

# Earlier formats had no other order than the times of what was sent, which never ran back.
_TURNS_OF_5 = """
UPDATE legs SET turn = ordered.turn FROM (
    SELECT l.run, l.leg,
           row_number() OVER (ORDER BY coalesce(o.sent_at, l.started_at), l.run, l.leg) AS turn
    FROM legs l LEFT JOIN (
        SELECT run, leg, min(sent_at) AS sent_at FROM outcomes GROUP BY run, leg
    ) o ON o.run = l.run AND o.leg = l.leg
) ordered WHERE ordered.run = legs.run AND ordered.leg = legs.leg;
"""

_TO_2 = f"""
ALTER TABLE runs ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN reverts INTEGER REFERENCES runs;
ALTER TABLE runs ADD COLUMN totals TEXT;
ALTER TABLE runs ADD COLUMN halted TEXT;
ALTER TABLE outcomes ADD COLUMN leg INTEGER NOT NULL DEFAULT 1;
ALTER TABLE outcomes ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN disposition TEXT;
UPDATE outcomes SET sent_at = coalesce(finished_at, first_sent_at);
DROP VIEW stories;
{LEGS}
{_SUPERSEDED}
{STORIES}
INSERT INTO endpoints (run, gateway, url, options)
SELECT DISTINCT run, gateway, iif(gateway = 'emulated', '', 'https://') || gateway, '{{}}'
FROM lanes;
"""  # noqa: S608 - of this module's text

_TO_4 = f"""
DROP VIEW stories;
ALTER TABLE runs ADD COLUMN job TEXT NOT NULL DEFAULT '';
ALTER TABLE lanes ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
ALTER TABLE outcomes ADD COLUMN absent INTEGER NOT NULL DEFAULT 0;
{TOOK_OVER}
{HANDOVERS}
{VERIFICATIONS}
{LEASES}
{STORIES}
"""

MIGRATIONS: Mapping[int, str] = MappingProxyType(
    {
        1: _TO_2,
        2: SWITCH_OVERS,
        3: _TO_4,
        4: f"{SIGNED}{_PULSES}",
        5: f"DROP VIEW stories;{CONSENT}{NOT_SENT}{TURNS}{_TURNS_OF_5}{SHARES}{STORIES}",
        6: (
            f"DROP VIEW stories;{SET_ASIDE}{_SET_ASIDE_OF_6}{LIMIT_CHANGES}{_LIMIT_CHANGES_OF_6}"
            f"{STORIES}"
        ),
    }
)
"""Version of a ledger -> the statements that make the next version of it."""
