"""Stray errors: what goes wrong beside a command, where nobody is there to catch it.

Python would print a traceback for each of them, and forty of them for forty connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from bulkagent.cli.console.defects import recorded
from bulkagent.cli.console.terminal import say_soon

_MOST_KINDS = 20
"""Beyond these a line would teach nobody anything."""


class StrayErrors(logging.Handler):
    """Within its `with`, says each kind of stray error once; at its end, how many more came.

    Args:
        tell: Writes a line for people, without waiting.
        record: Keeps the traceback of a defect, and says where.
    """

    def __init__(
        self,
        tell: Callable[[str], None] = say_soon,
        record: Callable[[BaseException], str] = recorded,
    ) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._record = record
        self._kinds: set[tuple[str, type]] = set()
        self._unsaid = 0
        self._noting = threading.Lock()
        self._restore = contextlib.ExitStack()

    def __repr__(self) -> str:
        return f"<StrayErrors: {len(self._kinds)} kinds, {self._unsaid} more>"

    def __enter__(self) -> Self:
        hooks: tuple[tuple[Any, str, Callable[[Any], None]], ...] = (
            (sys, "unraisablehook", self._of_finalizer),
            (threading, "excepthook", self._of_thread),
        )
        for module, name, hook in hooks:
            self._restore.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, hook)
        root = logging.getLogger()
        root.addHandler(self)
        self._restore.callback(root.removeHandler, self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore.close()
        if self._unsaid:
            self._tell(f"WARNING beside the command: {self._unsaid:,} more of these errors")

    def of_loop(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """Take what an event loop hands to its exception handler."""
        self._note(str(context.get("message", "")), context.get("exception"))

    def emit(self, record: logging.LogRecord) -> None:
        """Take what a library writes to its log as a warning or worse."""
        error = record.exc_info[1] if record.exc_info else None
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # its arguments do not fit it
            text = str(record.msg)
        self._note(text, error, kind=str(record.msg))

    def _of_finalizer(self, seen: sys.UnraisableHookArgs) -> None:
        self._note(seen.err_msg or "an exception in a finalizer", seen.exc_value)

    def _of_thread(self, seen: threading.ExceptHookArgs) -> None:
        if seen.exc_type is not SystemExit:
            name = "a thread" if seen.thread is None else f"the thread {seen.thread.name}"
            self._note(f"an exception in {name}", seen.exc_value)

    def _note(self, text: str, error: object, *, kind: str = "") -> None:
        # Not every library hands over an exception: aiofastnet, its class as well.
        raised = error if isinstance(error, type) else type(error)
        key = (kind or text, raised)
        with self._noting:
            if key in self._kinds or len(self._kinds) >= _MOST_KINDS:
                self._unsaid += 1
                return
            self._kinds.add(key)
        # Whatever goes wrong here has nobody left to be told of it.
        with contextlib.suppress(Exception):
            self._tell(f"WARNING beside the command: {self._said(text, error, raised.__name__)}")

    def _said(self, text: str, error: object, name: str) -> str:
        """The network's doing in its own words, a defect by its name alone."""
        said = _plain(text) or "an error"
        if error is None:
            return said
        if isinstance(error, OSError | EOFError):
            return f"{said}: {_plain(str(error)) or name}"
        if not isinstance(error, BaseException):
            return f"{said}: {name}"
        try:
            return f"{said}: {name}. {self._record(error)}"
        except Exception:  # noqa: BLE001 - that there is a defect is said whatever becomes of it
            return f"{said}: {name}"


def _plain(text: str) -> str:
    from bulkagent.gateway.reply import without_secrets

    return " ".join(without_secrets(text).split())
