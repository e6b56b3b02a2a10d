"""The options of the commands that are not about runs, a row each.

What decides about people (whose phone could ring, who is thrown off a desk, whose doubt is
overruled) has no variable on purpose.
"""

from __future__ import annotations

from bulkagent.settings.row import Group, Kind, Range, Row

_HOLD = ("session hold",)
_EMULATE = ("emulate",)
_STATES = ("completed", "halted", "interrupted", "running", "planning", "not planned")

HOLD_OPTIONS = (
    Row("sessions", Kind.PATH, "Keep the sessions in this file, for apply --sessions. It is CSV if it ends in .csv, else JSON Lines.", Group.WHAT,
        _HOLD, "FILE", required=True),
    Row("gateway", Kind.TEXT, "https://HOST:PORT, or a name from bulkagent.toml.", Group.WHAT, _HOLD, "URL|NAME"),
    Row("status", Kind.CHOICE, "State after sign-in. Idle agents are given calls.", Group.WHAT,
        _HOLD, "busy|idle|work", default="busy", words=("busy", "idle", "work"), environment=False),
    Row("auto_answer", Kind.SWITCH, "Have calls answered automatically.", Group.WHAT, _HOLD, environment=False),
    Row("sign_in_rate", Kind.TEXT, "Sign-ins started a second (5/s) or minute.", Group.SPEED, _HOLD, "N/s", default="5/s"),
    Row("sign_in_concurrency", Kind.WHOLE, "Sign-ins in flight at once.", Group.SPEED, _HOLD, "N", default="4"),
    Row("sign_in_again", Kind.SWITCH, "Sign in again a minute after a session is lost.", Group.TROUBLE, _HOLD),
    Row("sign_in_unknown", Kind.SWITCH, "Also sign in agents whose earlier sign-in ended in doubt.", Group.TROUBLE,
        _HOLD, environment=False),
    Row("sign_in_refused", Kind.SWITCH, "Also sign in agents whom an earlier hold found locked, or with a refused password.", Group.TROUBLE,
        _HOLD, environment=False),
    Row("force_sign_in", Kind.SWITCH, "Sign in agents who are signed in elsewhere, which throws them off their desk."
        " It asks at the terminal, also with --yes.", Group.TROUBLE, _HOLD, environment=False),
    Row("sign_out_on_exit", Kind.SWITCH, "Sign all sessions out at the end.", Group.TROUBLE, _HOLD),
    Row("poll_pause", Kind.TEXT, "Pause after an answered poll, from 200ms to 60s.", Group.SPEED,
        _HOLD, "TIME", default="500ms"),
)  # fmt: skip

EMULATE_OPTIONS = (
    Row("agents", Kind.TEXT, "Agents that exist.", Group.WHAT, _EMULATE, "A-B", default="101-5100", environment=False),
    Row("host", Kind.TEXT, "Address to listen on.", Group.WHAT, _EMULATE, "ADDRESS", default="localhost", environment=False),
    Row("port", Kind.WHOLE, "Port; 0 picks a free one.", Group.WHAT, _EMULATE, "N", default="0",
        ranges=(Range("port", "the port", 0, 65_535),), environment=False),
    Row("ca_out", Kind.PATH, "Write the throw-away CA's certificate.", Group.FILES, _EMULATE, "FILE", environment=False),
    Row("roster_out", Kind.PATH, "Sign all agents in and write their GUIDs. With --nodes, write their cookies, too."
        " With --signed-out, write passwords and phone numbers instead.", Group.FILES, _EMULATE, "FILE", environment=False),
    Row("sessions_out", Kind.PATH, "Sign all agents in and keep a file of their live GUIDs up to date (JSON Lines).", Group.FILES,
        _EMULATE, "FILE", environment=False),
    Row("signed_out", Kind.SWITCH, "Sign nobody in.", Group.WHAT, _EMULATE, environment=False),
    Row("password", Kind.TEXT, "The only password that is right at sign-in. Default: the scenario's, or any.", Group.WHAT,
        _EMULATE, "TEXT", environment=False),
    Row("auth", Kind.CHOICE, "Whether a GUID holds for the session (static) or is renewed (dynamic).", Group.GUIDS,
        _EMULATE, "static|dynamic", default="static", words=("static", "dynamic"), environment=False),
    Row("guid_interval", Kind.WHOLE, "A GUID is renewed after this time.", Group.GUIDS,
        _EMULATE, "MS", default="60000", environment=False),
    Row("guid_timeout", Kind.WHOLE, "A GUID is dead after this time.", Group.GUIDS,
        _EMULATE, "MS", default="120000", environment=False),
    Row("poll_wait", Kind.WHOLE, "A poll waits this long for an event.", Group.TIMES,
        _EMULATE, "MS", default="10000", environment=False),
    Row("poll_timeout", Kind.WHOLE, "An agent who never polls is signed out after this time.", Group.TIMES,
        _EMULATE, "MS", default="120000", environment=False),
    Row("nodes", Kind.WHOLE, "Nodes of the cluster. Each session is on one of them, and its cookie leads there.", Group.WHAT,
        _EMULATE, "N", ranges=(Range("nodes", "the nodes", 1, 64),), environment=False),
    Row("skill", Kind.TEXTS, "Agents of a skill queue, such as 7=101-200,305. Repeatable."
        " Default: the scenario's, or all in queue 1.", Group.WHAT, _EMULATE, "SKILL=A-B", environment=False),
)  # fmt: skip

