"""The settings of a world as bulkagent has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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

PROTECTED = "protected.csv"
"""The name of the file of agents who are never touched."""
NOT_KEPT = frozenset({"max_age_s", "max_agents", "protect", "trust_state_s"})
"""The settings that a ledger does not keep for a resume, so that each command has its own."""


def _limits_at(written: Mapping[str, Mapping[str, Any]], _folder: Path) -> dict[str, Any]:
    return {
        gateway: {
            name: concurrency(str(limit)) if name == "concurrency" else limit
            for name, limit in limits.items()
        }
        for gateway, limits in written.items()
    }


_READERS: Mapping[str, Callable[[Any, Path], Any]] = {
    "concurrency": lambda written, _folder: concurrency(str(written)),
    "halt": lambda written, _folder: written and halt_at(written),
    "gateways": lambda written, _folder: msgspec.convert(written, dict[str, GatewaySection]),
    "at_gateways": _limits_at,
    "protect": lambda written, folder: (folder / PROTECTED,) if written else (),
    "verify_with": lambda written, _folder: tuple(written),
}
"""The settings that are otherwise written in a world."""


def fields_of(written: Mapping[str, Any], folder: Path = Path()) -> dict[str, Any]:
    """Settings as a world has them, as fields of `Settings`."""
    return {
        name: _READERS[name](value, folder) if name in _READERS else value
        for name, value in written.items()
    }


def protected_text(agents: Iterable[str]) -> str:
    """The file of agents who are never touched, at any gateway."""
    return "".join(f"{line}\n" for line in ("agent_id", *agents))


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
            **fields_of({**world.settings, **command.settings}, folder),
        }
    )
