"""The metrics of a leg, left where a monitor looks for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bulkagent.reports import RunMetrics, printable, write_metrics
from bulkagent.run.history.version import own_version
from bulkagent.run.plan.request import Plan, RunResult


class Metrics:
    """Writes the metrics of one leg as it begins and when it has ended; blocks while it does.

    Args:
        path: Where to; None: nowhere.
        plan: What the leg is about.
        job: What runs of this kind are called.
    """

    def __init__(self, path: Path | None, plan: Plan, job: str) -> None:
        self.trouble = ""
        self._path = path
        self._plan = plan
        self._job = job
        self._started_ms = 0

    def begun(self, now_ms: int) -> None:
        """Say that it is at work since this time of day, and how it stands."""
        self._started_ms = now_ms
        self._write(self._plan.totals, {})

    def ended(self, result: RunResult, now_ms: int) -> None:
        """Say how it came out."""
        self._write(
            result.totals,
            result.causes,
            requests=result.requests,
            retries=result.retries,
            not_sent=result.not_sent,
            finished_ms=now_ms,
            exit_code=result.exit_code,
        )

    def _write(
        self,
        totals: Mapping[str, int],
        causes: Mapping[str, int],
        *,
        requests: int = 0,
        retries: int = 0,
        not_sent: int = 0,
        finished_ms: int | None = None,
        exit_code: int | None = None,
    ) -> None:
        if self._path is None:
            return
        metrics = RunMetrics(
            run_id=self._plan.run_id,
            command=self._plan.command,
            job=self._job,
            version=own_version(),
            totals=totals,
            causes=causes,
            requests=requests,
            retries=retries,
            not_sent=not_sent,
            started_ms=self._started_ms,
            finished_ms=finished_ms,
            exit_code=exit_code,
        )
        try:
            write_metrics(self._path, metrics)
        except OSError as error:
            path = printable(str(self._path))
            self.trouble = f"the metrics {path} could not be written: {error.strerror or error}"
