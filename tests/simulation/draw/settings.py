"""The settings of a world as bulkagent has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.settings import Settings
from bulkagent.settings.config_file import GatewaySection
from bulkagent.settings.guid_sources import GuidService, SessionsFile
from bulkagent.units import concurrency, halt_at
from tests.simulation.world import GUID_URL, Command, SourceKind, World

LEDGER = "ledger.sqlite3"
"""The name of the ledger's file in the folder of a morning."""
SESSIONS = "sessions.jsonl"
"""The name of the sessions file there."""

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "concurrency": lambda written: concurrency(str(written)),
    "halt": lambda written: written and halt_at(written),
    "gateways": lambda written: msgspec.convert(written, dict[str, GatewaySection]),
    "protect": lambda written: tuple(map(Path, written)),
    "verify_with": tuple,
}
"""The settings that are otherwise written in a world."""


def fields_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a world has them, as fields of `Settings`."""
    return {
        name: _READERS[name](value) if name in _READERS else value
        for name, value in written.items()
    }


def settings_of(world: World, command: Command, folder: Path = Path()) -> Settings:
    """The settings of a command that begins a run.

    Args:
        world: Its settings hold, and those of the command go over them.
        command: What is to be carried out.
        folder: The folder of the ledger and of the sessions file.
    """
    sources = {
        SourceKind.COLUMN: None,
        SourceKind.FILE: SessionsFile(folder / SESSIONS),
        SourceKind.SERVICE: GuidService(GUID_URL),
    }
    return Settings(
        **{
            "ledger": folder / LEDGER,
            "guids": sources[world.source],
            **fields_of({**world.settings, **command.settings}),
        }
    )
