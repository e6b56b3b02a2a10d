"""The files that commands read: rosters, and the sessions file as sessions begin and end."""

from __future__ import annotations

from pathlib import Path

from tests.simulation.draw.rosters import sessions_text, text_of
from tests.simulation.draw.settings import PROTECTED, SESSIONS, protected_text
from tests.simulation.loop import VirtualLoop
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.world import SourceKind, World

_DRAFT = "sessions.draft"
_WRITTEN_AFTER_S = 0.2
"""So much after a session begins or ends, the sessions file says so."""


class InputFiles:
    """Writes them into the folder of a morning.

    Args:
        world: The world.
        folder: The folder.
        gateways: Know the GUIDs.
        loop: Tells the time.
    """

    def __init__(self, world: World, folder: Path, gateways: Gateways, loop: VirtualLoop) -> None:
        self._world = world
        self._folder = folder
        self._gateways = gateways
        self._loop = loop

    def write(self) -> None:
        """Write the rosters, and the sessions file now and whenever a session changes."""
        column = self._world.source is SourceKind.COLUMN
        for roster in self._world.rosters:
            text = text_of(roster, self._guid_of if column else None)
            (self._folder / f"{roster.name}.csv").write_text(text, encoding="utf-8")
        if protected := self._world.settings.get("protect"):
            text = protected_text(protected)
            (self._folder / PROTECTED).write_text(text, encoding="utf-8")
        if self._world.source is not SourceKind.FILE:
            return
        self._write_sessions()
        for model in self._world.gateways:
            for times in (model.absent, model.newer, model.leaves):
                for at_s in times.values():
                    self._loop.call_at(at_s + _WRITTEN_AFTER_S, self._write_sessions)

    def _write_sessions(self) -> None:
        draft = self._folder / _DRAFT
        draft.write_text(sessions_text(self._world, self._guid_of), encoding="utf-8")
        draft.replace(self._folder / SESSIONS)

    def _guid_of(self, gateway: str, agent: str) -> str:
        return self._gateways.guid_of(gateway, agent, self._loop.time())


def files_beside(world: World, folder: Path) -> dict[str, bytes]:
    """All files of a morning's folder but these, by name."""
    own = {*(f"{roster.name}.csv" for roster in world.rosters), SESSIONS, _DRAFT}
    return {
        str(found.relative_to(folder)): found.read_bytes()
        for found in sorted(folder.rglob("*"))
        if found.is_file() and found.name not in own
    }
