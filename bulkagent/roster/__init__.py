"""Rosters: a CSV file in, rows out, each with the line number that an editor shows.

What may live here: how a file is opened, decoded and cut into cells, and which rows of it can be
assignments. What this folder must not know: what is done with a row, where a plan is stored, how
a gateway is called. Every byte of the file is data from outside: no text of it gets into a reason
or a message before `sanitize` has made it harmless.

`text_lines` turns bytes into lines, `csv_records` lines into cells, and `columns` says which
column means what. `batch` checks many rows at once, `validation` one row by the rules of `cells`
and with the memory of `duplicates`. `reader` has `Roster`, which puts them together.
"""

from __future__ import annotations

from bulkagent.roster.header_names import named
from bulkagent.roster.layout import Layout
from bulkagent.roster.reader import Roster
from bulkagent.roster.row import Retraction, RosterRow
from bulkagent.roster.rules import RosterRules

__all__ = ["Layout", "Retraction", "Roster", "RosterRow", "RosterRules", "named"]
