-- A ledger of format 6, as that version wrote it: a run of twelve agents that was killed, and killed
-- again when it went on; one agent is protected since, and a later run has set another.
PRAGMA application_id = 1651862635;
PRAGMA user_version = 6;
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
INSERT INTO "assignments" VALUES(1,2,0,'1001','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,3,0,'1002','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,4,0,'1003','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,5,0,'1004','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,6,0,'1005','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,7,0,'1006','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,8,0,'1007','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,9,0,'1008','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,10,0,'1009','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,11,0,'1010','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,12,0,'1011','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(1,13,0,'1012','emulated','flag=1',NULL,NULL,NULL,'["blue"]');
INSERT INTO "assignments" VALUES(2,2,0,'1012','emulated','flag=0',NULL,NULL,NULL,NULL);
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
INSERT INTO "attempts" VALUES(1,5,1,'interrupted',1795810789781,0.0,'','',0);
CREATE TABLE endpoints (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    gateway         TEXT NOT NULL,
    url             TEXT NOT NULL,          -- the gateway's identity, whatever it was called
    options         TEXT NOT NULL,          -- JSON object: files and names for TLS
    PRIMARY KEY (run, gateway)
) STRICT, WITHOUT ROWID;
INSERT INTO "endpoints" VALUES(1,'emulated','emulated','{}');
INSERT INTO "endpoints" VALUES(2,'emulated','emulated','{}');
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
INSERT INTO "lanes" VALUES(1,0,'emulated',0,12,NULL,'');
INSERT INTO "lanes" VALUES(2,0,'emulated',1,1,NULL,'');
CREATE TABLE leases (
    lease           INTEGER PRIMARY KEY AUTOINCREMENT,
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE
) STRICT;
INSERT INTO "leases" VALUES(3,1);
CREATE TABLE legs (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    leg             INTEGER NOT NULL,       -- 1, 2, ...
    command         TEXT NOT NULL,          -- apply, resume or revert
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,                -- NULL: under way, or its process was killed
    state           TEXT,
    exit_code       INTEGER,
    reason          TEXT,                   -- why it ended early, for people
    override        TEXT, took_over TEXT, who TEXT, note TEXT, consent TEXT, on_behalf_of TEXT, drained_for TEXT, turn INTEGER NOT NULL DEFAULT 0,                   -- why somebody overrode a guardrail, in their words
    PRIMARY KEY (run, leg)
) STRICT, WITHOUT ROWID;
INSERT INTO "legs" VALUES(1,1,'apply',1795810788279,NULL,NULL,NULL,NULL,NULL,NULL,'ops@desk',NULL,NULL,NULL,NULL,1);
INSERT INTO "legs" VALUES(1,2,'resume',1795810798869,NULL,NULL,NULL,NULL,NULL,NULL,'ops@desk',NULL,NULL,NULL,NULL,3);
INSERT INTO "legs" VALUES(2,1,'apply',1795810793126,1795810793846,'completed',0,NULL,NULL,NULL,'ops@desk',NULL,NULL,NULL,NULL,2);
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
    absent          INTEGER NOT NULL DEFAULT 0, not_sent INTEGER NOT NULL DEFAULT 0,  -- 1: the agent was surely not there to be set
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
INSERT INTO "outcomes" VALUES(1,2,1,1795810788552,'applied',NULL,'0','success',200,4.23647055000401451252e+02,1795810788976,1,1795810788552,'0',0,0);
INSERT INTO "outcomes" VALUES(1,3,1,1795810788976,'applied',NULL,'0','success',200,4.02175177001481642946e+02,1795810789378,1,1795810788976,'0',0,0);
INSERT INTO "outcomes" VALUES(1,4,1,1795810789379,'applied',NULL,'0','success',200,4.02183981999769457615e+02,1795810789781,1,1795810789379,'0',0,0);
INSERT INTO "outcomes" VALUES(1,5,2,1795810789781,'applied',NULL,'0','success',200,4.27727374999449239112e+02,1795810799416,2,1795810798988,'0',0,0);
INSERT INTO "outcomes" VALUES(1,6,1,1795810799416,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,1795810799416,NULL,0,0);
INSERT INTO "outcomes" VALUES(2,2,1,1795810793780,'applied',NULL,'0','success',200,6.30564899984165094792e+00,1795810793787,1,1795810793780,'0',0,0);
CREATE TABLE pulses (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    leg             INTEGER NOT NULL,
    gateway         TEXT NOT NULL,
    at              INTEGER NOT NULL,
    concurrency     INTEGER NOT NULL,
    breaker         TEXT NOT NULL           -- closed, open or half-open
) STRICT;
INSERT INTO "pulses" VALUES(1,1,'emulated',1795810788520,1,'closed');
INSERT INTO "pulses" VALUES(2,1,'emulated',1795810793764,64,'closed');
INSERT INTO "pulses" VALUES(1,2,'emulated',1795810798972,1,'closed');
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
INSERT INTO "runs" VALUES(1,'20261127T201948.123Z-3427',1795810788123,1795810788123,NULL,'planned',NULL,'settalkright','/shift.csv','["team"]','{"gateway":"emulated","default_gateway":"emulated","flag":1,"skip_invalid":false,"insecure":false,"encoding":null,"delimiter":null,"agent_column":null,"scenario":null,"reports":[],"folder":"/","concurrency":1,"auto":null,"per_second":5.0,"burst":1,"max_attempts":8,"retry_for_s":120.0,"give_up_after_s":300.0,"resend_after_switchover":false,"connect_timeout_s":3.0,"timeout_s":10.0,"agent_id_range":[101,59999],"job":"","deadline_s":null,"grace_s":15.0,"halt_share":null,"halt_count":null,"halt_first":50,"durability":"normal","sessions":null,"guid_url":"","guid_ca_file":null,"group_by":"","handover":true,"gate":0.95,"floor":null,"allow_closing":false,"canary":0,"wait_for_sign_in_s":null,"up_means":"permission","absent_ok":false,"verify_with":[],"verify_again_after_s":2.0,"at_gateways":{}}','set:558783ddfa559f0dd9a380c80f6e153c06900b9b1399ec3d0d8fe297b9af301f',NULL,NULL,NULL,'');
INSERT INTO "runs" VALUES(2,'20261127T201952.996Z-d665',1795810792996,1795810792996,1795810793846,'completed',0,'settalkright','/other.csv','[]','{"gateway":"emulated","default_gateway":"emulated","flag":0,"skip_invalid":false,"insecure":false,"encoding":null,"delimiter":null,"agent_column":null,"scenario":null,"reports":[],"folder":"/","concurrency":64,"auto":null,"per_second":null,"burst":1,"max_attempts":8,"retry_for_s":120.0,"give_up_after_s":300.0,"resend_after_switchover":false,"connect_timeout_s":3.0,"timeout_s":10.0,"agent_id_range":[101,59999],"job":"","deadline_s":null,"grace_s":15.0,"halt_share":null,"halt_count":null,"halt_first":50,"durability":"normal","sessions":null,"guid_url":"","guid_ca_file":null,"group_by":"","handover":true,"gate":0.95,"floor":null,"allow_closing":false,"canary":0,"wait_for_sign_in_s":null,"up_means":"permission","absent_ok":false,"verify_with":[],"verify_again_after_s":2.0,"at_gateways":{}}','set:2bea73cc5d18e9f141e57dc147e118c4aa25b0affa91d8e627b6964630047e2e',NULL,'{"applied":1,"rejected":0,"failed":0,"unknown":0,"not_attempted":0,"invalid":0,"duplicate":0}',NULL,'');
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
CREATE TABLE superseded (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    by_run          INTEGER NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
INSERT INTO "superseded" VALUES(1,12,1);
INSERT INTO "superseded" VALUES(1,13,2);
CREATE TABLE switch_overs (
    run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    gateway         TEXT NOT NULL,
    began_at        INTEGER NOT NULL, leg INTEGER NOT NULL DEFAULT 0,
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
CREATE INDEX shares_by_gateway ON shares (gateway);
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
    nullif(o.first_sent_at, 0) AS first_sent_at, o.sent_at, o.finished_at,
    coalesce(o.not_sent, 0) AS not_sent
FROM assignments a
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN superseded s ON s.run = a.run AND s.row = a.row
LEFT JOIN lanes l ON l.run = a.run AND l.lane = a.lane;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('leases',3);
COMMIT;
