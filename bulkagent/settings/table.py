"""One row a setting: everything that is said of it anywhere comes from here.

From the rows come the options with their help and variables, the words of the configuration file
with their checks, the ranges, what a resume takes over, and the tables of the README. A new setting
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
    Row("ledger", Kind.PATH, "The ledger; default: the platform's state folder.", Group.FILES,
        (*SENDING, "report", "runs", "show", "doctor", "prune"), "PATH",
        example="/var/lib/bulkagent/ledger.sqlite3", scope=Scope.TOP, fields=("ledger",),
        file="The ledger; without it, one in the platform's folder for state."),
    Row("job", Kind.TEXT, "Which job a run is of; [jobs.NAME] in bulkagent.toml holds for it.", Group.WHAT,
        (*SENDING, "check", "runs", "config show"), "NAME",
        example="morning", scope=Scope.TOP, fields=("job",), kept=True, completes="jobs",
        file="The job whose section, [jobs.NAME], holds where no other is named."),
    Row("time_zone", Kind.TEXT, "The zone of times of day, such as Europe/Berlin.", Group.TIMES,
        SENDING, "NAME", shown="the machine's", example="Europe/Berlin", scope=Scope.TOP),
    Row("concurrency", Kind.CONCURRENCY, "Requests in flight at once, at each gateway; auto: as many as it bears, 4 to 256 or A to B.", Group.SPEED,
        (*SENDING, "doctor"), "N|auto|auto:A-B", default="16", shown="16; emulated: 64", example=16, scope=Scope.BOTH,
        fields=("concurrency",), ranges=(Range("concurrency", "concurrency", 1, 10_000),), kept=True,
        file='Requests in flight at once, at each gateway: 1 to 10000, "auto" or "auto:4-256".'),
    # 0 is no rate: it would lift the limit. The lowest is one start in some three hours.
    Row("rate", Kind.RATE, "Requests started a second (100/s) or minute (300/m), at each gateway.", Group.SPEED,
        SENDING, "N/s|none", default="100/s", shown="100/s; emulated: none", example="100/s", scope=Scope.BOTH,
        fields=("per_second",), ranges=(Range("per_second", "the rate a second", 0.0001, 1_000_000),), kept=True,
        file='Requests started a second ("100/s") or minute ("300/m"), at each gateway; "none" for no limit.'),
    Row("burst", Kind.WHOLE, "Requests that may start at once under the rate.", Group.SPEED,
        SENDING, "N", default="1", example=1, scope=Scope.BOTH,
        fields=("burst",), ranges=(Range("burst", "burst", 1, 100_000),), kept=True, advanced=True),
    Row("max_attempts", Kind.WHOLE, "Attempts for one agent before it is put off to the end of the run.", Group.TROUBLE,
        SENDING, "N", default="8", example=8, scope=Scope.RUN,
        fields=("max_attempts",), ranges=(Range("max_attempts", "max-attempts", 1, 1_000),), kept=True, advanced=True),
    Row("retry_for", Kind.TIME, "How long an agent whose attempts are spent is tried again, when all others are done; or none.", Group.TROUBLE,
        SENDING, "TIME", default="2m", example="2m", scope=Scope.RUN, takes_none=True, none_means=0.0,
        fields=("retry_for_s",), ranges=(Range("retry_for_s", "the retry-for in seconds", 0, _DAY_S),), kept=True, advanced=True),
    Row("give_up_after", Kind.TIME, "A gateway that was down for so long gets nothing more (exit 5).", Group.TROUBLE,
        SENDING, "TIME", default="5m", shown="5m; 30s where it never answered in this run", example="5m", scope=Scope.RUN,
        fields=("give_up_after_s",), ranges=(Range("give_up_after_s", "the give-up-after in seconds", 0.001, _DAY_S),), kept=True, advanced=True,
        file="A gateway that was down for so long gets nothing more; 30s where it never answered, if nobody says."),
    Row("resend_after_switchover", Kind.PAIR, "Send agents once more who were set before a failover (switch-over) of the gateway.", Group.TROUBLE,
        ("apply", "resume"), default="false", example=True, scope=Scope.RUN,
        fields=("resend_after_switchover",), kept=True, advanced=True),
    Row("connect_timeout", Kind.TIME, "How long name, connection and TLS may take together.", Group.SPEED,
        (*SENDING, *SIGNING_IN), "TIME", default="3s", example="3s", scope=Scope.RUN,
        fields=("connect_timeout_s",), ranges=(Range("connect_timeout_s", "the connect timeout in seconds", 0.001, _DAY_S),), kept=True, advanced=True),
    Row("timeout", Kind.TIME, "When a reply is overdue; it is read on for as long again.", Group.SPEED,
        (*SENDING, "doctor"), "TIME", default="10s", example="10s", scope=Scope.RUN,
        fields=("timeout_s",), ranges=(Range("timeout_s", "the timeout in seconds", 0.001, _DAY_S),), kept=True,
        file="When a reply is overdue; it is read on for as long again. Above connect_timeout."),
    Row("agent_id_range", Kind.AGENT_IDS, "Agent IDs that the gateway knows.", Group.ROSTER,
        (*READING, *SIGNING_IN), "A-B", default="101-59999", shown="101-59999; 101-999999 since AICC 25.200", example="101-59999", scope=Scope.BOTH,
        fields=("agent_id_range",), kept=True, advanced=True,
        file="Agent IDs that the gateway knows; 101-999999 since AICC 25.200."),
    Row("max_agents", Kind.WHOLE, "Refuse a larger roster (exit 6).", Group.GUARDRAILS,
        (*SENDING, "session hold"), "N", example=6000, scope=Scope.BOTH,
        fields=("max_agents",), ranges=(Range("max_agents", "max-agents", 1, _MANY),),
        file="A roster with more agents is refused.",
        at_gateway="A run with more agents on it is refused."),
    Row("deadline", Kind.TIME, "Admit nothing more after so long (exit 5), or none.", Group.TIMES,
        SENDING, "TIME", default="none", shown="", example="45m", scope=Scope.RUN, takes_none=True,
        fields=("deadline_s",), ranges=(Range("deadline_s", "the deadline in seconds", 0.001, _WEEK_S),), kept=True),
    Row("grace", Kind.TIME, "How long requests in flight may take once the run is stopped.", Group.TROUBLE,
        SENDING, "TIME", default="15s", example="15s", scope=Scope.RUN,
        fields=("grace_s",), ranges=(Range("grace_s", "the grace in seconds", 0.001, _DAY_S),), kept=True, advanced=True),
    Row("halt", Kind.HALT, "Halt (exit 6) when so many of the finished agents, 50 at least, are not applied; or none.", Group.TROUBLE,
        SENDING, "fail=N%|fail=N", default="none", shown="", example="fail=20%", scope=Scope.RUN, takes_none=True,
        fields=("halt",), ranges=(
            Range("halt_share", "the share that halts", 0.000_000_01, 1),
            Range("halt_count", "the number of agents that halts", 1, _MANY)), kept=True,
        file='Halt when so many of the finished agents, 50 at least, are not applied: "fail=N%", "fail=N" or "none".'),
    Row("halt_first", Kind.WHOLE, "Halt a gateway (exit 6) whose first N agents all get one verdict of wrong set-up; 0: never.", Group.TROUBLE,
        SENDING, "N", default="50", example=50, scope=Scope.RUN,
        fields=("halt_first",), ranges=(Range("halt_first", "halt-first", 0, _MANY),), kept=True, advanced=True,
        file="Halt a gateway whose first agents, so many, all get one verdict of wrong set-up; 0: never."),
    Row("durability", Kind.TEXT, "full: the ledger survives the loss of power too; slower.", Group.FILES,
        SENDING, "normal|full", default="normal", example="full", scope=Scope.RUN,
        fields=("durability",), words=("normal", "full"), label="the durability is", kept=True, advanced=True,
        file='"normal": the ledger survives any crash of the process; "full": the loss of power too, slower.'),
    Row("max_age", Kind.TIME, "Do not go on with a run (resume, --or-resume) that nobody worked on for so long.", Group.GUARDRAILS,
        ("apply", "resume"), "TIME", default="2h", example="2h", scope=Scope.RUN,
        fields=("max_age_s",), ranges=(Range("max_age_s", "the max-age in seconds", 1, _YEAR_S),),
        file="A run that nobody worked on for so long is not resumed."),
    Row("trust_state", Kind.TIME, "How long a recorded talk right is taken for what the agent had.", Group.GUARDRAILS,
        ("revert",), "TIME", default="8h", example="8h", scope=Scope.RUN,
        fields=("trust_state_s",), ranges=(Range("trust_state_s", "the trust-state in seconds", 1, _YEAR_S),),
        file="How long a revert takes a recorded talk right for what the agent had."),
    Row("sessions", Kind.PATH, "Take GUIDs from this file, CSV or JSON Lines, which another process keeps up to date, and not from the roster.", Group.GUIDS,
        (*SENDING, "check", "doctor"), "FILE", example="sessions.jsonl", scope=Scope.RUN, fields=("sessions",), kept=True,
        file="File of GUIDs, CSV or JSON Lines, that another process keeps up to date; in the place of the roster's column."),
    Row("guid_url", Kind.TEXT, "Ask this service for each GUID, {agentid} and {gateway} filled in, and not the roster.", Group.GUIDS,
        (*SENDING, "check", "doctor"), "URL", example="https://guids.example/{gateway}/{agentid}", scope=Scope.RUN, fields=("guid_url",), kept=True,
        file="Service that is asked for each GUID, {agentid} and {gateway} filled in; in the place of the roster's column."),
    Row("guid_ca_file", Kind.PATH, "PEM file of the private CA of --guid-url.", Group.GUIDS,
        (*SENDING, "doctor"), "PATH", example="guid-ca.pem", scope=Scope.RUN, fields=("guid_ca_file",), kept=True, advanced=True,
        file="PEM file of the private CA of guid_url."),
    Row("group_by", Kind.TEXT, "Let each team, skill or site hand over by itself: a column, or the word gateway.", Group.SHIFT_CHANGE,
        READING, "COLUMN", example="team", scope=Scope.RUN, fields=("group_by",), kept=True,
        file="The roster's column by which agents hand over in groups; \"gateway\": each gateway is one."),
    Row("handover", Kind.PAIR, "Set agents coming on shift before those going off, or all in the order of the roster.", Group.SHIFT_CHANGE,
        READING, default="true", shown="handover", example=False, scope=Scope.RUN, fields=("handover",), kept=True,
        file="Whether agents coming on shift are set before agents going off shift."),
    Row("gate", Kind.SHARE, "So many of a group's agents coming on shift must be up before one goes off shift.", Group.SHIFT_CHANGE,
        (*SENDING, "check"), "N%", default="95%", example="95%", scope=Scope.RUN,
        fields=("gate",), ranges=(Range("gate", "the gate as a part of the whole", 0, 1),), kept=True),
    Row("floor", Kind.SHARE, "So many agents of a group, as a share of those going off shift, must be on at any time.", Group.SHIFT_CHANGE,
        (*SENDING, "check"), "N%|none", default="none", example="80%", scope=Scope.RUN, takes_none=True,
        fields=("floor",), ranges=(Range("floor", "the floor as a part of the whole", 0, 1),), kept=True),
    Row("allow_closing", Kind.SWITCH, "Let agents of a group go off shift where none of it comes on.", Group.SHIFT_CHANGE,
        SENDING, fields=("allow_closing",), environment=False, kept=True),
    Row("canary", Kind.WHOLE, "Set so many agents first; halt (exit 6) if more than 5% fail.", Group.GUARDRAILS,
        SENDING, "N", default="0", shown="", example=20, scope=Scope.RUN,
        fields=("canary",), ranges=(Range("canary", "canary", 0, 100_000),), kept=True,
        file="Set so many agents first, and the others only if these went well; up to 100000."),
    Row("wait_for_sign_in", Kind.TIME, "Wait so long for agents who are not signed in yet, or none.", Group.SHIFT_CHANGE,
        SENDING, "TIME", default="none", shown="", example="20m", scope=Scope.RUN, takes_none=True,
        fields=("wait_for_sign_in_s",), ranges=(Range("wait_for_sign_in_s", "the wait-for-sign-in in seconds", 0.001, _DAY_S),), kept=True),
    Row("up_means", Kind.TEXT, "available: an agent coming on shift counts for the gate once it is seen idle, talking or in wrap-up.", Group.SHIFT_CHANGE,
        SENDING, "permission|available", default="permission", example="available", scope=Scope.RUN,
        fields=("up_means",), words=("permission", "available"), label="up means", kept=True, advanced=True,
        file='"permission": an agent who is applied is up; "available": one who was then seen idle, talking or in wrap-up.'),
    Row("absent_ok", Kind.PAIR, "An agent going off shift who is surely signed out is as good as set.", Group.SHIFT_CHANGE,
        SENDING, default="false", example=True, scope=Scope.RUN, fields=("absent_ok",), kept=True, advanced=True),
    Row("verify_with", Kind.TEXTS, "Ask as this agent (or GATEWAY/AGENT), before and after, who of the skill queue takes calls; repeatable, or none.", Group.SHIFT_CHANGE,
        (*SENDING, "doctor"), "AGENT:SKILL", example=("east/105:7",), scope=Scope.RUN, fields=("verify_with",), kept=True,
        file="Agents who are asked, before and after, who of a skill queue takes calls: AGENT:SKILL or GATEWAY/AGENT:SKILL."),
    Row("verify_again_after", Kind.TIME, "Where that proves somebody wrong, ask once more after so long; none: believe it.", Group.SHIFT_CHANGE,
        SENDING, "TIME", default="2s", example="2s", scope=Scope.RUN, takes_none=True, none_means=0.0,
        fields=("verify_again_after_s",), ranges=(Range("verify_again_after_s", "the verify-again-after in seconds", 0, 3_600),), kept=True, advanced=True,
        file='Where that proves somebody wrong, ask once more after so long; "none": believe it.'),
    Row("protect", Kind.PATHS, "Never touch the agents in this file, like a roster; repeatable.", Group.GUARDRAILS,
        (*SENDING, "check"), "FILE", example=("supervisors.csv",), scope=Scope.BOTH, fields=("protect",),
        file="Files of agents who are never touched, like a roster.",
        at_gateway="Files of agents who are never touched on it."),
)  # fmt: skip
"""Every setting."""

GATEWAY_ROWS = (
    Row("url", Kind.TEXT, "Where it is.", example="https://agw-east.example:8043", scope=Scope.GATEWAY, required=True),
    Row("ca_file", Kind.PATH, "Trust this CA instead of the system's.", Group.TLS,
        (*SENDING, *SIGNING_IN), "PEM", example="east-ca.pem", scope=Scope.GATEWAY,
        file="PEM file of the private CA that it is trusted by; without it, the system's."),
    Row("tls_server_name", Kind.TEXT, "Name to expect in the certificate.", Group.TLS,
        (*SENDING, *SIGNING_IN), "NAME", example="agw-east.example", scope=Scope.GATEWAY,
        file="The name to expect in its certificate, behind an IP address."),
    Row("client_cert", Kind.PATH, "Certificate and key to present to the gateway.", Group.TLS,
        (*SENDING, *SIGNING_IN), "PEM", example="client.pem", advanced=True, scope=Scope.GATEWAY,
        file="PEM file with certificate and key that are presented to it."),
)  # fmt: skip
"""What a gateway's section has beside the settings that may stand there, too."""

TOP_ROWS = tuple(row for row in SETTINGS if row.scope is Scope.TOP)
"""What may stand at the top of the file alone."""
RUN_ROWS = tuple(row for row in SETTINGS if row.scope in {Scope.RUN, Scope.BOTH})
"""What may stand at the top of the file, and in the section of a job."""
SECTION_ROWS = (*GATEWAY_ROWS, *(row for row in SETTINGS if row.scope is Scope.BOTH))
"""What may stand in the section of a gateway."""
BY_NAME = {row.name: row for row in (*GATEWAY_ROWS, *SETTINGS)}
