"""The sessions file of one hold: locked for its life, read at its beginning, written all along.

A line without a `state` was written by somebody else. Polling its session would take the events
from a live desktop, so such a file is refused rather than adopted or overwritten.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bulkagent.clock import Clock
from bulkagent.errors import RunBusy, SettingsRefused
from bulkagent.files.special_files import FileKind, target_of
from bulkagent.files.whole_file import read_whole
from bulkagent.gateway.sessions_file import SavedSession, SessionLines, SessionWriter
from bulkagent.sessions.race import first_of
from bulkagent.sessions.registry import Registry
from bulkagent.sessions.state_machine import SessionState

_PAUSES = 4
"""After each save comes a pause of so many times its length. So many changes take a fifth of a core
at most, and of few changes each is in the file a millisecond later. A gateway hands a GUID out once
(page 0005), so the next process cannot ask for one that was not saved."""

_SPARE_LINES = 1_000
"""The file is written anew when it has so many replaced lines beyond the number of sessions."""

_RETRY_S = 5.0
_PLAIN = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_STATES = frozenset(state.value for state in SessionState)


class SessionStore:
    """A sessions file that this process alone writes, until `release`.

    Raises:
        RunBusy: Another process holds it.
        SettingsRefused: There can be no file or lock there.
    """

    def __init__(self, path: Path) -> None:
        self._lock = -1
        try:
            self.path = _ordinary(path)
        except (OSError, ValueError) as error:
            said = (isinstance(error, OSError) and error.strerror) or error
            raise SettingsRefused(
                f"--sessions {path}: {said}; give a path in a folder that can be written, on a"
                " local disk"
            ) from None
        self._writer = SessionWriter(self.path)
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise RunBusy(
                f"another process holds the sessions of {path}; stop it, or give another file"
                " with --sessions"
            ) from None
        except OSError as error:
            self.release()
            raise SettingsRefused(
                f"--sessions {path}: {error.strerror}; give a path in a folder that can be"
                " written, on a local disk"
            ) from None

    def __repr__(self) -> str:
        return f"<SessionStore {self.path}{'' if self._lock >= 0 else ', released'}>"

    def release(self) -> None:
        """Unlock the file; any number of times."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self) -> list[SavedSession]:
        """The sessions that an earlier hold left, of each agent the latest.

        Raises:
            SettingsRefused: It cannot be read, or somebody else has written it.
        """
        try:
            data, _ = read_whole(self.path)
            lines = list(SessionLines().read(data))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SettingsRefused(f"--sessions {self.path}: {error.strerror}") from None
        except ValueError as error:
            raise SettingsRefused(f"--sessions {self.path}: {error}") from None
        found: dict[tuple[str, str], SavedSession] = {}
        for line in lines:
            if line.session is None or line.session.state not in _STATES:
                raise SettingsRefused(
                    f"--sessions {self.path}: session hold did not write line {line.line}, so its"
                    " sessions may be those of agents at their desks; give another path"
                )
            found[line.session.gateway, line.session.agent_id] = line.session
        return list(found.values())

    def write(self, sessions: Sequence[SavedSession]) -> None:
        """Put a new file in the place of the old.

        Raises:
            OSError: It cannot be written; the old one is still there.
        """
        self._writer.write(sessions)

    def append(self, sessions: Sequence[SavedSession]) -> None:
        """Append the lines of these sessions.

        Raises:
            OSError: It cannot be written, so that the whole file must be.
        """
        self._writer.append(sessions)


def _ordinary(path: Path) -> Path:
    target = target_of(path)
    if target.kind is not FileKind.ORDINARY:
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    return target.path


class AsyncStore(Protocol):
    """A sessions file; both methods raise OSError and do not block the loop."""

    async def write(self, sessions: Sequence[SavedSession]) -> None:
        """Keep these and nothing else."""

    async def append(self, sessions: Sequence[SavedSession]) -> None:
        """Append these, which replace earlier lines of the same agents."""


class StoreWriter:
    """Writes changes: at first and now and then the whole file, in between the new lines.

    Args:
        registry: All sessions.
        file: The file that they are written to.
        clock: For the pauses between two writes.
    """

    def __init__(self, registry: Registry, file: AsyncStore, clock: Clock) -> None:
        self.trouble = ""
        """Why the latest write failed; "" where it did not."""
        self._registry = registry
        self._file = file
        self._clock = clock
        self._due = asyncio.Event()
        self._ending = asyncio.Event()
        self._written = asyncio.Condition()
        self._changes = 0
        self._saved = 0
        self._appended: int | None = None  # lines since the whole was written

    def __repr__(self) -> str:
        return f"<StoreWriter {self._saved} of {self._changes} changes>"

    def changed(self) -> None:
        """The file is out of date."""
        self._changes += 1
        self._due.set()

    async def until_saved(self) -> None:
        """Wait until everything that has changed so far is in the file, however long that takes."""
        wanted = self._changes
        async with self._written:
            await self._written.wait_for(lambda: self._saved >= wanted)

    async def run(self) -> None:
        """Write until told to end, and then once more, the whole.

        It is told, not cancelled: a write that goes on in its thread could end after a later one.
        """
        while not self._ending.is_set():
            await first_of(self._due.wait(), self._ending.wait())
            if self._due.is_set():
                began = self._clock.monotonic()
                saved = await self._save()
                took_s = self._clock.monotonic() - began
                pause_s = _PAUSES * took_s if saved else _RETRY_S
                await first_of(self._clock.sleep(pause_s), self._ending.wait())
        self._appended = None
        await self._save()

    def end(self) -> None:
        """Have `run` write the last changes and return."""
        self._ending.set()

    async def _save(self) -> bool:
        """Write now; whether that was possible."""
        self._due.clear()
        upto = self._changes
        try:
            await self._write()
        except OSError as error:
            self.trouble = error.strerror or str(error)
            self._appended = None  # half a line may be there
            self._due.set()
            return False
        self.trouble = ""
        async with self._written:
            self._saved = max(self._saved, upto)
            self._written.notify_all()
        return True

    async def _write(self) -> None:
        news = self._registry.news()
        if self._appended is None or self._appended > len(self._registry) + _SPARE_LINES:
            await self._file.write(self._registry.lines())
            self._appended = 0
        elif news:
            self._appended += len(news)
            await self._file.append(news)
