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
    Row("roster", Kind.ARGUMENT, "CSV file of agents, or - for standard input.", Group.WHAT,
        (*READING, "session hold"), "ROSTER", required=True),
    Row("run", Kind.ARGUMENT, "A run ID, the beginning of one, or the word last.", Group.WHAT,
        (*_AGAIN, "report", "show"), "RUN", completes="runs", required=True),
    Row("gateway", Kind.TEXT, "https://HOST:PORT, a name from bulkagent.toml, or emulated.", Group.WHAT,
        (*READING, "doctor", "config show"), "URL|NAME", completes="gateways"),
    Row("gateway", Kind.TEXT, "Confirm the address of the run's gateway, where its name means another address today.", Group.WHAT,
        _AGAIN, "URL", environment=False),
    Row("flag", Kind.WHOLE, "1 allows inbound calls, 0 stops them. Not with a flag column.", Group.WHAT,
        READING, "0|1", ranges=(Range("flag", "the flag", 0, 1),), environment=False),
    Row("only", Kind.TEXT, "Send only agents with one of these causes.", Group.WHAT,
        ("resume",), "CAUSE,...", environment=False, completes="causes"),
    Row("assume_opposite", Kind.SWITCH, "Where the ledger knows no earlier talk right of an agent, assume the opposite one.", Group.WHAT,
        ("revert",), environment=False),
    Row("roster", Kind.TEXT, "Take GUIDs from this roster, or from standard input with -.", Group.GUIDS,
        _AGAIN, "PATH", environment=False),
    Row("roster", Kind.TEXT, "Ask with the GUID of this roster's first agent, too.", Group.WHAT,
        ("doctor",), "PATH", environment=False),
    Row("agent", Kind.TEXT, "Ask about this agent. This reads, and sets nothing.", Group.WHAT,
        ("doctor",), "ID", environment=False),
    Row("pilot", Kind.TEXT, "Set this test agent to 0 and to 1, and say what to configure for this site.", Group.WHAT,
        ("doctor",), "ID", environment=False),
    Row("yes", Kind.SWITCH, "Agree beforehand. Without it, a person is asked.", Group.WHAT,
        (*SENDING, "doctor", "prune", "session hold"), environment=False),
    Row("or_resume", Kind.SWITCH, "Go on with the latest run of the same roster, flag and gateway if it is unfinished.", Group.WHAT,
        ("apply",)),
    Row("note", Kind.TEXT, "A note kept and shown with the run, such as a ticket number.", Group.WHAT,
        SENDING, "TEXT"),
    Row("on_behalf_of", Kind.TEXT, "The person for whom an orchestrator runs this. It is kept and shown as a claim.", Group.WHAT,
        SENDING, "TEXT", advanced=True),
    Row("override", Kind.TEXT, "Go on with a halted run (resume, --or-resume). The reason is kept.", Group.TROUBLE,
        ("apply", "resume"), "REASON", environment=False),
    Row("take_over", Kind.TEXTS, "First drain this run, which is in progress on the same agents. Repeatable; all drains every one.", Group.GUARDRAILS,
        SENDING, "RUN", environment=False, completes="runs", last=True),
    Row("start_at", Kind.TEXT, "Wait until this time: 07:45, tomorrow 07:45, 2026-03-29T07:45+02:00.", Group.TIMES,
        SENDING, "WHEN", environment=False),
    Row("finish_by", Kind.TEXT, "Say beforehand whether the run can be done by this time, and later how it stands. This stops nothing.", Group.TIMES,
        SENDING, "WHEN", environment=False),
    Row("insecure", Kind.SWITCH, "Accept any certificate. Warns on each run.", Group.TLS,
        (*SENDING, *SIGNING_IN), environment=False, last=True),
    Row("skip_invalid", Kind.TEXT, "Go on without invalid rows, N at most. The report lists them.", Group.ROSTER,
        READING, "[N]", shown="1 % of the rows, at least 3", environment=False, left_out="1%"),
    Row("encoding", Kind.TEXT, "The roster's encoding, such as gb18030.", Group.ROSTER,
        (*SENDING, "check", "session hold"), "NAME", shown="UTF-8, or UTF-16 with a BOM", advanced=True),
    Row("delimiter", Kind.TEXT, "The roster's delimiter.", Group.ROSTER,
        (*SENDING, "check", "session hold"), "CHAR", shown="detected", advanced=True),
    Row("agent_column", Kind.TEXT, "The column of agent IDs.", Group.ROSTER,
        (*SENDING, "check", "session hold"), "NAME", shown="found by its name"),
    Row("report", Kind.PATHS, "Path of the report, which ends in .csv, .json, .jsonl, .html or .xlsx. Repeatable.", Group.OUTPUT,
        SENDING, "PATH", shown="ROSTER.RUN.report.csv in the current folder"),
    Row("json", Kind.SWITCH, "Print one JSON object on stdout.", Group.OUTPUT,
        (*SENDING, "check", "report", "runs", "show", "prune", "explain", "doctor", "config show")),
    Row("progress", Kind.CHOICE, "How progress is shown. Without a terminal, bar means plain.", Group.OUTPUT,
        SENDING, "bar|plain|none", default="bar", words=("bar", "plain", "none")),
    Row("quiet", Kind.SWITCH, "Print nothing if every agent is set. Otherwise print the summary.", Group.OUTPUT,
        SENDING, short="-q"),
    Row("log_file", Kind.PATH, "Log every attempt and decision as JSON Lines.", Group.OUTPUT,
        (*SENDING, "session hold"), "PATH"),
    Row("events", Kind.PATH, "Write each outcome at once as JSON Lines, to stdout with -.", Group.OUTPUT,
        SENDING, "PATH"),
    Row("metrics_file", Kind.PATH, "Write metrics there for the textfile collector of Prometheus's node exporter.", Group.OUTPUT,
        SENDING, "PATH", advanced=True),
    Row("config", Kind.PATH, "Configuration file. Default: bulkagent.toml in this folder, then in the platform's.", Group.FILES,
        (*SENDING, "check", "doctor", "session hold", "config show", *_LEDGER), "PATH"),
    Row("scenario", Kind.PATH, "Faults of the emulated gateway.", Group.FILES,
        (*SENDING, "doctor", "emulate"), "TOML", last=True),
)  # fmt: skip
