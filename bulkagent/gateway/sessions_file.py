"""The sessions file: the GUID of each agent's session, kept up to date by another process.

One session a line, as JSON objects or as CSV with a header: `gateway` (optional), `agent_id`,
`guid`, `cookie` (optional), `issued_at` (optional: ISO 8601, or a number since the Unix epoch, of
seconds, milliseconds, microseconds or nanoseconds), `state` (optional: how the session stands, as
its holder calls it; nobody else reads it).
Of two lines for one agent the later counts. A last line without its end is not complete yet.
"""

from __future__ import annotations

import csv
import datetime as dt
import errno
import io
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bulkagent.files.atomic_file import replacing
from bulkagent.gateway.credentials import Credential
from bulkagent.text.msgspec_words import in_words, missing_key, path_in
from bulkagent.text.spelling import nearest

LONGEST_SECRET = 4096
"""Far beyond any GUID or cookie that was seen, far below what servers take as headers."""

_GUID_PREFIX = "JSESSIONID="
_LARGEST_ID = 6


class SavedSession(msgspec.Struct, frozen=True, gc=False):
    """The session of one line."""

    gateway: str
    """A gateway's name or address; "": the one that is spoken to, where there is only one."""
    agent_id: str
    credential: Credential | None
    """None: the line says that there is no GUID."""
    state: str = ""
    """The state of a session that is held; "" where the writer of the line holds none."""


class Cells(NamedTuple):
    """The text of one line; "" where it says nothing."""

    gateway: str
    agent_id: str
    guid: str
    cookie: str
    issued_at: str
    state: str = ""


class SessionLine(NamedTuple):
    """A line that was read: a session, or what is wrong with it. Never quotes a secret."""

    line: int
    session: SavedSession | None
    problem: str = ""


class _Record(msgspec.Struct):
    agent_id: str | int
    guid: str | None = ""
    gateway: str | None = ""
    cookie: str | None = ""
    issued_at: str | int | float | None = None
    state: str | None = ""


_decode = msgspec.json.Decoder(_Record).decode


