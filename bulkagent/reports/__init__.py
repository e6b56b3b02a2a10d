"""Reports: a run's lines in, one file out, whole or not at all.

What may live here: how lines become CSV, JSON, JSON Lines, HTML and XLSX, and what a monitor is
told. What this folder must not know: how an outcome came about, where lines are kept, what a
retcode means, and how a file takes the place of another. Roster cells and gateway messages are
data from outside: no text leaves for a spreadsheet or a terminal before `csv_cell` or `sanitize`
has made it harmless.

`report_file` takes a path and its lines, and `formats` says which module writes it: `csv_report`,
`json_report`, `xlsx_report` or `html/`, all with `columns` and `timestamps`. `prometheus` has the
figures for a monitor, `refusal` the report of a command that sent nothing. `verdict`, `advice` and
`replies` are sentences that the screen and the page share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.lazy import lazily

if TYPE_CHECKING:
    from bulkagent.reports.advice import (
        ADVICE,
        advice_for,
        meaning_of,
    )
    from bulkagent.reports.columns import COLUMNS
    from bulkagent.reports.formats import FORMATS
    from bulkagent.reports.json_report import encoded, event_of
    from bulkagent.reports.prometheus import RunMetrics, write_metrics
    from bulkagent.reports.refusal import RefusedCommand, is_report, write_refused
    from bulkagent.reports.replies import answered, told_of_connections
    from bulkagent.reports.report_file import probe, probe_place, write
    from bulkagent.reports.sanitize import printable
    from bulkagent.reports.timestamps import iso
    from bulkagent.reports.verdict import NO_USE, AgentsSet, VerdictFacts, verdict_of, word_of

__all__ = [
    "ADVICE",
    "COLUMNS",
    "FORMATS",
    "NO_USE",
    "AgentsSet",
    "RefusedCommand",
    "RunMetrics",
    "VerdictFacts",
    "advice_for",
    "answered",
    "encoded",
    "event_of",
    "is_report",
    "iso",
    "meaning_of",
    "printable",
    "probe",
    "probe_place",
    "told_of_connections",
    "verdict_of",
    "word_of",
    "write",
    "write_metrics",
    "write_refused",
]

_HOMES = {
    "bulkagent.reports.advice": (
        "ADVICE",
        "advice_for",
        "meaning_of",
    ),
    "bulkagent.reports.columns": ("COLUMNS",),
    "bulkagent.reports.formats": ("FORMATS",),
    "bulkagent.reports.json_report": (
        "encoded",
        "event_of",
    ),
    "bulkagent.reports.prometheus": (
        "RunMetrics",
        "write_metrics",
    ),
    "bulkagent.reports.refusal": (
        "RefusedCommand",
        "is_report",
        "write_refused",
    ),
    "bulkagent.reports.sanitize": ("printable",),
    "bulkagent.reports.timestamps": ("iso",),
    "bulkagent.reports.verdict": (
        "NO_USE",
        "AgentsSet",
        "VerdictFacts",
        "verdict_of",
        "word_of",
    ),
    "bulkagent.reports.replies": ("answered", "told_of_connections"),
    "bulkagent.reports.report_file": (
        "probe",
        "probe_place",
        "write",
    ),
}

__getattr__ = lazily(__name__, _HOMES)
