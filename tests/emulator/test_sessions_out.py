from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bulkagent.emulator import LiveSession, keep_sessions_file, write_sessions

FIRST = [LiveSession("101", "guid-1", "AGWROUTE=node-2", 1_700_000_000_250)]
SECOND = [LiveSession("101", "guid-2", "", 1_700_000_060_250)]


def test_a_sessions_file_is_json_lines_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "sessions.jsonl"
    path.write_text("older")
    path.chmod(0o644)
    write_sessions(path, FIRST)
    assert path.read_text() == (
        '{"gateway":"","agent_id":"101","guid":"guid-1","cookie":"AGWROUTE=node-2",'
        '"issued_at":"2023-11-14T22:13:20.250Z"}\n'
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["sessions.jsonl"]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_sessions(tmp_path / "folder", FIRST)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


async def test_it_is_written_when_something_changed(tmp_path: Path) -> None:
    path = tmp_path / "sessions.jsonl"
    looks = [FIRST, FIRST, SECOND]
    slept: list[float] = []
    seen: list[str] = []
    said: list[str] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        seen.append(json.loads(path.read_text())["guid"])
        if len(slept) == 1:
            path.write_text('{"guid":"untouched"}')
        if len(slept) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_sessions_file(
            path, lambda: looks[len(slept)], 2_000, sleep=sleep, said=said.append
        )
    assert slept == [0.5] * 3  # a quarter of the interval
    assert seen == ["guid-1", "untouched", "guid-2"]
    assert said == []


async def test_trouble_is_said_once_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "sessions.jsonl"
    slept: list[float] = []
    said: list[str] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            path.parent.mkdir()
        if len(slept) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_sessions_file(path, lambda: FIRST, 60_000, sleep=sleep, said=said.append)
    assert slept == [1.0] * 3
    assert said == [f"{path}: No such file or directory; its GUIDs grow old"]
    assert path.exists()
