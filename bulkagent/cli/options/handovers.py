"""Options about shift changes: who waits for whom, who goes first, and for whom one waits.

What may live here: names and help. What this room must not know: what a command does with them.
"""

from __future__ import annotations

from typing import Annotated

from bulkagent.cli.options.option import option

__all__ = [
    "AbsentOk",
    "AllowClosing",
    "Canary",
    "Floor",
    "Gate",
    "GroupBy",
    "Handover",
    "UpMeans",
    "WaitForSignIn",
]

GroupBy = Annotated[
    str | None,
    option(
        "--group-by",
        metavar="COLUMN",
        help="Let each team, skill or site hand over by itself: a column, or the word gateway.",
    ),
]
Handover = Annotated[
    bool | None,
    option(
        "--handover/--no-handover",
        help="Set incoming agents before outgoing ones, or all in the order of the roster."
        "  [handover]",
    ),
]
Gate = Annotated[
    str | None,
    option(
        "--gate",
        metavar="N%",
        help="So many of a group's incoming agents must be up before an outgoing one goes off."
        "  [95%]",
    ),
]
Floor = Annotated[
    str | None,
    option(
        "--floor",
        metavar="N%|none",
        help="So many agents of a group, as a share of its outgoing ones, must be on at any time."
        "  [none]",
    ),
]
AllowClosing = Annotated[
    bool | None,
    option(
        "--allow-closing",
        env=False,
        help="Let a group go off to which nobody comes on.",
    ),
]
Canary = Annotated[
    int | None,
    option(
        "--canary",
        metavar="N",
        help="Set so many agents first, of all groups; halt (exit 6) if more than 5% fail.",
    ),
]
WaitForSignIn = Annotated[
    str | None,
    option(
        "--wait-for-sign-in",
        metavar="TIME",
        help="Ask again and again, for so long, for agents who are not signed in yet, or none.",
    ),
]
UpMeans = Annotated[
    str | None,
    option(
        "--up-means",
        metavar="permission|available",
        help="available: an incoming agent counts for the gate once its state is seen to be idle,"
        " talking or wrap-up.  [permission]",
    ),
]
AbsentOk = Annotated[
    bool | None,
    option(
        "--absent-ok/--no-absent-ok",
        help="An outgoing agent who is surely signed out is as good as set.",
    ),
]
