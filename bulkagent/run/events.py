"""The log of a run: every attempt and every decision, one JSON object a line.

What may live here: what an event says, and how events get to the file without holding up the
loop. What this room must not know: how attempts are made, and who decides. No GUID is ever in it.

An attempt's event has the name that the operation has in the gateway's own log, so that the two
can be joined by it, the agent and the time.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from bulkagent.clock import Clock
from bulkagent.engine import Again, Decision, Enough, Yet
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.operations import OPERATIONS
from bulkagent.outcome import Assignment, Attempt
from bulkagent.report import iso

__all__ = ["EventLog"]

_TOGETHER = 1_000
_PLAIN = os.O_CLOEXEC | os.O_NONBLOCK


class EventLog:
    """Appends events to a file from a thread of its own; without a path it takes and drops them.

    A log that cannot be written any more never ends a run: `trouble` says so afterwards.

    Args:
        path: The file, made with mode 0600 where it is not there; None: no log.
        clock: The time of day of events.

    Raises:
        SettingsRefused: The file cannot be opened.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self.run_id = ""
        self.trouble = ""
        self._path = path
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._file: IO[bytes] | None = None
        if path is None:
            return
        try:
            self._file = os.fdopen(
                # Not to wait for a reader, where it is a pipe, neither now nor later.
                os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _PLAIN, 0o600),
                "ab",
            )
        except (OSError, ValueError) as error:
            said = (isinstance(error, OSError) and error.strerror) or error
            raise SettingsRefused(
                f"the log {path} cannot be written: {said}; give another path with --log-file"
            ) from None
        self._thread = threading.Thread(
            target=self._write, args=(self._file,), name="bulkagent-log", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def wanted(self) -> bool:
        """Whether there is a file, so that events are worth making."""
        return self._thread is not None

    def close(self) -> None:
        """Write what is left; any number of times."""
        if self._thread is not None and self._file is not None:
            self._lines.put(None)
            self._thread.join()
            self._thread = None
            try:
                self._file.close()
            except OSError as error:
                self._give_up(error)

    def decided(self, event: str, **facts: Any) -> None:
        """Log a decision about the run as a whole."""
        if self.wanted:
            self._put(event, facts)

    def attempted(self, item: Assignment, attempt: int, ended: Attempt, decision: Decision) -> None:
        """Log an attempt, how it ended, and what follows from that."""
        again = isinstance(decision, Again)
        reason = _reason_of(decision)
        self._put(
            OPERATIONS[item.operation].log_name,
            {
                "row": item.row,
                "agent": item.agent_id,
                "gateway": item.gateway,
                "arguments": item.arguments,
                "attempt": attempt,
                "sent_at": iso(ended.sent_at),
                "latency_ms": round(ended.latency_ms, 3),
                "disposition": ended.disposition.name,
                "reach": ended.disposition.reach.value,
                "http_status": ended.http_status or None,
                "message": ended.message or ended.detail,
                "decision": "again" if again else "enough",
                "reason": reason,
            },
        )

    def _put(self, event: str, facts: dict[str, Any]) -> None:
        at = iso(self._clock.wall_ms())
        record = {"at": at, "event": event, "run": self.run_id, **facts}
        try:
            line = self._encode(record)
        except UnicodeEncodeError:  # half characters in what the network or a path said
            line = json.dumps(record).encode()
        self._lines.put(line)

    def _write(self, file: IO[bytes]) -> None:
        while True:
            lines = [self._lines.get()]
            while lines[-1] is not None and len(lines) < _TOGETHER and not self._lines.empty():
                lines.append(self._lines.get())
            over = lines[-1] is None
            try:
                if not self.trouble:
                    file.write(b"".join(line + b"\n" for line in lines if line is not None))
                    file.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)
            if over:
                return

    def _give_up(self, error: OSError | ValueError) -> None:
        said = (isinstance(error, OSError) and error.strerror) or error
        self.trouble = f"the log {self._path} is not complete: {said}"


def _reason_of(decision: Decision) -> str:
    if isinstance(decision, Enough):
        return decision.reason
    if isinstance(decision, Yet):
        return "when the agent may have come"
    later = ", when all others are done" if decision.last else ""
    return f"after {decision.after_s:.3f} s{later}"
