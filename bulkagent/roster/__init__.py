"""The roster room: a CSV file in, rows out, each with the line that an editor shows.

What may live here: how a file is opened, decoded and cut into cells, and which rows of it
can be assignments. What this room must not know: what is done with a row, where a plan is
stored, how a gateway is called. Every byte of the file is data from outside; no text of it
leaves in a reason or a message before `quoting` has made it harmless.

The flow: `lines` (bytes to lines of text), `columns` (which column means what), `judge`
(cells to rows, by the rules of `cells` and the memory of `duplicates`), `reader` (`Roster`).
"""

from __future__ import annotations

from bulkagent.roster.header_names import named
from bulkagent.roster.layout import Layout
from bulkagent.roster.reader import Roster
from bulkagent.roster.row import Retraction, RosterRow
from bulkagent.roster.rules import RosterRules

__all__ = ["Layout", "Retraction", "Roster", "RosterRow", "RosterRules", "named"]
