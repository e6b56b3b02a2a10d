"""The sources of GUIDs beside the roster's column: one field of `Settings`, one of several types.

On the command line, in the environment and in the configuration file a source is written as one of
two words, `sessions` and `guid_url`, and the service's `guid_ca_file`. Layers keep these words, so
that the word of a higher layer takes away the source that a lower one names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.errors import SettingsRefused


class SessionsFile(msgspec.Struct, frozen=True):
    """GUIDs come from a file, CSV or JSON Lines, that another process keeps up to date."""

    path: Path
    """Path of the file."""


class GuidService(msgspec.Struct, frozen=True):
    """GUIDs come from a service over HTTPS, which is asked just before each request."""

    url: str
    """With `{agentid}` in it and, if the service wants it, `{gateway}`."""
    ca_file: Path | None = None
    """PEM file of the private CA that the service is trusted by. None: the system's CAs."""


WORDS = frozenset({"sessions", "guid_url", "guid_ca_file"})
"""The words that a source is written with."""


def with_implied_source(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer of settings in words alone: the source that it names takes the other one away."""
    words = dict(layer)
    if "guids" in words:
        words |= words_of(words.pop("guids"))
    implied = {
        other: nothing
        for chosen, other, nothing in (("sessions", "guid_url", ""), ("guid_url", "sessions", None))
        if words.get(chosen) is not None and other not in words
    }
    return {**implied, **words}


def source_of(words: Mapping[str, Any]) -> SessionsFile | GuidService | None:
    """The source that the words name; None: the roster's column.

    Raises:
        SettingsRefused: They name two.
    """
    path, url = words.get("sessions"), words.get("guid_url")
    if path is not None and url:
        raise SettingsRefused(
            "GUIDs come from --sessions or from --guid-url; give one of the two",
            fields=("sessions", "guid_url"),
        )
    if path is not None:
        return SessionsFile(path)
    return GuidService(url, words.get("guid_ca_file")) if url else None


def words_of(source: SessionsFile | GuidService | None) -> dict[str, Any]:
    """The words of a source.

    Without a service there is no word for its CA, for then a lower layer may still name one.
    """
    if isinstance(source, GuidService):
        return {"sessions": None, "guid_url": source.url, "guid_ca_file": source.ca_file}
    return {"sessions": source.path if source is not None else None, "guid_url": ""}


def in_one(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields in which the words of a source, if there are any, are the one field `guids`.

    Raises:
        SettingsRefused: They name two.
    """
    others = {name: value for name, value in fields.items() if name not in WORDS}
    return others if others.keys() == fields.keys() else {**others, "guids": source_of(fields)}


def files_of(source: SessionsFile | GuidService | None) -> tuple[Path, ...]:
    """The files that a source reads."""
    file = source.path if isinstance(source, SessionsFile) else source.ca_file if source else None
    return (file,) if file is not None else ()
