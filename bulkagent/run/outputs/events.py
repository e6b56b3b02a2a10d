"""Each outcome as a line of JSON, as soon as it is on disk."""

from __future__ import annotations

from pathlib import Path

from bulkagent.gateway.operations import flag_of
from bulkagent.model import Assignment, Line, Outcome
from bulkagent.reports import event_of
from bulkagent.run.outputs.background_writer import STANDARD_OUTPUT, LineFile


class OutcomeEvents:
    """Writes outcomes to a file, a pipe or standard output.

    Args:
        path: Where to; `-` is standard output.
        run_id: The run that they are of.

    Raises:
        SettingsRefused: It cannot be opened.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        self._run_id = run_id
        self._path = path
        self._file = LineFile(path, "events", "--events")

    @property
    def trouble(self) -> str:
        """What kept them from being complete; "" where nothing did."""
        return self._file.trouble

    @property
    def unprinted(self) -> str:
        """Why they did not fit where standard output goes; "" where they did."""
        return self._file.lost if self._path == STANDARD_OUTPUT else ""

    def ended(self, item: Assignment, outcome: Outcome) -> None:
        """Write an outcome. Runs for every one."""
        line = Line(
            row=item.row,
            agent_id=item.agent_id,
            gateway=item.gateway,
            flag=flag_of(item.arguments),
            status=outcome.status,
            cause=outcome.cause,
            retcode=outcome.retcode,
            message=outcome.message,
            http_status=outcome.http_status or None,
            attempts=outcome.attempts,
            latency_ms=outcome.latency_ms,
            first_sent_at=None,
            finished_at=outcome.finished_at,
        )
        self._file.put(event_of(line, self._run_id))

    def close(self) -> None:
        """Write what is left; any number of times."""
        self._file.close()