class SessionLines:
    """Reads a file that comes again and again with few changes.

    Sessions that stood in it when it was read last are not said again: of those of a minute one in
    a hundred changes between two looks, and taking lines apart is what reading costs. What is wrong
    with a line is said each time.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: frozenset[bytes] = frozenset()

    def read(self, data: bytes) -> Iterator[SessionLine]:
        """Read the whole file, of either form; CSV is what begins with its header.

        Where the first line is neither, it is CSV if no line begins with a brace.

        Raises:
            ValueError: It is neither; the text says why, for people.
        """
        data = data.removeprefix(b"\xef\xbb\xbf")
        complete, _, begun = data.rpartition(b"\n")
        first = data.lstrip().partition(b"\n")[0]
        named = b"agent_id" in [cell.strip(b' \t\r"').lower() for cell in first.split(b",")]
        if named or (first[:1] != b"{" and b"\n{" not in data):
            # A last cell may be half of a GUID and look like a whole one: it needs its line end.
            return _csv_lines(complete)
        return self._json_lines(complete.split(b"\n"), begun)

    def _json_lines(self, lines: Sequence[bytes], begun: bytes) -> Iterator[SessionLine]:
        wrong: set[bytes] = set()
        for number, line in enumerate(lines, 1):
            if line not in self._known and line.strip():
                read = _of_json(number, line)
                if read.session is None:
                    wrong.add(line)
                yield read
        # Not before they have been taken: a reader that is stopped has to read them again.
        self._known = frozenset(lines) - wrong
        if begun.strip():
            last = _of_json(len(lines) + 1, begun)
            if last.session is not None:  # else the rest of it is still to come
                yield last


def write_sessions(path: Path, sessions: Iterable[SavedSession]) -> None:
    """Put a new file in the place of the old, for nobody else's eyes.

    Raises:
        OSError: It cannot be written; the old one is still there.
    """
    SessionWriter(path).write(sessions)


class SessionWriter:
    """Writes a file again and again with few changes.

    Sessions that are the same records as in the last file keep their lines: spelling them out is
    what writing costs, and beside a busy loop that would take seconds.

    Args:
        path: The file; CSV where its suffix says so, else JSON Lines.
    """

    __slots__ = ("_known", "_path", "_spelled")

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()  # a link stays one, and leads to the new file
        self._spelled = _as_csv if path.suffix.lower() == ".csv" else _as_json
        self._known: dict[tuple[str, str], tuple[SavedSession, bytes]] = {}

    def __repr__(self) -> str:
        return f"<SessionWriter of {self._path}>"

    def write(self, sessions: Iterable[SavedSession]) -> None:
        """Put a new file in the place of the old, for nobody else's eyes.

        It is not synced: what a power cut could take away here dies within two minutes anyway.

        Raises:
            OSError: It cannot be written; the old one is still there.
        """
        with replacing(self._path, private=True, synced=False) as file:
            file.write(b"".join(self._lines(sessions)))

    def append(self, sessions: Iterable[SavedSession]) -> None:
        """Add lines to the file, which go over its earlier ones for the same agents.

        Raises:
            OSError: It is not there, or cannot be written; its last line may be half of one then.
        """
        lines = b"".join(map(self._spelled, sessions))
        number = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(number, "wb", buffering=0) as file:
            if file.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _lines(self, sessions: Iterable[SavedSession]) -> Iterator[bytes]:
        if self._spelled is _as_csv:
            yield ",".join(Cells._fields).encode() + b"\n"
        before, self._known = self._known, {}
        for session in sessions:
            key = (session.gateway, session.agent_id)
            known = before.get(key)
            if known is None or known[0] is not session:
                known = (session, self._spelled(session))
            self._known[key] = known
            yield known[1]


def _as_json(session: SavedSession) -> bytes:
    return msgspec.json.encode(_fields(session)) + b"\n"


def _as_csv(session: SavedSession) -> bytes:
    row = io.StringIO()
    csv.DictWriter(row, Cells._fields, lineterminator="\n").writerow(_fields(session))
    return row.getvalue().encode()


def _fields(session: SavedSession) -> dict[str, str]:
    credential = session.credential or Credential("")
    fields = {
        "gateway": session.gateway,
        "agent_id": session.agent_id,
        "guid": credential.guid,
        "cookie": credential.cookie,
        "issued_at": "" if credential.issued_at is None else _moment(credential.issued_at),
        "state": session.state,
    }
    return {name: value for name, value in fields.items() if value}


def _moment(at_ms: int) -> str:
    at = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _of_json(number: int, line: bytes) -> SessionLine:
    try:
        record = _decode(line)
    except UnicodeDecodeError:
        return SessionLine(number, None, _NO_UTF_8)
    except msgspec.ValidationError as error:
        return SessionLine(number, None, _wrong(str(error)))
    except (msgspec.DecodeError, RecursionError):
        return SessionLine(number, None, _NO_OBJECT)
    cells = Cells(
        record.gateway or "",
        str(record.agent_id),
        record.guid or "",
        record.cookie or "",
        "" if record.issued_at is None else str(record.issued_at),
        record.state or "",
    )
    return session_of(number, cells)


def _wrong(message: str) -> str:
    """What is wrong with an object, by the name of its key alone: its value may be a secret."""
    path = path_in(message)
    if path:
        return f"has a wrong {path[0]}: that {in_words(message)}"
    missing = missing_key(message)
    return f"the key `{missing}` is missing" if missing else _NO_OBJECT


_NO_OBJECT = "is no JSON object with agent_id and guid as text"
_NO_UTF_8 = "has bytes that are no UTF-8"


def _csv_lines(complete: bytes) -> Iterator[SessionLine]:
    header: list[str] = []
    for number, line in enumerate(complete.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            # One session a line: a quotation mark without its other takes no later line with it.
            cells = next(csv.reader([line.decode()], strict=True))
        except UnicodeDecodeError:
            problem = _NO_UTF_8
        except csv.Error as error:
            problem = f"is neither JSON nor CSV ({error})"
        else:
            if not header:
                header = _header(cells)
                continue
            named = dict(zip(header, map(str.strip, cells), strict=False))
            known = {name: named.get(name, "") for name in Cells._fields}
            yield session_of(number, Cells(**known))
            continue
        if not header:
            raise ValueError(f"its first line {problem}")
        yield SessionLine(number, None, problem)


def _header(cells: Iterable[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    missing = [name for name in ("agent_id", "guid") if name not in header]
    if missing:
        meant = nearest(missing[0], set(header) - set(Cells._fields))
        raise ValueError(
            f"its first line names no column {' and no column '.join(missing)}"
            f"{f'; is that the column {meant}?' if meant else ''}"
        )
    return header


def session_of(number: int, cells: Cells) -> SessionLine:
    """Judge what one line, or anybody's answer, says of a session."""
    guid = cells.guid.removeprefix(_GUID_PREFIX)
    issued_at, problem = _issued_at(cells.issued_at)
    agent_id = cells.agent_id
    if not (agent_id.isascii() and agent_id.isdigit() and len(agent_id) <= _LARGEST_ID):
        problem = "has no agent ID, which is up to six digits"
    elif not _fits_a_header(guid) or " " in guid:
        problem = "has a GUID that may not stand in a header"
    elif not _fits_a_header(cells.cookie):
        problem = "has a cookie that may not stand in a header"
    if problem:
        return SessionLine(number, None, problem)
    credential = Credential(guid, cells.cookie, issued_at) if guid else None
    return SessionLine(number, SavedSession(cells.gateway, agent_id, credential, cells.state))


def _fits_a_header(text: str) -> bool:
    return len(text) <= LONGEST_SECRET and (not text or (text.isascii() and text.isprintable()))


def _issued_at(text: str) -> tuple[int | None, str]:
    if not text:
        return None, ""
    try:
        number = float(text)
        for least, in_a_ms in _UNITS:
            if abs(number) >= least:
                return round(number * in_a_ms), ""
    except (ValueError, OverflowError):
        pass
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None, "has an issued_at that is neither ISO 8601 nor a number of seconds since 1970"
    if at.tzinfo is None:
        return None, "has an issued_at without a time zone; write 2026-01-31T06:00:00Z"
    return round(at.timestamp() * 1000), ""


# From which number on it is of which unit, and how many milliseconds that unit has. No session is
# of the year 5138 or later, nor of the first three years of the epoch.
_UNITS = ((1e20, math.inf), (1e17, 1e-6), (1e14, 1e-3), (1e11, 1.0), (0.0, 1000.0))