LEDGER_OPTIONS = (
    Row("limit", Kind.WHOLE, "List this many runs at most.", Group.WHAT, ("runs",), "N", default="20",
        ranges=(Range("limit", "the limit", 1, float("inf")),), environment=False),
    Row("agent", Kind.TEXT, "List the runs of this agent, and what each did with it.", Group.WHAT, ("runs",), "ID", environment=False),
    Row("gateway", Kind.TEXT, "List only runs that send to this gateway.", Group.WHAT, ("runs",), "NAME|URL", environment=False),
    Row("flag", Kind.WHOLE, "List only runs with this flag.", Group.WHAT, ("runs",), "0|1",
        ranges=(Range("flag", "the flag", 0, 1),), environment=False),
    Row("state", Kind.CHOICE, "List only runs in this state.", Group.WHAT, ("runs",), words=_STATES, environment=False),
    Row("since", Kind.TEXT, "List only runs of the last 12h, the last 7d or the like.", Group.WHAT, ("runs",), "TIME", environment=False),
    Row("agent", Kind.TEXT, "Show this agent, with every attempt.", Group.WHAT, ("show",), "ID", environment=False),
    Row("to", Kind.PATH, "Path of the report, which ends in .csv, .json, .jsonl, .html or .xlsx.", Group.WHAT, ("report",), "PATH",
        environment=False, required=True),
    Row("older_than", Kind.TEXT, "Take out runs that stood still for this long, such as 90d.", Group.WHAT, ("prune",), "TIME",
        environment=False, required=True),
    Row("dry_run", Kind.SWITCH, "Say which runs would go, and take none out.", Group.WHAT, ("prune",), environment=False),
    Row("code", Kind.ARGUMENT, "A retcode, fault, cause, status or exit code. Without it, all are listed.", Group.WHAT,
        ("explain",), "[CODE]", completes="codes"),
    Row("kind", Kind.CHOICE, "Only codes of this kind.", Group.WHAT, ("explain",),
        words=("retcode", "fault", "cause", "status", "exit code", "verdict"), environment=False),
    Row("path", Kind.ARGUMENT_PATH, "The new file. It must not exist yet.", Group.WHAT,
        ("config init",), "[PATH]", default="bulkagent.toml"),
    Row("topic", Kind.ARGUMENT, "A page of the guide; none: list them.", Group.WHAT, ("guide",), "[TOPIC]", completes="topics"),
    Row("samples", Kind.PATH, "Write the samples that the pages use into this new folder.", Group.WHAT, ("guide",), "DIR",
        environment=False),
    Row("words", Kind.ARGUMENT, "A command.", Group.WHAT, ("help",), "[COMMAND]...", completes="commands"),
    Row("help_all", Kind.SWITCH, "Show the rarely needed options, too.", Group.WHAT, ("help",), environment=False),
)  # fmt: skip
