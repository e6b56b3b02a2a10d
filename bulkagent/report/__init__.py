"""The report room: a run's lines in, one file out, whole or not at all.

What may live here: how lines become CSV, JSON, JSON Lines and HTML, and how a file takes the place
of another. What this room must not know: how an outcome came about, where lines are kept, what
a retcode means, who is told. Roster cells and gateway messages are data from outside: no text
leaves for a spreadsheet or a terminal before `cells` or `text` has made it harmless.

The flow: `document` (path to format to file), `formats` (which suffix means what), `sheet` and
`objects` (lines to bytes, with `columns`, `cells`, `moments`), `page` (the same for people, with
figures), `place` (the file itself).
"""

from __future__ import annotations

from bulkagent.report.advice import ADVICE
from bulkagent.report.columns import COLUMNS
from bulkagent.report.document import probe, write
from bulkagent.report.formats import FORMATS
from bulkagent.report.moments import iso
from bulkagent.report.text import printable

__all__ = ["ADVICE", "COLUMNS", "FORMATS", "iso", "printable", "probe", "write"]
