"""A sessions file that changes, vanishes, is emptied or lags: what is believed of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from unittest import mock

import anyio
import msgspec
import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.credentials_from_file import FileCredentials
from bulkagent.gateway.sessions_file import SavedSession, SessionLines, write_sessions
from tests.gateway.raw import GUID, TO_AGENT_101
from tests.jumping import JumpingClock

EAST = {"east": "east", "https://east:8043": "east", "": "east"}
AGENT = msgspec.structs.replace(TO_AGENT_101, gateway="east", agent_id="101")
OLD, NEW = Credential("old"), Credential("new")


def said(path: Path, *credentials: Credential | None, gateway: str = "east") -> None:
    sessions = (SavedSession(gateway, str(n), one) for n, one in enumerate(credentials, 101))
    write_sessions(path, sessions)


def live(path: Path, names: dict[str, str] | None = None) -> FileCredentials:
    sessions = FileCredentials(path, names or EAST, JumpingClock())
    sessions.open()
    return sessions


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "live.jsonl"


async def test_an_agent_has_what_the_file_says_and_nobody_else_has(path: Path) -> None:
    said(path, OLD, None)
    sessions = live(path)
    assert await sessions.credential(AGENT) == OLD
    for agent_id in ("102", "103"):
        other = msgspec.structs.replace(AGENT, agent_id=agent_id)
        assert await sessions.credential(other) is None


@pytest.mark.parametrize("gateway", ["east", "https://east:8043", ""])
async def test_a_guid_goes_to_its_own_gateway_alone(path: Path, gateway: str) -> None:
    said(path, OLD, gateway=gateway)
    sessions = live(path)
    assert await sessions.credential(AGENT) == OLD
    elsewhere = msgspec.structs.replace(AGENT, gateway="west")
    assert await sessions.credential(elsewhere) is None


async def test_the_sessions_of_other_gateways_are_nobodys(path: Path) -> None:
    lines = (SavedSession("west", "101", OLD), SavedSession("east", "102", NEW))
    write_sessions(path, lines)
    assert await live(path).credential(AGENT) is None


@pytest.mark.parametrize(
    ("gateway", "names", "why"),
    [
        ("west", EAST, "'west', and the roster is for none of these"),
        ("", {"east": "east", "west": "west"}, "add the column gateway"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused(
    path: Path, gateway: str, names: dict[str, str], why: str
) -> None:
    said(path, OLD, gateway=gateway)
    with pytest.raises(SettingsRefused, match=why):
        live(path, names)


def test_lines_that_nobody_can_read_are_refused_by_their_numbers(path: Path) -> None:
    path.write_bytes(b'{"agent_id":"101"}\n' + b'{"agent_id":"x"}\n' * 7)
    with pytest.raises(SettingsRefused, match=r"line 2 has .*; line 6 has .* and 2 more;"):
        live(path)


def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 29)
    for name, why in (("pipe", "not a file"), ("folder", "directory|not a file"), ("huge", "larg")):
        with pytest.raises(SettingsRefused, match=why):
            live(tmp_path / name)


async def test_a_pipe_in_the_place_of_the_file_is_as_if_it_had_vanished(path: Path) -> None:
    said(path, OLD)
    sessions = live(path)
    path.unlink()
    os.mkfifo(path)
    assert not await sessions.renewed(AGENT, OLD)
    assert await sessions.credential(AGENT) == OLD
    assert "vanished" in sessions.note


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"No such file.*is the process"):
        live(path)


async def test_what_is_written_is_taken_up_while_watching(path: Path) -> None:
    said(path, OLD)
    clock = JumpingClock()
    sessions = FileCredentials(path, EAST, clock)
    sessions.open()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sessions.watch)
        said(path, NEW)
        while await sessions.credential(AGENT) != NEW:  # noqa: ASYNC110 - the thread has no event
            await asyncio.sleep(0)
        tasks.cancel_scope.cancel()


async def test_a_refusal_looks_at_once_and_finds_what_is_new(path: Path) -> None:
    said(path, OLD)
    sessions = live(path)
    said(path, NEW)
    assert await sessions.credential(AGENT) == OLD
    assert await sessions.renewed(AGENT, OLD)
    assert await sessions.credential(AGENT) == NEW
    assert await sessions.renewed(AGENT, OLD), "it is known without another look"
    assert not await sessions.renewed(AGENT, NEW)


async def test_a_new_cookie_is_news_too(path: Path) -> None:
    said(path, OLD)
    sessions = live(path)
    said(path, Credential(OLD.guid, "node=2"))
    assert await sessions.renewed(AGENT, OLD)


async def test_an_agent_who_has_signed_out_has_nothing_newer(path: Path) -> None:
    said(path, OLD)
    sessions = live(path)
    said(path, None)
    assert not await sessions.renewed(AGENT, OLD)
    assert await sessions.credential(AGENT) is None


async def test_a_file_that_vanishes_or_is_emptied_or_garbled_takes_nothing_away(path: Path) -> None:
    said(path, OLD)
    sessions = live(path)
    for content in (None, b"", b"nothing,of,the,kind\n", b'{"agent_id":"101","gu'):
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        assert not await sessions.renewed(AGENT, OLD)
        assert await sessions.credential(AGENT) == OLD
    said(path, NEW)
    assert await sessions.renewed(AGENT, OLD)


async def test_many_who_are_refused_at_once_share_a_look(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = [Credential(f"old-{n}") for n in range(500)]
    said(path, *everybody)
    sessions = live(path)
    said(path, *(Credential(f"new-{n}") for n in range(500)))
    looks = 0
    take_up = sessions._take_up

    def counted() -> None:
        nonlocal looks
        looks += 1
        take_up()

    monkeypatch.setattr(sessions, "_take_up", counted)
    agents = [msgspec.structs.replace(AGENT, agent_id=str(101 + n)) for n in range(500)]
    found = await asyncio.gather(
        *(sessions.renewed(agent, old) for agent, old in zip(agents, everybody, strict=True))
    )
    assert all(found)
    assert looks == 1


@pytest.mark.parametrize(
    ("issued_s_ago", "gone", "says"),
    [
        (340.0, False, "more than 340 s ago, and a GUID dies after about 120 s; is the process"),
        (12.0, False, "only 12 s ago: are they this gateway's? They came without cookies"),
        (12.0, True, "has vanished; see to the process"),
    ],
)
async def test_what_was_refused_is_explained_by_its_age(
    path: Path, issued_s_ago: float, gone: bool, says: str
) -> None:
    clock = JumpingClock()
    refused = Credential(GUID, issued_at=clock.wall_ms() - round(issued_s_ago * 1000))
    said(path, refused)
    sessions = FileCredentials(path, EAST, clock)
    sessions.open()
    assert sessions.note == ""
    if gone:
        path.unlink()
    assert not await sessions.renewed(AGENT, refused)
    assert says in sessions.note
    assert GUID not in sessions.note + repr(sessions)


async def test_a_line_with_bytes_that_are_no_utf_8_hides_no_other_and_is_read_once_corrected(
    path: Path,
) -> None:
    """A holder wrote one in the middle of a run; agents after it kept their dead GUIDs."""
    said(path, OLD, OLD)
    sessions = live(path)
    other = msgspec.structs.replace(AGENT, agent_id="102")
    bad = b'{"gateway":"east","agent_id":"101","guid":"caf\xe9"}\n'
    good = b'{"gateway":"east","agent_id":"102","guid":"new"}\n'
    path.write_bytes(bad + good)
    await sessions.refresh()
    assert await sessions.credential(AGENT) == OLD
    assert await sessions.credential(other) == NEW
    assert not await sessions.renewed(AGENT, OLD)
    assert "line 1 has bytes that are no UTF-8; correct the file" in sessions.note
    path.write_bytes(bad.replace(b"caf\xe9", b"new") + good)
    await sessions.refresh()
    assert await sessions.credential(AGENT) == NEW
    assert "UTF-8" not in sessions.note


async def test_a_file_that_could_not_be_read_is_looked_at_again_though_it_has_not_changed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its state was remembered before it was read, and nobody looked any more."""
    said(path, OLD)
    sessions = live(path)
    said(path, NEW)
    with monkeypatch.context() as broken:
        broken.setattr(SessionLines, "read", mock.Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            await sessions.refresh()
    await sessions.refresh()
    assert await sessions.credential(AGENT) == NEW


@pytest.mark.parametrize(("ahead_s", "fresh", "noted"), [(59, True, 0), (61, False, 1)])
async def test_what_was_issued_in_the_future_is_no_evidence_of_anything_and_said(
    path: Path, ahead_s: int, fresh: bool, noted: int
) -> None:
    """`issued_at` more than a minute in the future, as by a clock that is ahead."""
    clock = JumpingClock()
    ahead = Credential("g-101", "", clock.wall_ms() + ahead_s * 1000)
    said(path, ahead)
    sessions = FileCredentials(path, EAST, clock)
    sessions.open()
    assert sessions.fresh(ahead) is fresh
    assert sessions.note.count("issued in the future") == noted
