"""The values of one command line, and where each was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bulkagent.settings.row import Row


class Given(Mapping[str, Any]):
    """What a command is given, by the names of its rows.

    Args:
        context: What click has parsed for it.
        rows: The rows of the command.
    """

    def __init__(self, context: Any, rows: tuple[Row, ...]) -> None:
        self._context = context
        self.rows = rows

    def __repr__(self) -> str:
        return f"<Given: {self._context.info_name}, {len(self)} values>"

    def __getitem__(self, name: str) -> Any:
        return self._context.params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._context.params)

    def __len__(self) -> int:
        return len(self._context.params)

    def text(self, name: str) -> str:
        """A text; "" where none was given."""
        return self[name] or ""

    def several(self, name: str) -> tuple[Any, ...]:
        """What a repeatable option was given."""
        return tuple(self[name] or ())

    def typed(self, name: str) -> bool:
        """Whether an option stands on the command line, and not in the environment alone."""
        source = self._context.get_parameter_source(name)
        return source is not None and source.name == "COMMANDLINE"
