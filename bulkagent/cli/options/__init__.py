"""The options of every command, a row each, and what is made of them.

What may live here: the rows that are no settings, click's parameters made of rows, and what the
values of a command line come to. What this room must not know: what a command does with them.
"""

from __future__ import annotations

import functools

from bulkagent.cli.options.other_rows import EMULATE_OPTIONS, HOLD_OPTIONS, LEDGER_OPTIONS
from bulkagent.cli.options.rows import RUN_OPTIONS
from bulkagent.settings.row import Group, Row
from bulkagent.settings.table import GATEWAY_ROWS, SETTINGS

__all__ = ["ROWS", "rows_of", "variables"]

ROWS = (
    *(*LEDGER_OPTIONS, *HOLD_OPTIONS, *EMULATE_OPTIONS),
    *(*RUN_OPTIONS, *GATEWAY_ROWS, *SETTINGS),
)
"""Every row of an option, those that lead a command first."""

_ORDER = list(Group)


@functools.cache
def rows_of(command: str) -> tuple[Row, ...]:
    """The rows of a command in the order in which `--help` shows them.

    Args:
        command: Its name, such as `apply` or `session hold`.
    """
    found = [row for row in ROWS if command in row.commands]
    return tuple(sorted(found, key=_place))


def _place(row: Row) -> tuple[bool, int, bool]:
    return not row.is_argument, _ORDER.index(row.group), row.last


def variables() -> frozenset[str]:
    """Every variable of the environment that some command reads."""
    return frozenset(row.variable for row in ROWS if row.variable and row.commands)
