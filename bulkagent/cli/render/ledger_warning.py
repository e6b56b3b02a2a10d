"""The warning about a ledger that others may write to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.cli.console.terminal import say

if TYPE_CHECKING:
    from pathlib import Path


def warn_of_exposure(ledger: Path | None) -> None:
    """Say on stderr who else may write to a ledger, where anybody may; None: the platform's."""
    from bulkagent.ledger import default_path, exposure

    if exposed := exposure(ledger or default_path()):
        say(f"WARNING {exposed}")
