"""The ranges of values, and the sentence for a value out of its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulkagent.errors import SettingsRefused
from bulkagent.settings.row import Kind
from bulkagent.settings.table import SETTINGS
from bulkagent.text.spelling import did_you_mean, nearest
from bulkagent.units import Adaptive, HaltAtCount, HaltAtShare, agent_id_range, concurrency

RANGES: Mapping[str, tuple[str, float, float]] = {
    found.field: (found.label, found.low, found.high) for row in SETTINGS for found in row.ranges
}
"""Fields of `Settings` that are numbers: what a refusal calls one, its least and its most."""

NONE: Mapping[str, float | None] = {
    row.name: row.none_means for row in SETTINGS if row.takes_none and row.kind is Kind.TIME
}
"""What the word `none` means for the durations of which there need not be any."""


def numbers_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that have a range, by the names of `RANGES`."""
    found = {name: values[name] for name in RANGES.keys() & values.keys()}
    if isinstance(found.get("concurrency"), Adaptive):
        del found["concurrency"]
    halt = values.get("halt")
    if isinstance(halt, HaltAtShare):
        found["halt_share"] = halt.share
    if isinstance(halt, HaltAtCount):
        found["halt_count"] = halt.agents
    return found


def refuse_number(name: str, value: object) -> None:
    """Refuse a number that is not in its range; None, where it is allowed, means no limit.

    Raises:
        SettingsRefused: It is not, or is no number.
    """
    label, low, high = RANGES[name]
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingsRefused(f"{label} must be a number from {low} to {high}, not {value!r}")
    if not low <= value <= high:
        raise SettingsRefused(f"{label} must be {low} to {high}, not {value}")


def refuse_words(values: Mapping[str, Any]) -> None:
    """Refuse words that are none of those that a setting takes.

    Args:
        values: Settings by their names; those that take no words are not looked at.

    Raises:
        SettingsRefused: One is another word.
    """
    for name, (told, words) in _WORDS.items():
        word = values.get(name, words[0])
        if word not in words:
            meant = did_you_mean(nearest(str(word), words))
            raise SettingsRefused(f"{told} {' or '.join(words)}, not {word!r}{meant}")


_WORDS = {row.name: (row.label, row.words) for row in SETTINGS if row.words}


def refuse_bounds(limit: int | Adaptive, ids: tuple[int, int]) -> None:
    """Refuse bounds of an adaptive limit, or a range of agent IDs, that cannot be one.

    Raises:
        SettingsRefused: One is none.
    """
    if isinstance(limit, Adaptive):
        concurrency(f"auto:{limit.least}-{limit.most}")
    agent_id_range("-".join(map(str, ids)))
