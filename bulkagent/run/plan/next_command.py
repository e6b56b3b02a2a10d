"""The command to type next, so that it works wherever it is read.

It is read in another folder, in a mail, by somebody who has not the variables of that command:
so paths are absolute, and whatever is not the default is said, from whichever layer it came.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bulkagent.files.user_folders import anywhere, user_folder
from bulkagent.ledger import RunFacts, default_path
from bulkagent.run.clients.credentials import provided_elsewhere
from bulkagent.settings import Settings


class NextCommands(msgspec.Struct, frozen=True):
    """The commands that may be typed after a leg, with what they need to do the same."""

    place: tuple[str, ...]
    """Options without which the run is not found."""
    options: tuple[str, ...]
    """Options of this leg that the ledger does not keep, and a resume needs again."""
    instead: tuple[str, ...]
    """The command where no resume helps."""
    roster_needed: bool
    """Whether a resume needs a roster that nobody can name for its user."""

    def after(self, run_id: str, *, again: bool, unwritten: Sequence[Path]) -> tuple[str, ...]:
        """The command that helps most: what is left goes before a report; () where none does."""
        if again:
            return self.resume(run_id)
        return self.report(run_id, unwritten[-1]) if unwritten else self.instead

    def resume(self, run_id: str) -> tuple[str, ...]:
        """The command that goes on with the run; () where it cannot be known whole."""
        return () if self.roster_needed else self.resume_but_roster(run_id)

    def resume_but_roster(self, run_id: str) -> tuple[str, ...]:
        """The same, to which a roster may have to be added that nobody can name."""
        return ("bulkagent", "resume", run_id, *self.options, *self.place)

    def resend(self, run_id: str) -> str:
        """The command that sends agents once more who were set before a failover."""
        again = ("bulkagent", "resume", run_id, "--resend-after-switchover")
        return shlex.join((*again, *self.options, *self.place))

    def report(self, run_id: str, path: Path) -> tuple[str, ...]:
        """The command that writes a report again."""
        return ("bulkagent", "report", run_id, "--to", str(anywhere(path)), *self.place)


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
    if facts.roster == "-" and not provided_elsewhere(settings):
        return None  # nobody knows where its roster is
    insecure = ("--insecure",) if facts.settings.get("insecure") else ()
    words = ("bulkagent", "resume", facts.id, *insecure, *ledger_words(ledger), *config)
    return shlex.join(words)
