"""The part of a terminal below the text that is drawn anew, as often as somebody likes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

from bulkagent.cli.console.announcer import Console, frame_of
from bulkagent.cli.console.terminal import console_of

if TYPE_CHECKING:
    from rich.console import RenderableType


class Region:
    """Draws below what is said, through the thread that says it.

    Args:
        console: What writes to the terminal.
    """

    def __init__(self, console: Console) -> None:
        import rich.console

        self._console = console
        self._rich = rich.console.Console(stderr=True)

    @classmethod
    def of_stderr(cls) -> Self | None:
        """That of stderr; None where it is no terminal, or one that cannot go back."""
        console = console_of(sys.stderr)
        if console is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return None
        return cls(console)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines that there are now for it.

        A column is left free, and so is a line: where a terminal is made smaller it breaks lines
        anew that had been full.
        """
        size = self._rich.size
        return max(1, size.width - 1), max(1, size.height - 1)

    @property
    def ascii_only(self) -> bool:
        """Whether the terminal takes nothing else."""
        return self._rich.options.ascii_only

    def draw(self, view: RenderableType) -> None:
        """Show this in the place of what was shown."""
        width, _ = self.size
        with self._rich.capture() as capture:
            self._rich.print(view, width=width)
        drawn = frame_of(capture.get().rstrip("\n").split("\n"))
        self._console.show(drawn.encode(sys.stderr.encoding, "replace"))

    def clear(self) -> None:
        """Show nothing any more."""
        self._console.show(b"")
