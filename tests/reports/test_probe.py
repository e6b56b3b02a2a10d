"""Probing a place: every way of being refused before anything is sent, each with advice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.reports import FORMATS, probe
from tests.reports.folders import names_in


@pytest.mark.parametrize("suffix", [*FORMATS, ".CSV"])
def test_a_good_place_is_left_as_it_was(tmp_path: Path, suffix: str) -> None:
    probe(tmp_path / f"r{suffix}")
    assert names_in(tmp_path) == []


def test_a_report_that_stands_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("old")
    probe(path)
    assert path.read_text() == "old"


def test_a_bare_name_means_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    probe(Path("r.csv"))
    assert names_in(tmp_path) == []


def test_a_file_is_really_created_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created: list[Path] = []
    really_open = os.open

    def noting(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not on every file system")
        if flags & os.O_CREAT:
            created.append(Path(path))
        return really_open(path, flags, mode)

    monkeypatch.setattr(os, "open", noting)
    probe(tmp_path / "r.csv")
    assert [path.parent for path in created] == [tmp_path]
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("r.txt", r"end the path in one of \.csv, \.json, \.jsonl"),
        ("r", r"end the path in one of \.csv, \.json, \.jsonl"),
        ("missing/r.csv", r"there is no folder '.*missing'.*create it"),
        ("file/r.csv", r"there is no folder '.*file'.*create it"),
        ("folder.csv", r"is a folder; name a file in it"),
        ("r" * 300 + ".csv", os.strerror(errno.ENAMETOOLONG)),
        ("r\0.csv", r"cannot be written: .*null"),
        ("\ud800.csv", r"cannot be written: .*name another path"),
        ("m\x1b\u202e/r.csv", r"m\\x1b\\u202e"),
    ],
)
def test_a_place_that_will_not_do_is_refused_with_advice(
    tmp_path: Path, name: str, says: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    before = names_in(tmp_path)
    with pytest.raises(SettingsRefused, match=says) as refused:
        probe(tmp_path / name)
    assert str(refused.value).isprintable()
    assert refused.value.exit_code == 2
    assert names_in(tmp_path) == before


def test_a_folder_that_takes_no_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str, _flags: int, _mode: int = 0o777) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    # Patched, as the tests may run as a user to whom nothing is denied.
    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(SettingsRefused, match=os.strerror(errno.EACCES)) as refused:
        probe(tmp_path / "r.csv")
    assert f"make '{tmp_path}' writable" in str(refused.value)
