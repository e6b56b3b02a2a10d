-- A ledger of format 1, as its bulkagent wrote it: one run that was killed in the middle.
PRAGMA application_id=0x62756C6B;
PRAGMA user_version=1;
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
    settings        TEXT NOT NULL           -- JSON object, without secrets
) STRICT;

CREATE TABLE lanes (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    lane            INTEGER NOT NULL,
    gateway         TEXT NOT NULL,
    wave            INTEGER NOT NULL,       -- lower goes first
    assignments     INTEGER NOT NULL,
    cause           TEXT,                   -- why its last rows were not attempted
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
    status          TEXT,                   -- invalid or duplicate
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
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;

-- Attempts that did not end their assignment's story.
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

-- What is on disk, said in statuses. Dispatched without an outcome is unknown, nothing else is.
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
LEFT JOIN lanes l ON l.run = a.run AND l.lane = a.lane;

INSERT INTO runs VALUES (1,'20231114T221320.000Z-0001',1700000000000,1700000000500,NULL,'planned',NULL,
'settalkright','shift.csv','["team"]','{}');
INSERT INTO lanes VALUES (1,0,'east',1,5,NULL);
INSERT INTO assignments VALUES (1,2,0,'1002','east','flag=0',NULL,NULL,NULL,'["a"]');
INSERT INTO assignments VALUES (1,3,0,'1003','east','flag=0',NULL,NULL,NULL,'["b"]');
INSERT INTO assignments VALUES (1,4,0,'1004','east','flag=0',NULL,NULL,NULL,'["a"]');
INSERT INTO assignments VALUES (1,5,0,'1005','east','flag=0',NULL,NULL,NULL,'["a"]');
INSERT INTO assignments VALUES (1,6,NULL,'x','east','flag=0','invalid','bad_row','not a number','["a"]');
INSERT INTO outcomes VALUES (1,2,1,1700000001000,'applied',NULL,'0','success',200,5.5,1700000001005);
INSERT INTO outcomes VALUES (1,3,2,1700000001001,'failed','switch_over','000-004','',200,6.5,1700000002000);
INSERT INTO outcomes VALUES (1,4,1,1700000001002,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO attempts VALUES (1,3,1,'000-004',1700000001001,6.0,'000-004','',200);
