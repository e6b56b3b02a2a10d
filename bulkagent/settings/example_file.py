"""A configuration file to begin with: every word, commented out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

from bulkagent.settings.row import Kind, Row
from bulkagent.settings.table import RUN_ROWS, SECTION_ROWS, TOP_ROWS

_HEAD = """\
# bulkagent.toml: what every run takes for granted. Options go over the environment
# (BULKAGENT_...), that over [gateways.NAME], that over [jobs.NAME], that over the top.
# What is commented out below is an example; in brackets stands what holds without it.
# A time is a number with ms, s, m, h or d.
"""

_OF_A_JOB = frozenset({"max_agents", "floor"})
"""The examples of a job's section."""


def commented_file() -> str:
    """The file's text."""
    parts = [_HEAD, *_commented((*TOP_ROWS, *RUN_ROWS))]
    parts.append(
        "# A gateway that --gateway and rosters may call by its name. What may stand at the top,"
        "\n# too, is for this gateway here.\n# [gateways.east]\n"
    )
    parts.extend(_commented(SECTION_ROWS, defaults=False))
    parts.append(
        "# What holds for the runs of --job morning; anything that may stand at the top but\n"
        "# ledger, job and time_zone.\n# [jobs.morning]\n"
    )
    parts.extend(_commented(row for row in RUN_ROWS if row.name in _OF_A_JOB))
    return "\n".join(parts)


def _commented(rows: Iterable[Row], *, defaults: bool = True) -> list[str]:
    text: list[str] = []
    for row in rows:
        told = row.default or row.told
        meaning = textwrap.fill(
            f"{row.help}{_BESIDE.get(row.kind, '')}{_range_of(row)}"
            + (f" [{told}]" if told and defaults else ""),
            92,
            initial_indent="# ",
            subsequent_indent="# ",
        )
        # What is JSON, of these kinds, is TOML too.
        text.append(f"{meaning}\n# {row.name} = {json.dumps(row.example)}\n")
    return text


_BESIDE = {
    Kind.PATH: " A path is beside this file.",
    Kind.PATHS: " A path is beside this file.",
}


def _range_of(row: Row) -> str:
    if row.kind is not Kind.WHOLE or not row.ranges:
        return ""
    _, _, low, high = row.ranges[0]
    return f" {low:,} to {high:,}."
