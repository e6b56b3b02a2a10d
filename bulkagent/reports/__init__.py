"""The report room: a run's lines in, one file out, whole or not at all.

What may live here: how lines become CSV, JSON, JSON Lines, HTML and XLSX, and what a monitor is
told. What this room must not know: how a file takes the place of another, how an outcome came
about, where lines are kept, what a retcode means, who is told. Roster cells and gateway messages
are data from outside: no text leaves for a spreadsheet or a terminal before `cells` or `text` has
made it harmless.

The flow: `document` (path to format to file), `formats` (which suffix means what), `sheet` and
`objects` and `workbook` (lines to bytes, with `columns`, `cells`, `moments`), `page` (the same for
people, with figures), `metrics` (a run for a monitor), `refused` (a report of nothing).
"""

from __future__ import annotations

from bulkagent.reports.advice import ADVICE, advice_for
from bulkagent.reports.columns import COLUMNS
from bulkagent.reports.formats import FORMATS
from bulkagent.reports.json_report import encoded, event_of
from bulkagent.reports.prometheus import RunMetrics, write_metrics
from bulkagent.reports.refused import RefusedCommand, is_report, write_refused
from bulkagent.reports.sanitize import printable
from bulkagent.reports.timestamps import iso
from bulkagent.reports.write import probe, probe_place, write

__all__ = [
    "ADVICE",
    "COLUMNS",
    "FORMATS",
    "RefusedCommand",
    "RunMetrics",
    "advice_for",
    "encoded",
    "event_of",
    "is_report",
    "iso",
    "printable",
    "probe",
    "probe_place",
    "write",
    "write_metrics",
    "write_refused",
]
