"""The metrics of a run, in the text format of Prometheus.

No metric is of a single agent: that would be a series for each, for ever. The file is for the
textfile collector of the node exporter, which wants it whole and named `*.prom`; a job that has a
file of its own is not overwritten by another.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bulkagent.files.atomic_file import replacing
from bulkagent.reports.sanitize import printable


class RunMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """A run as far as it is known; None and nothing stand for what is not known yet."""

    run_id: str
    command: str
    job: str
    version: str
    totals: Mapping[str, int]
    """Rows by status, all seven."""
    causes: Mapping[str, int]
    requests: int
    retries: int
    not_sent: int
    started_ms: int
    finished_ms: int | None = None
    exit_code: int | None = None


def write_metrics(path: Path, run: RunMetrics) -> None:
    """Replace a file by the metrics of a run, in one step.

    Raises:
        OSError: It cannot be written.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"bulkagent_{name}", text, ("job", *labels), registry=registry)

    # Text from outside: its format escapes ends of lines, and nothing else that is obeyed.
    job, run_id, command, version = map(printable, (run.job, run.run_id, run.command, run.version))
    info = gauge(
        "run_info", "Always 1; the labels say which run it is.", "run_id", "command", "version"
    )
    info.labels(job, run_id, command, version).set(1)
    agents = gauge("agents", "Roster rows by status.", "status")
    for status, number in run.totals.items():
        agents.labels(job, printable(status)).set(number)
    left = gauge("agents_not_applied", "Roster rows that are not applied, by cause.", "cause")
    for cause, number in run.causes.items():
        left.labels(job, printable(cause)).set(number)
    numbers: dict[str, tuple[str, float | None]] = {
        "run_in_progress": ("1 while the run sends, 0 after.", float(run.finished_ms is None)),
        "run_requests": ("Requests that may have left, those of resumes included.", run.requests),
        "run_retries": ("Requests beyond the first for an agent.", run.retries),
        "run_not_sent": ("Further attempts, of which no byte left.", run.not_sent),
        "run_started_timestamp_seconds": (
            "When the run or its latest resume began.",
            run.started_ms / 1000,
        ),
        "run_finished_timestamp_seconds": (
            "When the run ended; absent while it sends.",
            None if run.finished_ms is None else run.finished_ms / 1000,
        ),
        "run_exit_code": ("The run's exit code; absent while it sends.", run.exit_code),
    }
    for name, (text, value) in numbers.items():
        if value is not None:
            gauge(name, text).labels(job).set(value)
    with replacing(path) as out:
        out.write(generate_latest(registry))
