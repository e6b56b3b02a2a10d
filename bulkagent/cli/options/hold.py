"""The options of `session hold` alone, each with its environment variable.

What may live here: names and help. What this room must not know: what the command does with them.
What decides about people (whose phone could ring, who is thrown off a desk, whose doubt is
overruled) has no environment variable on purpose.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

from bulkagent.cli.options.option import option

__all__ = [
    "AutoAnswer",
    "ForceSignIn",
    "GatewayName",
    "PollPause",
    "SessionsFile",
    "SignInAgain",
    "SignInConcurrency",
    "SignInRate",
    "SignInRefused",
    "SignInUnknown",
    "SignOutOnExit",
    "Status",
    "StatusName",
]


class StatusName(enum.StrEnum):
    """The state after sign-in, as people call it."""

    BUSY = "busy"
    IDLE = "idle"
    WORK = "work"


GatewayName = Annotated[
    str | None,
    option(
        "--gateway",
        metavar="URL|NAME",
        help="https://HOST:PORT, or a name from bulkagent.toml.",
    ),
]
SessionsFile = Annotated[
    Path,
    option(
        "--sessions",
        metavar="FILE",
        help="Keep the sessions in this file, JSON Lines or (.csv) CSV, for apply --sessions.",
    ),
]
Status = Annotated[
    StatusName,
    option(
        "--status",
        env=False,
        metavar="busy|idle|work",
        help="State after sign-in; idle agents are given calls.  [busy]",
        show_default=False,
    ),
]
AutoAnswer = Annotated[
    bool, option("--auto-answer", env=False, help="Have calls answered without anybody doing so.")
]
SignInRate = Annotated[
    str,
    option(
        "--sign-in-rate",
        metavar="N/s",
        help="Sign-ins started a second (5/s) or minute.  [5/s]",
        show_default=False,
    ),
]
SignInConcurrency = Annotated[
    int,
    option(
        "--sign-in-concurrency",
        metavar="N",
        help="Sign-ins in flight at once.  [4]",
        show_default=False,
    ),
]
PollPause = Annotated[
    str,
    option(
        "--poll-pause",
        metavar="TIME",
        help="Pause between an answered poll and the next, 200ms to 60s.  [500ms]",
        show_default=False,
    ),
]
SignInAgain = Annotated[
    bool, option("--sign-in-again", help="Sign lost sessions in again, a minute later.")
]
SignInUnknown = Annotated[
    bool,
    option(
        "--sign-in-unknown",
        env=False,
        help="Sign those in of whom an earlier sign-in ended in doubt.",
    ),
]
SignInRefused = Annotated[
    bool,
    option(
        "--sign-in-refused",
        env=False,
        help="Sign those in whose password an earlier hold found refused, or who were locked.",
    ),
]
ForceSignIn = Annotated[
    bool,
    option(
        "--force-sign-in",
        env=False,
        help="Sign agents in who are signed in elsewhere, which throws them off their desk."
        " Asks at the terminal; --yes does not answer it.",
    ),
]
SignOutOnExit = Annotated[
    bool, option("--sign-out-on-exit", help="Sign all sessions out at the end.")
]
