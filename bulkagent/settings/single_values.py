"""Single settings, whichever layer they are of: what is wrong with each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulkagent.settings.observers import observer
from bulkagent.settings.ranges import numbers_in, refuse_number, refuse_words


def refuse_single(values: Mapping[str, Any]) -> None:
    """Refuse values that cannot hold whatever else does.

    Args:
        values: Fields of `Settings`.

    Raises:
        SettingsRefused: One is out of its range, or a word that nobody knows.
    """
    for name, number in numbers_in(values).items():
        refuse_number(name, number)
    refuse_words(values)
    for text in values.get("verify_with", ()):
        observer(text)
