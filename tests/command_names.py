"""The names of all commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bulkagent.cli import app


def commands() -> list[str]:
    """Every command, such as `apply` and `session hold`, in the order of `--help`."""

    def walk(group: Any, before: str = "") -> Iterator[str]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, f"{name} ")
            else:
                yield f"{before}{name}"

    return list(walk(app))
