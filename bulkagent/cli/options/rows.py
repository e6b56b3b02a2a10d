"""The options that are no settings, a row each, of the commands that are about runs.

Consent and intent (`--yes`, `--flag`, `--insecure`, `--override`) have no variable on purpose: a
shift must not be set by what some profile exported years ago. Times of day are of one day, so they
have none either.
"""

from __future__ import annotations

from bulkagent.settings.row import Group, Kind, Range, Row
from bulkagent.settings.table import READING, SENDING, SIGNING_IN

_LEDGER = ("report", "runs", "show", "prune")
_AGAIN = ("resume", "revert")

RUN_OPTIONS = (
    Row("roster", Kind.ARGUMENT, "CSV file of agents; - is standard input.", Group.WHAT,
        (*READING, "session hold"), "ROSTER", required=True),
    Row("run", Kind.ARGUMENT, "A run ID, the beginning of one, or the word last.", Group.WHAT,
        (*_AGAIN, "report", "show"), "RUN", completes="runs", required=True),
    Row("gateway", Kind.TEXT, "https://HOST:PORT, a name from bulkagent.toml, or emulated.", Group.WHAT,
        (*READING, "doctor", "config show"), "URL|NAME", completes="gateways"),
    Row("gateway", Kind.TEXT, "The run's gateway is right to be there, whatever its name means today.", Group.WHAT,
        _AGAIN, "URL", environment=False),
    Row("flag", Kind.WHOLE, "1: may take inbound calls, 0: may not. Not with a flag column in the roster.", Group.WHAT,
        READING, "0|1", ranges=(Range("flag", "the flag", 0, 1),), environment=False),
    Row("only", Kind.TEXT, "Only agents with one of these causes.", Group.WHAT,
        ("resume",), "CAUSE,...", environment=False, completes="causes"),
    Row("assume_opposite", Kind.SWITCH, "Where nothing is known of an agent, assume it had the other right.", Group.WHAT,
        ("revert",), environment=False),
    Row("roster", Kind.TEXT, "Take GUIDs from this roster, also another; - is standard input.", Group.GUIDS,
        _AGAIN, "PATH", environment=False),
    Row("roster", Kind.TEXT, "Ask with the GUID of its first agent too.", Group.WHAT,
        ("doctor",), "PATH", environment=False),
    Row("agent", Kind.TEXT, "Ask about this agent; reads, sets nobody.", Group.WHAT,
        ("doctor",), "ID", environment=False),
    Row("pilot", Kind.TEXT, "Set this test agent to 0 and to 1, and say what to configure for this site.", Group.WHAT,
        ("doctor",), "ID", environment=False),
    Row("yes", Kind.SWITCH, "Agree beforehand; otherwise a person is asked.", Group.WHAT,
        (*SENDING, "doctor", "prune", "session hold"), environment=False),
    Row("or_resume", Kind.SWITCH, "Go on with the latest run of the same roster, flag and gateway if it is unfinished.", Group.WHAT,
        ("apply",)),
    Row("note", Kind.TEXT, "Kept with the run and shown with it: a ticket, a why.", Group.WHAT,
        SENDING, "TEXT"),
    Row("on_behalf_of", Kind.TEXT, "For whom an orchestrator runs it; kept and shown as claimed.", Group.WHAT,
        SENDING, "TEXT", advanced=True),
    Row("override", Kind.TEXT, "Go on with a halted run (resume, --or-resume); the reason is kept.", Group.TROUBLE,
        ("apply", "resume"), "REASON", environment=False),
    Row("take_over", Kind.TEXTS, "Have this run, in progress on the same agents, drained first; repeatable, or all.", Group.GUARDRAILS,
        SENDING, "RUN", environment=False, completes="runs", last=True),
    Row("start_at", Kind.TEXT, "Wait until this time of day: 07:45, tomorrow 07:45, 2026-03-29T07:45+02:00.", Group.TIMES,
        SENDING, "WHEN", environment=False),
    Row("finish_by", Kind.TEXT, "Say beforehand whether it can be done by this time, and how it stands; never stops.", Group.TIMES,
        SENDING, "WHEN", environment=False),
    Row("insecure", Kind.SWITCH, "Accept any certificate. Warns on each run.", Group.TLS,
        (*SENDING, *SIGNING_IN), environment=False, last=True),
    Row("skip_invalid", Kind.TEXT, "Go on without invalid rows, N at most; the report has them.", Group.ROSTER,
        READING, "[N]", shown="1 % of the rows, at least 3", environment=False, left_out="1%"),
    Row("encoding", Kind.TEXT, "The roster's encoding, such as gb18030.", Group.ROSTER,
        (*SENDING, "check", "session hold"), "NAME", shown="UTF-8, or UTF-16 with a BOM", advanced=True),
    Row("delimiter", Kind.TEXT, "The roster's delimiter.", Group.ROSTER,
        (*SENDING, "check", "session hold"), "CHAR", shown="detected", advanced=True),
    Row("agent_column", Kind.TEXT, "The column of agent IDs.", Group.ROSTER,
        (*SENDING, "check", "session hold"), "NAME", shown="found by its name"),
    Row("report", Kind.PATHS, "Where the report goes: .csv, .json, .jsonl, .html or .xlsx; repeatable.", Group.OUTPUT,
        SENDING, "PATH", shown="ROSTER.RUN.report.csv in the current folder"),
    Row("json", Kind.SWITCH, "Print one JSON object on stdout.", Group.OUTPUT,
        (*SENDING, "check", "report", "runs", "show", "prune", "explain", "doctor", "config show")),
    Row("progress", Kind.CHOICE, "How progress is shown; without a terminal, bar is plain.", Group.OUTPUT,
        SENDING, "bar|plain|none", default="bar", words=("bar", "plain", "none")),
    Row("quiet", Kind.SWITCH, "Say nothing where every agent is set; else the summary.", Group.OUTPUT,
        SENDING, short="-q"),
    Row("log_file", Kind.PATH, "Log every attempt and decision as JSON Lines.", Group.OUTPUT,
        (*SENDING, "session hold"), "PATH"),
    Row("events", Kind.PATH, "Write each outcome as it happens, as JSON Lines; - is stdout.", Group.OUTPUT,
        SENDING, "PATH"),
    Row("metrics_file", Kind.PATH, "Leave metrics for Prometheus's node exporter there (its textfile collector).", Group.OUTPUT,
        SENDING, "PATH", advanced=True),
    Row("config", Kind.PATH, "Configuration; default: bulkagent.toml here, then in the platform's folder.", Group.FILES,
        (*SENDING, "check", "doctor", "session hold", "config show", *_LEDGER), "PATH"),
    Row("scenario", Kind.PATH, "Faults of the emulated gateway.", Group.FILES,
        (*SENDING, "doctor", "emulate"), "TOML", last=True),
)  # fmt: skip
