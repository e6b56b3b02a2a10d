"""A ledger or folder that others may write to is warned of once, on stderr, and by doctor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bulkagent.ledger import exposure, open_ledger
from tests.cli.command import inside


def _ledger(folder: Path, *, file: int = 0o600, at: int = 0o700) -> Path:
    path = folder / "kept" / "ledger.sqlite3"
    open_ledger(path).close()
    path.chmod(file)
    path.parent.chmod(at)
    return path


@pytest.mark.parametrize(
    ("file", "folder", "said"),
    [
        (0o600, 0o700, ""),
        (0o644, 0o755, ""),
        (0o660, 0o700, "may be written by the group"),
        (0o602, 0o700, "may be written by everybody"),
        (0o600, 0o770, "folder"),
        (0o600, 0o1777, "folder"),
    ],
)
def test_owner_and_mode_of_file_and_folder(
    tmp_path: Path, file: int, folder: int, said: str
) -> None:
    found = exposure(_ledger(tmp_path, file=file, at=folder))
    assert bool(found) is bool(said)
    assert said in found


def test_another_owner_may_write_though_the_mode_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _ledger(tmp_path)
    mine = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + 4242)
    assert ("another user" in exposure(path)) is bool(mine)
    assert not exposure(tmp_path / "none" / "ledger.sqlite3")


def test_it_is_said_once_on_stderr_and_by_doctor(tmp_path: Path) -> None:
    path = _ledger(tmp_path, file=0o666)
    for command in (["runs", "--json"], ["report", "last", "--to", tmp_path / "r.csv"]):
        ended = inside(tmp_path, *command, "--ledger", path)
        assert ended.err.count("WARNING the ledger") == 1
        assert "WARNING" not in ended.out
    roster = tmp_path / "r.csv"
    roster.write_text("agent_id\n")
    ended = inside(tmp_path, "doctor", "--gateway", "emulated", "--ledger", path)
    assert "may be written by everybody" in ended.out + ended.err
