"""The ledger's tables.

Nothing secret is in any column: no GUID, cookie or password (design of the report, and of
everything that may be copied off the machine).
"""

from __future__ import annotations

APPLICATION_ID = 0x62756C6B  # "bulk": tells a ledger from any other SQLite file
VERSION = 7

# One leg is one stretch of sending: the apply (or revert), and each resume after it.
LEGS = """
CREATE TABLE legs (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    leg             INTEGER NOT NULL,       -- 1, 2, ...
    command         TEXT NOT NULL,          -- apply, resume or revert
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,                -- NULL: under way, or its process was killed
    state           TEXT,
    exit_code       INTEGER,
    reason          TEXT,                   -- why it ended early, for people
    override        TEXT,                   -- why a person overrode a guardrail, in their words
    PRIMARY KEY (run, leg)
) STRICT, WITHOUT ROWID;

-- Where each gateway name of a run led to, so that a resume goes to the same place.
CREATE TABLE endpoints (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    gateway         TEXT NOT NULL,
    url             TEXT NOT NULL,          -- the gateway's identity, whatever it was called
    options         TEXT NOT NULL,          -- JSON object: files and names for TLS
    PRIMARY KEY (run, gateway)
) STRICT, WITHOUT ROWID;

CREATE INDEX assignments_by_agent ON assignments (agent_id, run);
"""

SET_ASIDE = """
-- Assignments that the run leaves for good.
CREATE TABLE set_aside (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    cause           TEXT NOT NULL,          -- superseded or protected
    by_run          INTEGER,                -- superseded: the run that the agent is left to
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
"""

TOOK_OVER = """
ALTER TABLE legs ADD COLUMN took_over TEXT;
"""

SWITCH_OVERS = """
-- When a gateway last began to say that it was switching over.
CREATE TABLE switch_overs (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    gateway         TEXT NOT NULL,
    began_at        INTEGER NOT NULL,
    PRIMARY KEY (run, gateway)
) STRICT, WITHOUT ROWID;
"""

HANDOVERS = """
-- The groups of a run that hands over: how many agents come on and go off, by what the rule of
-- gate and floor counts. A run without any sends in the order of its lanes alone.
CREATE TABLE handovers (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    group_name      TEXT NOT NULL,
    incoming        INTEGER NOT NULL,       -- rows with flag 1, also those that are no assignment
    outgoing        INTEGER NOT NULL,       -- rows with flag 0, the same
    absent          INTEGER NOT NULL,       -- outgoing ones that are invalid, so never cover
    PRIMARY KEY (run, group_name)
) STRICT, WITHOUT ROWID;
"""

VERIFICATIONS = """
-- Whether the gateway itself was seen to have taken over what was set.
CREATE TABLE verifications (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    verified        TEXT NOT NULL,          -- yes, no or not_visible
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
"""

LEASES = """
-- Legs under way, in the order in which they asked for their agents. Only a lease whose run's
-- process is alive counts: see `ownership`.
CREATE TABLE leases (
    lease           INTEGER PRIMARY KEY AUTOINCREMENT,
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE
) STRICT;
"""

SIGNED = """
ALTER TABLE legs ADD COLUMN who TEXT;
ALTER TABLE legs ADD COLUMN note TEXT;
"""

LIMIT_CHANGES = """
-- What a gateway was granted, each time that it changed: requests at once, and by its breaker.
CREATE TABLE limit_changes (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    leg             INTEGER NOT NULL,
    gateway         TEXT NOT NULL,
    at              INTEGER NOT NULL,
    concurrency     INTEGER NOT NULL,
    breaker         TEXT NOT NULL           -- closed, open or half-open
) STRICT;
CREATE INDEX limit_changes_by_run ON limit_changes (run);
"""

CONSENT = """
ALTER TABLE legs ADD COLUMN consent TEXT;       -- terminal, yes or program: how it was agreed to
ALTER TABLE legs ADD COLUMN on_behalf_of TEXT;  -- what an orchestrator claims, never who it was
ALTER TABLE legs ADD COLUMN drained_for TEXT;   -- the run that took over, which ended this leg
"""

NOT_SENT = """
-- Of `attempts`, those of which no byte left; a `first_sent_at` of 0 says that none has left yet.
ALTER TABLE outcomes ADD COLUMN not_sent INTEGER NOT NULL DEFAULT 0;
"""

TURNS = """
ALTER TABLE legs ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;  -- rises with each leg that begins
ALTER TABLE switch_overs ADD COLUMN leg INTEGER NOT NULL DEFAULT 0;  -- which noticed it
"""

