"""One row a setting: everything that is said of it anywhere comes from here.

From the rows come the options with their help and variables, the words of the configuration file
with their checks, the ranges, what a resume takes over, and a page of the guide. A new setting
is a row here and a field of `Settings`.
"""

from __future__ import annotations

from bulkagent.settings.row import Group, Kind, Range, Row, Scope

SENDING = ("apply", "resume", "revert")
"""The commands that send."""
READING = ("apply", "check")
"""The commands that read a roster as a plan."""
SIGNING_IN = ("doctor", "session hold")

_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S
_YEAR_S = 365 * _DAY_S
_MANY = 1_000_000_000

SETTINGS = (
    Row("ledger", Kind.PATH, "Path of the ledger. Default: a file in the platform's state folder.", Group.FILES,
        (*SENDING, "report", "runs", "show", "doctor", "prune"), "PATH",
        example="/var/lib/bulkagent/ledger.sqlite3", scope=Scope.TOP, fields=("ledger",),
        file="Path of the ledger. Without it, the ledger is in the platform's folder for state."),
    Row("job", Kind.TEXT, "The job of the run. Its section in bulkagent.toml is [jobs.NAME].", Group.WHAT,
        (*SENDING, "check", "runs", "config show"), "NAME",
        example="morning", scope=Scope.TOP, fields=("job",), kept=True, completes="jobs",
        file="The job of a run that names no other. Its section is [jobs.NAME]."),
    Row("time_zone", Kind.TEXT, "Time zone of times of day, such as Europe/Berlin.", Group.TIMES,
        SENDING, "NAME", shown="the machine's", example="Europe/Berlin", scope=Scope.TOP),
    Row("language", Kind.CHOICE, "The language of summary, question and HTML reports. With zh, Chinese.", Group.OUTPUT,
        (*SENDING, "check", "report", "show"), "en|zh", shown="the locale's", example="zh", scope=Scope.TOP, words=("en", "zh"), label="the language is", advanced=True,
        file='With "en", the screen and HTML reports are in English. With "zh", they are in Chinese. Without it, the locale decides.'),
    Row("concurrency", Kind.CONCURRENCY, "Most requests in flight at once at each gateway. With auto, as many as it bears, 4 to 256 or A to B.", Group.SPEED,
        (*SENDING, "doctor"), "N|auto|auto:A-B", default="16", shown="16; emulated: 64", example=16, scope=Scope.BOTH,
        fields=("concurrency",), ranges=(Range("concurrency", "concurrency", 1, 10_000),), kept=True,
        file='Most requests in flight at once at each gateway: 1 to 10000, "auto" or "auto:4-256".'),
    # 0 is no rate: it would lift the limit. The lowest is one start in some three hours.
    Row("rate", Kind.RATE, "Most requests started a second (100/s) or a minute (300/m) at each gateway.", Group.SPEED,
        SENDING, "N/s|none", default="100/s", shown="100/s; emulated: none", example="100/s", scope=Scope.BOTH,
        fields=("per_second",), ranges=(Range("per_second", "the rate a second", 0.0001, 1_000_000),), kept=True,
        file='Most requests started a second ("100/s") or a minute ("300/m") at each gateway. With "none", there is no limit.'),
    Row("burst", Kind.WHOLE, "Requests that may start at once under the rate.", Group.SPEED,
        SENDING, "N", default="1", example=1, scope=Scope.BOTH,
        fields=("burst",), ranges=(Range("burst", "burst", 1, 100_000),), kept=True, advanced=True),
    Row("max_attempts", Kind.WHOLE, "Attempts for one agent before the agent is put off to the end of the run.", Group.TROUBLE,
        SENDING, "N", default="8", example=8, scope=Scope.RUN,
        fields=("max_attempts",), ranges=(Range("max_attempts", "max-attempts", 1, 1_000),), kept=True, advanced=True),
    Row("retry_for", Kind.TIME, "At the end, try agents whose attempts are spent again, up to this long after their first request.", Group.TROUBLE,
        SENDING, "TIME|none", default="2m", example="2m", scope=Scope.RUN, takes_none=True, none_means=0.0,
        fields=("retry_for_s",), ranges=(Range("retry_for_s", "the retry-for in seconds", 0, _DAY_S),), kept=True, advanced=True),
    Row("give_up_after", Kind.TIME, "Send nothing more to a gateway that was down for this long (exit 5).", Group.TROUBLE,
        SENDING, "TIME", default="5m", shown="5m; 30s where it never answered in this run", example="5m", scope=Scope.RUN,
        fields=("give_up_after_s",), ranges=(Range("give_up_after_s", "the give-up-after in seconds", 0.001, _DAY_S),), kept=True, advanced=True,
        file="Send nothing more to a gateway that was down for this long. Without this setting, 30s holds for a gateway that never answered."),
    Row("resend_after_switchover", Kind.PAIR, "After a failover of the gateway, send again the agents who were set before it.", Group.TROUBLE,
        ("apply", "resume"), default="false", example=True, scope=Scope.RUN,
        fields=("resend_after_switchover",), kept=True, advanced=True),
    Row("connect_timeout", Kind.TIME, "Time for name lookup, connection and TLS handshake together.", Group.SPEED,
        (*SENDING, *SIGNING_IN), "TIME", default="3s", example="3s", scope=Scope.RUN,
        fields=("connect_timeout_s",), ranges=(Range("connect_timeout_s", "the connect timeout in seconds", 0.001, _DAY_S),), kept=True, advanced=True),
    Row("timeout", Kind.TIME, "Time for a reply. A late reply is read on for as long again.", Group.SPEED,
        (*SENDING, "doctor"), "TIME", default="10s", example="10s", scope=Scope.RUN,
        fields=("timeout_s",), ranges=(Range("timeout_s", "the timeout in seconds", 0.001, _DAY_S),), kept=True,
        file="Time for a reply. A late reply is read on for as long again. Must be above connect_timeout."),
    Row("agent_id_range", Kind.AGENT_IDS, "Agent IDs that the gateway knows.", Group.ROSTER,
        (*READING, *SIGNING_IN), "A-B", default="101-59999", shown="101-59999; 101-999999 since AICC 25.200", example="101-59999", scope=Scope.BOTH,
        fields=("agent_id_range",), kept=True, advanced=True,
        file="Agent IDs that the gateway knows. Since AICC 25.200 they are 101-999999."),
    Row("max_agents", Kind.WHOLE, "Refuse a roster with more agents (exit 6).", Group.GUARDRAILS,
        (*SENDING, "session hold"), "N", example=6000, scope=Scope.BOTH,
        fields=("max_agents",), ranges=(Range("max_agents", "max-agents", 1, _MANY),),
        file="A roster with more agents is refused.",
        at_gateway="A run with more agents on this gateway is refused."),
    Row("deadline", Kind.TIME, "Start no more attempts after this time (exit 5).", Group.TIMES,
        SENDING, "TIME|none", default="none", shown="", example="45m", scope=Scope.RUN, takes_none=True,
        fields=("deadline_s",), ranges=(Range("deadline_s", "the deadline in seconds", 0.001, _WEEK_S),), kept=True),
    Row("grace", Kind.TIME, "Wait this long for requests in flight once the run is stopped.", Group.TROUBLE,
        SENDING, "TIME", default="15s", example="15s", scope=Scope.RUN,
        fields=("grace_s",), ranges=(Range("grace_s", "the grace in seconds", 0.001, _DAY_S),), kept=True, advanced=True),
    Row("halt", Kind.HALT, "Halt (exit 6) when this many of the finished agents are not applied. At least 50 must be finished.", Group.TROUBLE,
        SENDING, "fail=N%|fail=N|none", default="none", shown="", example="fail=20%", scope=Scope.RUN, takes_none=True,
        fields=("halt",), ranges=(
            Range("halt_share", "the share that halts", 0.000_000_01, 1),
            Range("halt_count", "the number of agents that halts", 1, _MANY)), kept=True,
        file='Halt when this many of the finished agents are not applied: "fail=N%", "fail=N" or "none". At least 50 must be finished.'),
    Row("halt_first", Kind.WHOLE, "Halt a gateway (exit 6) if its first N agents all fail with one cause of wrong set-up. With 0, never.", Group.TROUBLE,
        SENDING, "N", default="50", example=50, scope=Scope.RUN,
        fields=("halt_first",), ranges=(Range("halt_first", "halt-first", 0, _MANY),), kept=True, advanced=True,
        file="Halt a gateway if this number of first agents all fail with one cause of wrong set-up. With 0, never."),
    Row("durability", Kind.TEXT, "With full, the ledger also survives a loss of power. That is slower.", Group.FILES,
        SENDING, "normal|full", default="normal", example="full", scope=Scope.RUN,
        fields=("durability",), words=("normal", "full"), label="the durability is", kept=True, advanced=True,
        file='With "normal", the ledger survives any crash of the process. With "full", it also survives a loss of power. That is slower.'),
    Row("max_age", Kind.TIME, "Do not go on with a run (resume, --or-resume) that stood still for this long.", Group.GUARDRAILS,
        ("apply", "resume"), "TIME", default="2h", example="2h", scope=Scope.RUN,
        fields=("max_age_s",), ranges=(Range("max_age_s", "the max-age in seconds", 1, _YEAR_S),),
        file="A run that stood still for this long is not resumed."),
    Row("trust_state", Kind.TIME, "Trust what other runs recorded of talk rights for this long (revert, --floor). Older ones count as unknown.", Group.GUARDRAILS,
        SENDING, "TIME", default="8h", example="8h", scope=Scope.RUN,
        fields=("trust_state_s",), ranges=(Range("trust_state_s", "the trust-state in seconds", 1, _YEAR_S),), advanced=True,
        file="For this long, a revert and a floor trust what another run recorded."),
    Row("sessions", Kind.PATH, "Take GUIDs from this file (CSV or JSON Lines) instead of the roster. Another process keeps it up to date.", Group.GUIDS,
        (*SENDING, "check", "doctor"), "FILE", example="sessions.jsonl", scope=Scope.RUN, fields=("sessions",), kept=True),
    Row("guid_url", Kind.TEXT, "Ask this service for each GUID instead of the roster, with {agentid} and {gateway} filled in.", Group.GUIDS,
        (*SENDING, "check", "doctor"), "URL", example="https://guids.example/{gateway}/{agentid}", scope=Scope.RUN, fields=("guid_url",), kept=True),
    Row("guid_ca_file", Kind.PATH, "PEM file of the private CA of --guid-url.", Group.GUIDS,
        (*SENDING, "doctor"), "PATH", example="guid-ca.pem", scope=Scope.RUN, fields=("guid_ca_file",), kept=True, advanced=True,
        file="PEM file of the private CA of guid_url."),
    Row("group_by", Kind.TEXT, "Let each team, skill or site hand over by itself. Name a column of the roster, or write gateway.", Group.SHIFT_CHANGE,
        READING, "COLUMN", example="team", scope=Scope.RUN, fields=("group_by",), kept=True,
        file='Let each team, skill or site hand over by itself. Name a column of the roster. With "gateway", each gateway is a group.'),
    Row("handover", Kind.PAIR, "Set agents coming on shift before agents going off shift. With --no-handover, keep the roster's order.", Group.SHIFT_CHANGE,
        READING, default="true", shown="handover", example=False, scope=Scope.RUN, fields=("handover",), kept=True,
        file="Whether agents coming on shift are set before agents going off shift."),
    Row("gate", Kind.SHARE, "At least this share of a group's agents coming on shift must be up before one agent goes off shift.", Group.SHIFT_CHANGE,
        (*SENDING, "check"), "N%", default="95%", example="95%", scope=Scope.RUN,
        fields=("gate",), ranges=(Range("gate", "the gate as a part of the whole", 0, 1),), kept=True),
    Row("floor", Kind.SHARE, "Keep at least this many agents of a group on, as a share of its agents going off shift.", Group.SHIFT_CHANGE,
        (*SENDING, "check"), "N%|none", default="none", example="80%", scope=Scope.RUN, takes_none=True,
        fields=("floor",), ranges=(Range("floor", "the floor as a part of the whole", 0, 1),), kept=True),
    Row("allow_closing", Kind.SWITCH, "Let the agents of a group go off shift although no agent of it comes on shift.", Group.SHIFT_CHANGE,
        SENDING, fields=("allow_closing",), environment=False, kept=True),
    Row("canary", Kind.WHOLE, "Set this many agents first. Halt (exit 6) if over 5% of them fail.", Group.GUARDRAILS,
        SENDING, "N", default="0", shown="", example=20, scope=Scope.RUN,
        fields=("canary",), ranges=(Range("canary", "canary", 0, 100_000),), kept=True,
        file="Set this many agents first, up to 100000. Set the others only if these went well."),
    Row("wait_for_sign_in", Kind.TIME, "Wait this long for agents not signed in yet.", Group.SHIFT_CHANGE,
        SENDING, "TIME|none", default="none", shown="", example="20m", scope=Scope.RUN, takes_none=True,
        fields=("wait_for_sign_in_s",), ranges=(Range("wait_for_sign_in_s", "the wait-for-sign-in in seconds", 0.001, _DAY_S),), kept=True),
    Row("up_means", Kind.TEXT, "With available, an agent counts for the gate only once seen idle, talking or in wrap-up.", Group.SHIFT_CHANGE,
        SENDING, "permission|available", default="permission", example="available", scope=Scope.RUN,
        fields=("up_means",), words=("permission", "available"), label="up means", kept=True, advanced=True,
        file='With "permission", an agent who is applied is up. With "available", the agent must then also be seen idle, talking or in wrap-up.'),
    Row("absent_ok", Kind.PAIR, "An agent going off shift who is surely signed out does not worsen the exit code.", Group.SHIFT_CHANGE,
        SENDING, default="false", example=True, scope=Scope.RUN, fields=("absent_ok",), kept=True, advanced=True),
    Row("verify_with", Kind.TEXTS, "Before and after, ask as this agent (or GATEWAY/AGENT) which agents of SKILL take calls. Repeatable, or none.", Group.SHIFT_CHANGE,
        (*SENDING, "doctor"), "AGENT:SKILL", example=("east/105:7",), scope=Scope.RUN, fields=("verify_with",), kept=True,
        file="Before and after, ask as these agents which agents of a skill queue take calls. Write AGENT:SKILL or GATEWAY/AGENT:SKILL."),
    Row("verify_again_after", Kind.TIME, "Where the queue contradicts a result, ask it once more after this time. With none, believe it at once.", Group.SHIFT_CHANGE,
        SENDING, "TIME|none", default="2s", example="2s", scope=Scope.RUN, takes_none=True, none_means=0.0,
        fields=("verify_again_after_s",), ranges=(Range("verify_again_after_s", "the verify-again-after in seconds", 0, 3_600),), kept=True, advanced=True,
        file='Where the queue contradicts a result, ask it once more after this time. With "none", believe it at once.'),
    Row("protect", Kind.PATHS, "Never touch the agents in this file (a roster). Repeatable.", Group.GUARDRAILS,
        (*SENDING, "check"), "FILE", example=("supervisors.csv",), scope=Scope.BOTH, fields=("protect",),
        file="Files of agents who are never touched. Each looks like a roster.",
        at_gateway="Files of agents who are never touched on this gateway."),
)  # fmt: skip
"""Every setting."""

