"""The command to type next, so that it works wherever it is read.

What may live here: which of the words it needs. What this room must not know: whether there is
anything left to do.

It is read in another folder, in a mail, by somebody who has not the variables of that command:
so paths are absolute, and whatever is not the default is said, from whichever layer it came.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bulkagent.files.user_folders import anywhere, user_folder
from bulkagent.ledger import RunFacts, default_path
from bulkagent.run.clients.credentials import supplied_elsewhere
from bulkagent.settings import Settings

__all__ = ["ledger_words", "resume_command"]


def ledger_words(ledger: Path) -> tuple[str, ...]:
    """What says which ledger a run is in; () for the platform's."""
    there = anywhere(ledger)
    folder = user_folder("state")
    usual = folder is not None and there == default_path()
    return () if usual else ("--ledger", str(there))


def resume_command(facts: RunFacts, ledger: Path, config: Sequence[str] = ()) -> str | None:
    """What goes on with a run that somebody looks at; None where it cannot be known whole.

    Args:
        facts: The run.
        ledger: Where it is.
        config: What says which configuration is read.
    """
    settings = Settings(**Settings.own_of(facts.settings))
    if facts.roster == "-" and not supplied_elsewhere(settings):
        return None  # nobody knows where its roster is
    insecure = ("--insecure",) if facts.settings.get("insecure") else ()
    words = ("bulkagent", "resume", facts.id, *insecure, *ledger_words(ledger), *config)
    return shlex.join(words)