SHARES = """
-- What each command at work has of the limits that a gateway allows to all of them together.
CREATE TABLE shares (
    share           INTEGER PRIMARY KEY AUTOINCREMENT,
    gateway         TEXT NOT NULL,          -- its URL, whatever it was called
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    concurrency     INTEGER NOT NULL,       -- that it was given for itself: most requests at once
    per_second      REAL,                   -- the same of requests a second; NULL: no limit
    allowed         INTEGER NOT NULL,       -- what it allows itself now: most requests at once
    allowed_per_second REAL,                -- the same of requests a second; NULL: no limit
    beat_at         INTEGER NOT NULL        -- when its command was last at work; rises each time
) STRICT;
CREATE INDEX shares_by_gateway ON shares (gateway);
"""

# What is on disk, said in statuses. Dispatched without an outcome is unknown, nothing else is.
STORIES = """
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
            THEN s.cause
        WHEN o.row IS NULL THEN coalesce(l.cause, 'interrupted')
        WHEN o.status IS NULL THEN 'interrupted'
        ELSE o.cause
    END AS cause,
    o.retcode, coalesce(a.reason, o.message) AS message, o.http_status, o.disposition,
    coalesce(o.attempts, 0) AS attempts, coalesce(o.leg, 0) AS leg, o.latency_ms,
    nullif(o.first_sent_at, 0) AS first_sent_at, o.sent_at, o.finished_at,
    coalesce(o.not_sent, 0) AS not_sent
FROM assignments a
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN set_aside s ON s.run = a.run AND s.row = a.row
LEFT JOIN lanes l ON l.run = a.run AND l.lane = a.lane;
"""

SCHEMA = f"""
CREATE TABLE runs (
    run             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,   -- sorts by time
    created_at      INTEGER NOT NULL,       -- milliseconds since the epoch, as all times here
    planned_at      INTEGER,                -- NULL: not all rows are here, nothing was sent
    finished_at     INTEGER,
    state           TEXT NOT NULL,
    exit_code       INTEGER,
    operation       TEXT NOT NULL,
    roster          TEXT NOT NULL,
    extra_columns   TEXT NOT NULL,          -- JSON array: the roster's own columns
    settings        TEXT NOT NULL,          -- JSON object, without secrets
    fingerprint     TEXT NOT NULL DEFAULT '',  -- of the roster's gateways, agents and flags
    reverts         INTEGER REFERENCES runs,   -- the run that this one sets back
    totals          TEXT,                   -- JSON object: rows by status at the end of a leg
    halted          TEXT,                   -- why, until a person has let it go on
    job             TEXT NOT NULL DEFAULT ''  -- the name of the daily job that the run belongs to
) STRICT;

CREATE TABLE lanes (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    lane            INTEGER NOT NULL,
    gateway         TEXT NOT NULL,
    wave            INTEGER NOT NULL,       -- lower goes first
    assignments     INTEGER NOT NULL,
    cause           TEXT,                   -- why its last rows were not attempted
    group_name      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, lane)
) STRICT, WITHOUT ROWID;

-- The plan: one row for each roster row, written once.
CREATE TABLE assignments (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,       -- line in the roster
    lane            INTEGER,                -- NULL: not an assignment, see status
    agent_id        TEXT NOT NULL,
    gateway         TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    status          TEXT,                   -- of a row that is no assignment
    cause           TEXT,
    reason          TEXT,
    extra           TEXT,                   -- JSON array of the roster's own cells
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_lane ON assignments (run, lane, row) WHERE lane IS NOT NULL;

-- A row appears here with the dispatch mark; its status comes with the outcome.
CREATE TABLE outcomes (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,       -- dispatched so far
    first_sent_at   INTEGER NOT NULL,
    status          TEXT,
    cause           TEXT,
    retcode         TEXT,
    message         TEXT,
    http_status     INTEGER,
    latency_ms      REAL,
    finished_at     INTEGER,
    leg             INTEGER NOT NULL DEFAULT 1,  -- in which it was last dispatched
    sent_at         INTEGER NOT NULL DEFAULT 0,  -- the last dispatch
    disposition     TEXT,                   -- how the last attempt ended
    absent          INTEGER NOT NULL DEFAULT 0,  -- 1: the agent was surely not there to be set
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;

-- Attempts that another attempt followed.
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
{LEGS}
{TOOK_OVER}
{SWITCH_OVERS}
{HANDOVERS}
{VERIFICATIONS}
{LEASES}
{SIGNED}
{CONSENT}
{NOT_SENT}
{TURNS}
{SHARES}
{SET_ASIDE}
{LIMIT_CHANGES}
{STORIES}
"""
