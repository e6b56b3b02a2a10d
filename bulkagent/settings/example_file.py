"""A configuration file to begin with: every word, commented out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

from bulkagent.settings.row import Row, Scope
from bulkagent.settings.table import RUN_ROWS, SECTION_ROWS, TOP_ROWS

_HEAD = """\
# bulkagent.toml: the settings of every run. An option goes over a variable of the environment
# (BULKAGENT_...). A variable goes over [gateways.NAME], that section over [jobs.NAME], and
# that one over the top of this file.
# Every line below is an example that is commented out. In brackets stands the default.
# A time is a number with ms, s, m, h or d. A relative path starts at the folder of this file.
"""

_OF_A_JOB = frozenset({"max_agents", "floor"})
"""The examples of a job's section."""


def commented_file() -> str:
    """The file's text."""
    parts = [_HEAD, *_commented((*TOP_ROWS, *RUN_ROWS))]
    parts.append(
        "# A gateway that rosters and the command line may call by this name.\n# [gateways.east]\n"
    )
    parts.extend(_commented(SECTION_ROWS, of_gateway=True))
    parts.append(
        "# The settings of the runs of the job morning. All that may stand at the top may stand\n"
        "# here, except ledger, job, time_zone and language.\n# [jobs.morning]\n"
    )
    parts.extend(_commented(row for row in RUN_ROWS if row.name in _OF_A_JOB))
    return "\n".join(parts)


def _commented(rows: Iterable[Row], *, of_gateway: bool = False) -> list[str]:
    text: list[str] = []
    for row in rows:
        said = row.in_file
        if of_gateway and row.scope is not Scope.GATEWAY:
            said = row.at_gateway or "As above, for this gateway."
        told = "" if of_gateway else row.default or row.told
        meaning = textwrap.fill(
            f"{said} [{told}]" if told else said,
            92,
            initial_indent="# ",
            subsequent_indent="# ",
            break_on_hyphens=False,
        )
        # What is JSON, of these kinds, is TOML too.
        text.append(f"{meaning}\n# {row.name} = {json.dumps(row.example)}\n")
    return text
