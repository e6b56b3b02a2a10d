"""The sessions file: the live GUIDs of emulated desktops, as a site would export."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bulkagent.blocking import in_thread
from bulkagent.files.atomic_file import replacing

MOST_SECONDS = 1.0
"""A change is never longer in coming than that."""


class LiveSession(msgspec.Struct, frozen=True, gc=False):
    """One session of an emulated desktop."""

    agent_id: str
    guid: str
    cookie: str
    """The Cookie header; "" where there is no affinity."""
    issued_ms: int
    """When the GUID was issued, in milliseconds since the Unix epoch."""

    def __repr__(self) -> str:
        return f"<LiveSession of agent {self.agent_id}>"  # never the GUID


def write_sessions(path: Path, sessions: Sequence[LiveSession]) -> None:
    """Put a file of JSON Lines in the place of `path`, whole or not at all.

    The keys are `gateway` (empty), `agent_id`, `guid`, `cookie` and `issued_at` (ISO 8601, UTC,
    with milliseconds). Only its owner may read it.

    Raises:
        OSError: it cannot be written.
    """
    # Not synced: a session that a power cut took away here is dead within two minutes anyway.
    with replacing(path, private=True, synced=False) as file:
        file.writelines(map(_line, sessions))


async def keep_sessions_file(
    path: Path,
    sessions: Callable[[], Sequence[LiveSession]],
    guid_interval_ms: int,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    said: Callable[[str], None],
) -> None:
    """Write the file whenever sessions have changed; look every second or quarter interval.

    Args:
        path: the file.
        sessions: those that there are now; asked on the event loop, written in a thread.
        guid_interval_ms: after how long a GUID is renewed; a quarter of it is waited at most.
        sleep: waits for a number of seconds.
        said: is told when the file cannot be written, once until it can be again.
    """
    wait_seconds = min(MOST_SECONDS, guid_interval_ms / 4000)
    written: Sequence[LiveSession] | None = None
    trouble = ""
    while True:
        now = sessions()
        if now != written:
            try:
                await in_thread(write_sessions, path, now)
            except OSError as error:
                if not trouble:
                    said(f"{path}: {error.strerror}; its GUIDs grow old")
                trouble = str(error)
            else:
                written, trouble = now, ""
        await sleep(wait_seconds)


def _line(session: LiveSession) -> bytes:
    issued_at = datetime.fromtimestamp(session.issued_ms / 1000, UTC)
    said = {
        "gateway": "",
        "agent_id": session.agent_id,
        "guid": session.guid,
        "cookie": session.cookie,
        "issued_at": issued_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return msgspec.json.encode(said) + b"\n"