GATEWAY_ROWS = (
    Row("url", Kind.TEXT, "The gateway's address.", example="https://agw-east.example:8043", scope=Scope.GATEWAY, required=True),
    Row("ca_file", Kind.PATH, "Trust this CA instead of the system's.", Group.TLS,
        (*SENDING, *SIGNING_IN), "PEM", example="east-ca.pem", scope=Scope.GATEWAY,
        file="PEM file of the private CA that signed the gateway's certificate. Without it, the system's CAs are trusted."),
    Row("tls_server_name", Kind.TEXT, "The name to expect in the gateway's certificate.", Group.TLS,
        (*SENDING, *SIGNING_IN), "NAME", example="agw-east.example", scope=Scope.GATEWAY,
        file="The name to expect in the gateway's certificate where its address is an IP address."),
    Row("client_cert", Kind.PATH, "Certificate and key that bulkagent presents to the gateway.", Group.TLS,
        (*SENDING, *SIGNING_IN), "PEM", example="client.pem", advanced=True, scope=Scope.GATEWAY,
        file="PEM file with the certificate and key that bulkagent presents to the gateway."),
)  # fmt: skip
"""What a gateway's section has beside the settings that may stand there, too."""

WORDED = tuple(row for row in SETTINGS if row.words and row.fields)
"""The settings that are one of a few words."""
TOP_ROWS = tuple(row for row in SETTINGS if row.scope is Scope.TOP)
"""What may stand at the top of the file alone."""
RUN_ROWS = tuple(row for row in SETTINGS if row.scope in {Scope.RUN, Scope.BOTH})
"""What may stand at the top of the file, and in the section of a job."""
SECTION_ROWS = (*GATEWAY_ROWS, *(row for row in SETTINGS if row.scope is Scope.BOTH))
"""What may stand in the section of a gateway."""
BY_NAME = {row.name: row for row in (*GATEWAY_ROWS, *SETTINGS)}
