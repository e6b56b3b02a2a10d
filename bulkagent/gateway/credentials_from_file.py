"""GUIDs from a sessions file that another process keeps up to date.

Nothing that was read is ever forgotten, only replaced: a file that vanishes, is emptied, or is
caught half written says nothing about any session, and a GUID that is dead is refused by the
gateway anyway.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import anyio

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.errors import SettingsRefused
from bulkagent.files.whole_file import read_whole
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.sessions_file import SessionLines
from bulkagent.model import Assignment

LOOK_EVERY_S = 0.5
"""A GUID is renewed a minute before it dies (page 0005), so this is never late."""

GUID_LIFE_S = 120
"""By default a GUID is dead two minutes after it was issued (`GUIDTIMEOUT`, page 0005)."""

SKEW_MS = 60_000
"""By so much two machines' clocks differ; what is further in the future says nothing."""

_BAD_LINES_TOLD = 5


class _Stamp(NamedTuple):
    """By what a file that changed, or took the place of another, is known."""

    device: int
    number: int
    changed_ns: int
    size: int


class FileCredentials:
    """The sessions of a file, as it was when it was last looked at.

    Args:
        path: The file.
        names: What may stand in its `gateway` column -> the gateway's name here; an empty cell
            too, where it can mean only one.
        clock: Time.
    """

    def __init__(self, path: Path, names: Mapping[str, str], clock: Clock) -> None:
        self._path = path
        self._names = names
        self._clock = clock
        self._sessions: dict[tuple[str, str], Credential | None] = {}
        self._lines = SessionLines()
        self._stamp: _Stamp | None = None
        self._looks = 0
        self._looking = anyio.Lock()
        self._gone = False
        self._problem = ""  # what was wrong with it when it was read last
        self._refused = 0
        self._refused_with_cookie = 0
        self._youngest_refused_s: float | None = None
        self._ahead: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"<FileCredentials of {self._path}: {len(self._sessions)} agents>"

    def __len__(self) -> int:
        """How many agents of the gateways concerned it has had a session of."""
        return len(self._sessions)

    def open(self) -> None:
        """Read it for the first time. Blocks, so not for an event loop.

        Raises:
            SettingsRefused: It cannot be read, or has lines that nobody can read, or none that
                concerns the gateways here.
        """
        try:
            data, status = read_whole(self._path)
        except OSError as error:
            raise SettingsRefused(
                f"--sessions {self._path}: {error.strerror}; is the process that keeps it running?"
            ) from None
        problems: list[str] = []
        elsewhere: set[str] = set()
        try:
            for line in self._lines.read(data):
                if line.session is None:
                    problems.append(f"line {line.line} {line.problem}")
                elif line.session.gateway in self._names:
                    self._keep(line.session.gateway, line.session.agent_id, line.session.credential)
                else:
                    elsewhere.add(line.session.gateway)
        except ValueError as error:
            raise SettingsRefused(f"--sessions {self._path}: {error}") from None
        if problems:
            more = f" and {len(problems) - _BAD_LINES_TOLD:,} more"
            told = "; ".join(problems[:_BAD_LINES_TOLD])
            raise SettingsRefused(
                f"--sessions {self._path}:"
                f" {told}{more if len(problems) > _BAD_LINES_TOLD else ''}; correct the file, or"
                " the program that writes it"
            )
        if elsewhere and not self._sessions:
            raise SettingsRefused(_of_others(self._path, elsewhere))
        self._stamp = _stamp(status)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def has(self, gateway: str, agent_id: str) -> bool:
        """Whether the file has told a GUID of this agent at this gateway."""
        return self._sessions.get((gateway, agent_id)) is not None

    async def refresh(self) -> None:
        """Look at it now: a question may have been open for long since it was read."""
        async with self._looking:
            await self._look()

    async def watch(self) -> None:
        """Look at it again and again, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.refresh()

    async def credential(self, assignment: Assignment) -> Credential | None:
        """What the file said last of this agent at this gateway."""
        return self._sessions.get((assignment.gateway, assignment.agent_id))

    async def renewed(self, assignment: Assignment, refused: Credential) -> bool:
        """Look once more, and see whether there is another one by now."""
        key = (assignment.gateway, assignment.agent_id)
        if _another(self._sessions.get(key), refused):
            return True
        looks = self._looks
        async with self._looking:
            # Many may be refused at once; one look since then was for all of them.
            if self._looks == looks:
                await self._look()
        if _another(self._sessions.get(key), refused):
            return True
        self._note(refused)
        return False

    def fresh(self, credential: Credential) -> bool:
        """Whether it says of itself that it is alive."""
        age_s = self._age_s(credential.issued_at)
        return age_s is not None and age_s < GUID_LIFE_S

    @property
    def note(self) -> str:
        """What people should know of it in the end; "" where there is nothing to say."""
        return " ".join(filter(None, (self._note_of_refused, self._note_of_ahead)))

    @property
    def _note_of_ahead(self) -> str:
        if not self._ahead:
            return ""
        several = "session is" if len(self._ahead) == 1 else "sessions are"
        return (
            f"{len(self._ahead):,} {several} issued in the future, says {self._path}. That time"
            " counts for nothing; is the clock wrong, here or where the file is written?"
        )

    @property
    def _note_of_refused(self) -> str:
        if not self._refused:
            return ""
        several = "GUID was" if self._refused == 1 else "GUIDs were"
        text = f"{self._refused:,} {several} refused, and {self._path} had no newer ones"
        age_s = self._youngest_refused_s
        if trouble := self._trouble:
            return f"{text}: {trouble}"
        if age_s is None:
            return f"{text}; is the process that keeps it still running?"
        if age_s >= GUID_LIFE_S:
            return (
                f"{text}: all were issued more than {age_s:,.0f} s ago, and a GUID dies after about"
                f" {GUID_LIFE_S} s; is the process that keeps it still running?"
            )
        text = f"{text}, although one was issued only {age_s:,.0f} s ago: are they this gateway's?"
        if self._refused_with_cookie:
            return text
        return f"{text} They came without cookies, which a load balancer may need to see again"

    @property
    def _trouble(self) -> str:
        """What is wrong with the file itself, and what to do; "" where nothing is."""
        if self._gone:
            return "it has vanished; see to the process that keeps it"
        if self._problem:
            return f"{self._problem}; correct the file, or the program that writes it"
        return ""

    def _note(self, refused: Credential) -> None:
        self._refused += 1
        self._refused_with_cookie += bool(refused.cookie)
        issued_at = refused.issued_at
        if issued_at is None and self._stamp is not None:
            issued_at = self._stamp.changed_ns // 1_000_000  # it cannot be younger than that
        age_s = self._age_s(issued_at)
        if age_s is not None:
            youngest_s = self._youngest_refused_s
            self._youngest_refused_s = age_s if youngest_s is None else min(age_s, youngest_s)

    async def _look(self) -> None:
        """Take up what is new in the file; whatever cannot be read is left for the next look."""
        self._looks += 1
        await in_thread(self._take_up)

    def _take_up(self) -> None:
        try:
            if self._stamp == _stamp(os.stat(self._path)):  # noqa: PTH116 - often, and cheaper
                self._gone = False
                return
            data, status = read_whole(self._path)
        except OSError:
            self._gone = True
            return
        self._gone = False
        problem = ""
        try:
            for line in self._lines.read(data):
                session = line.session
                if session is None:
                    problem = problem or f"line {line.line} {line.problem}"
                elif session.gateway in self._names:
                    self._keep(session.gateway, session.agent_id, session.credential)
        except ValueError as error:
            self._problem = str(error)  # or somebody writes it in place just now
            return
        self._problem = problem
        # Not before all of it has been taken: else nobody would look until it changes again.
        self._stamp = _stamp(status)

    def _keep(self, gateway: str, agent_id: str, credential: Credential | None) -> None:
        key = self._names[gateway], agent_id
        self._sessions[key] = credential
        issued_at = credential.issued_at if credential is not None else None
        if issued_at is not None and self._age_s(issued_at) is None:
            self._ahead.add(key)
        elif self._ahead:
            self._ahead.discard(key)

    def _age_s(self, at_ms: int | None) -> float | None:
        """How old something is, never negative; None where nobody says, or by a wrong clock."""
        if at_ms is None:
            return None
        age_ms = self._clock.wall_ms() - at_ms
        return None if age_ms < -SKEW_MS else max(0, age_ms) / 1000


def _another(credential: Credential | None, refused: Credential) -> bool:
    if credential is None:
        return False
    return (credential.guid, credential.cookie) != (refused.guid, refused.cookie)


def _stamp(status: os.stat_result) -> _Stamp:
    return _Stamp(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def _of_others(path: Path, gateways: set[str]) -> str:
    some = ", ".join(repr(name) for name in sorted(gateways)[:3])
    if gateways == {""}:
        return (
            f"--sessions {path}: its lines name no gateway, and the roster may be for several. A"
            " GUID is good at its own gateway alone; add the column gateway"
        )
    return (
        f"--sessions {path}: its sessions are of {some}, and the roster is for none of these"
        " gateways. A GUID is good at its own gateway alone; call the gateway by the name or"
        " address that the file has"
    )
