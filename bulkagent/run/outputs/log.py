"""The log of a run: every attempt and every decision, one JSON object a line.

No GUID is ever in it.

An attempt's event has the name that the operation has in the gateway's own log, so that the two
can be joined by it, the agent and the time.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bulkagent.attempt import Attempt
from bulkagent.clock import Clock
from bulkagent.engine import Decision, Poll, Retry, Stop
from bulkagent.gateway.operations import OPERATIONS
from bulkagent.model import Assignment, Delivery
from bulkagent.reports import encoded, iso
from bulkagent.run.outputs.background_writer import LineFile


class EventLog:
    """Appends events to a file; without a path it takes and drops them.

    Args:
        path: The file, or None: no log.
        clock: The time of day of events.

    Raises:
        SettingsRefused: The file cannot be opened.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self.run_id = ""
        self._clock = clock
        self._file = None if path is None else LineFile(path, "log", "--log-file")

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
        return self._file is not None

    @property
    def trouble(self) -> str:
        """What kept it from being complete; "" where nothing did."""
        return self._file.trouble if self._file is not None else ""

    def close(self) -> None:
        """Write what is left; any number of times."""
        if self._file is not None:
            self._file.close()

    def decided(self, event: str, **facts: Any) -> None:
        """Log a decision about the run as a whole."""
        if self.wanted:
            self._put(event, facts)

    def attempted(self, item: Assignment, attempt: int, ended: Attempt, decision: Decision) -> None:
        """Log an attempt, how it ended, and what follows from that."""
        again = isinstance(decision, Retry)
        sent = ended.disposition.delivery is not Delivery.NEVER_SENT
        reason = _reason_of(decision)
        self._put(
            OPERATIONS[item.operation].log_name,
            {
                "row": item.row,
                "agent": item.agent_id,
                "gateway": item.gateway,
                "arguments": item.arguments,
                "attempt": attempt,
                "sent_at": iso(ended.sent_at) if sent else None,
                "latency_ms": round(ended.latency_ms, 3),
                "disposition": ended.disposition.name,
                "reach": ended.disposition.delivery.value,
                "http_status": ended.http_status or None,
                "message": ended.message or ended.detail,
                "decision": "again" if again else "enough",
                "reason": reason,
            },
        )

    def _put(self, event: str, facts: dict[str, Any]) -> None:
        at = iso(self._clock.wall_ms())
        record = {"at": at, "event": event, "run": self.run_id, **facts}
        if self._file is not None:
            self._file.put(encoded(record))


def _reason_of(decision: Decision) -> str:
    if isinstance(decision, Stop):
        return decision.reason
    if isinstance(decision, Poll):
        return "when the agent may have come"
    later = ", when all others are done" if decision.last else ""
    return f"after {decision.after_s:.3f} s{later}"
