"""The formats of a report, as a table from a path's suffix to what writes it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from bulkagent.errors import SettingsRefused
from bulkagent.model import Line
from bulkagent.reports.csv_report import write_csv
from bulkagent.reports.html import write_html
from bulkagent.reports.json_report import write_json, write_jsonl
from bulkagent.reports.sanitize import printable
from bulkagent.reports.xlsx_report import write_xlsx

Writer = Callable[[BinaryIO, Iterable[Line], Sequence[str], Mapping[str, object]], int]
"""Writes lines, under the roster's own columns and the facts of the run; how many there were."""

FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        ".csv": write_csv,
        ".json": write_json,
        ".jsonl": write_jsonl,
        ".html": write_html,
        ".xlsx": write_xlsx,
    }
)
"""Suffix, in lower case, to writer."""


def writer_for(path: Path) -> Writer:
    """The writer of the format that the path's suffix names, in upper or lower case.

    Raises:
        SettingsRefused: no format has that suffix, or it needs what is not installed.
    """
    writer = FORMATS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(FORMATS)
        raise SettingsRefused(
            f"the suffix of '{printable(str(path))}' names no report format; end the path in one"
            f" of {known}"
        )
    if writer is write_xlsx and importlib.util.find_spec("xlsxwriter") is None:
        raise SettingsRefused(
            f"'{printable(str(path))}' needs a package that writes workbooks: pip install"
            " 'bulkagent[xlsx]', or take .csv"
        )
    return writer
