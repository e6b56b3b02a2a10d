-- A ledger of format 5, as that version wrote it: one run of two agents.
PRAGMA application_id = 1651862635;
PRAGMA user_version = 5;
BEGIN TRANSACTION;
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
INSERT INTO "assignments" VALUES(1,2,0,'1002','east','flag=1',NULL,NULL,NULL,NULL);
INSERT INTO "assignments" VALUES(1,3,0,'1003','east','flag=1',NULL,NULL,NULL,NULL);
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
CREATE TABLE endpoints (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    gateway         TEXT NOT NULL,
    url             TEXT NOT NULL,          -- the gateway's identity, whatever it was called
    options         TEXT NOT NULL,          -- JSON object: files and names for TLS
    PRIMARY KEY (run, gateway)
) STRICT, WITHOUT ROWID;
INSERT INTO "endpoints" VALUES(1,'east','https://east','{}');
CREATE TABLE handovers (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    group_name      TEXT NOT NULL,
    incoming        INTEGER NOT NULL,       -- rows with flag 1, also those that are no assignment
    outgoing        INTEGER NOT NULL,       -- rows with flag 0, the same
    absent          INTEGER NOT NULL,       -- outgoing ones that are nobody's, so never cover
    PRIMARY KEY (run, group_name)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "lanes" VALUES(1,0,'east',0,2,NULL,'');
CREATE TABLE leases (
    lease           INTEGER PRIMARY KEY AUTOINCREMENT,
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE
) STRICT;
CREATE TABLE legs (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    leg             INTEGER NOT NULL,       -- 1, 2, ...
    command         TEXT NOT NULL,          -- apply, resume or revert
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,                -- NULL: under way, or its process was killed
    state           TEXT,
    exit_code       INTEGER,
    reason          TEXT,                   -- why it ended early, for people
    override        TEXT, took_over TEXT, who TEXT, note TEXT,                   -- why somebody overrode a guardrail, in their words
    PRIMARY KEY (run, leg)
) STRICT, WITHOUT ROWID;
INSERT INTO "legs" VALUES(1,1,'apply',1700000000500,1700000002000,'completed',3,NULL,NULL,NULL,'ops@batch7','evening');
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
INSERT INTO "outcomes" VALUES(1,2,1,1700000000600,'applied',NULL,'0','success',200,5.0,1700000000700,1,1700000000600,'0',0);
INSERT INTO "outcomes" VALUES(1,3,1,1700000000600,'failed','switch_over','000-004','',200,5.0,1700000000800,1,1700000000600,'000-004',0);
CREATE TABLE pulses (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    leg             INTEGER NOT NULL,
    gateway         TEXT NOT NULL,
    at              INTEGER NOT NULL,
    concurrency     INTEGER NOT NULL,
    breaker         TEXT NOT NULL           -- closed, open or half-open
) STRICT;
INSERT INTO "pulses" VALUES(1,1,'east',1700000000500,16,'closed');
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
    halted          TEXT,                   -- why, until somebody has let it go on
    job             TEXT NOT NULL DEFAULT ''  -- what the run is called by who runs it daily
) STRICT;
INSERT INTO "runs" VALUES(1,'20231114T221320.000Z-0002',1700000000000,1700000000500,1700000002000,'completed',3,'settalkright','/shift.csv','[]','{}','ab',NULL,'{}',NULL,'');
CREATE TABLE superseded (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    by_run          INTEGER NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
CREATE TABLE switch_overs (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    gateway         TEXT NOT NULL,
    began_at        INTEGER NOT NULL,
    PRIMARY KEY (run, gateway)
) STRICT, WITHOUT ROWID;
CREATE TABLE verifications (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    verified        TEXT NOT NULL,          -- yes, no or not_visible
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_lane ON assignments (run, lane, row) WHERE lane IS NOT NULL;
CREATE INDEX assignments_by_agent ON assignments (agent_id, run);
CREATE INDEX pulses_by_run ON pulses (run);
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
LEFT JOIN lanes l ON l.run = a.run AND l.lane = a.lane;
DELETE FROM "sqlite_sequence";
COMMIT;
