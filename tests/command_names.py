"""The names of all commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bulkagent.cli import app


def walked(group: Any = app, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its name, such as `session hold`, in the order of `--help`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from walked(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def commands() -> list[str]:
    """The name of every command."""
    return [name for name, _ in walked()]
