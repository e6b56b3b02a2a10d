"""The sessions file of a hold: its owner, what is read of it, that it tells no secrets aloud.

Proves guide "The file of a hold".
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent.errors import RunBusy, SettingsRefused
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.sessions_file import SavedSession
from bulkagent.sessions.store import SessionStore

SESSIONS = [
    SavedSession("g", "101", Credential("guid-1", "node=1", 1_700_000_000_123), "up"),
    SavedSession("g", "102", None, "unknown"),
]


@pytest.mark.parametrize("name", ["s.jsonl", "s.csv"])
def test_what_was_written_is_read_again_also_after_a_change(tmp_path: Path, name: str) -> None:
    file = SessionStore(tmp_path / name)
    assert file.read() == []
    file.write(SESSIONS)
    assert file.read() == SESSIONS
    changed = [SESSIONS[0], SavedSession("g", "102", Credential("guid-2"), "up")]
    file.write(changed)
    assert file.read() == changed
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    file.release()


@pytest.mark.parametrize("name", ["s.jsonl", "s.csv"])
def test_what_was_added_goes_over_what_was_there(tmp_path: Path, name: str) -> None:
    file = SessionStore(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        file.append(SESSIONS)
    file.write(SESSIONS)
    changed = SavedSession("g", "102", Credential("guid-2"), "up")
    file.append([changed])
    assert file.read() == [SESSIONS[0], changed]
    assert len((tmp_path / name).read_bytes().splitlines()) == len(SESSIONS) + 1 + ("csv" in name)
    file.write([changed])
    assert file.read() == [changed]
    file.release()


def test_one_file_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    (tmp_path / "link.jsonl").symlink_to(path)
    first = SessionStore(path)
    with pytest.raises(RunBusy, match="another process holds the sessions of"):
        SessionStore(tmp_path / "link.jsonl")
    first.release()
    SessionStore(path).release()


@pytest.mark.parametrize(
    "line",
    [
        b'{"agent_id":"101","guid":"somebodys-guid"}\n',
        b'{"agent_id":"101","guid":"somebodys-guid","state":"whatever"}\n',
        b'{"agent_id":"x","guid":"somebodys-guid","state":"up"}\n',
        b"agent_id,guid\n101,somebodys-guid\n",
    ],
)
def test_a_file_of_somebody_elses_is_refused_and_left_as_it_is(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(line)
    file = SessionStore(path)
    with pytest.raises(SettingsRefused, match="session hold did not write line") as refused:
        file.read()
    assert "somebodys-guid" not in str(refused.value)
    assert path.read_bytes() == line
    file.release()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="No such file or directory"):
        SessionStore(tmp_path / "nowhere" / "s.jsonl")
