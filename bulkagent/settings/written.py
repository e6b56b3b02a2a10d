"""Written values of options, variables and files, as fields of `Settings`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bulkagent.settings.row import Kind, Row
from bulkagent.units import (
    agent_id_range,
    concurrency,
    duration_s,
    halt_at,
    rate_per_second,
    share,
)


def read(row: Row, value: Any) -> dict[str, Any]:
    """The fields that a value gives.

    Args:
        row: The setting.
        value: What was written: a text, a number, a yes or no, or several texts.

    Raises:
        SettingsRefused: It is no such quantity.
    """
    reader = _READERS.get(row.kind)
    if reader is None:
        return {row.fields[0]: value}
    if row.takes_none and row.kind is not Kind.HALT and value.strip().lower() == "none":
        return {row.fields[0]: row.none_means}
    return reader(row, value)


def _concurrency(row: Row, value: int | str) -> dict[str, Any]:
    return {row.fields[0]: value if isinstance(value, int) else concurrency(value)}


def _paths(row: Row, texts: Any) -> dict[str, Any]:
    from pathlib import Path

    return {row.fields[0]: tuple(map(Path, texts))}


def _quantity(unit: Callable[[str], object]) -> Callable[[Row, str], dict[str, Any]]:
    return lambda row, text: {row.fields[0]: unit(text)}


_READERS: Mapping[Kind, Callable[[Row, Any], dict[str, Any]]] = {
    Kind.CONCURRENCY: _concurrency,
    Kind.HALT: _quantity(halt_at),
    Kind.RATE: _quantity(rate_per_second),
    Kind.SHARE: _quantity(share),
    Kind.TIME: _quantity(duration_s),
    Kind.AGENT_IDS: _quantity(agent_id_range),
    Kind.PATHS: _paths,
    Kind.TEXTS: lambda row, texts: {row.fields[0]: tuple(texts)},
}
