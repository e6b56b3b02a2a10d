"""Writing a report: whole or not at all, and a failure that says what to do."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkagent import reports as report
from bulkagent.errors import ReportFailed, SettingsRefused
from bulkagent.model import Line
from tests.reports.folders import names_in
from tests.reports.lines import APPLIED, INVALID, encoded


class Interrupted(BaseException):
    """What a stop looks like from inside."""


def failing(error: BaseException) -> Iterator[Line]:
    yield from [APPLIED] * 500
    raise error


@pytest.mark.parametrize("name", ["r.csv", "r.json", "R.JSONL"])
def test_it_writes_the_format_of_the_suffix_and_counts_the_lines(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    written = report.write(path, iter([APPLIED, INVALID]), extra_columns=("n",), run={"id": "R"})
    assert written == 2
    wanted = encoded(path.suffix.lower(), [APPLIED, INVALID], ("n",), {"id": "R"})
    assert path.read_bytes() == wanted
    assert names_in(tmp_path) == [name]


def test_the_run_stands_in_the_json(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    report.write(path, [], extra_columns=(), run={"totals": {"applied": 0}, "roster": tmp_path})
    assert json.loads(path.read_text())["run"] == {
        "totals": {"applied": 0},
        "roster": str(tmp_path),
    }


def test_it_takes_the_place_of_an_older_report(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("old and longer than what follows" * 100)
    report.write(path, [], extra_columns=(), run={})
    assert path.read_bytes() == b""


@pytest.mark.parametrize("suffix", report.FORMATS)
@pytest.mark.parametrize("error", [RuntimeError("no more"), Interrupted(), OSError(5, "gone")])
def test_lines_that_fail_leave_the_old_report_and_nothing_else(
    tmp_path: Path, suffix: str, error: BaseException
) -> None:
    path = tmp_path / f"r{suffix}"
    path.write_text("old")
    with pytest.raises((type(error), ReportFailed)):
        report.write(path, failing(error), extra_columns=(), run={})
    assert path.read_text() == "old"
    assert names_in(tmp_path) == [path.name]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_the_file_is_an_ordinary_one(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "r.csv"
    before = os.umask(mask)
    try:
        report.write(path, [APPLIED], extra_columns=(), run={})
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 & ~mask


@pytest.mark.parametrize("suffix", report.FORMATS)
def test_all_of_it_is_synced_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"r{suffix}"
    path.write_text("old")
    synced: list[bytes] = []

    def look(descriptor: int) -> None:
        assert path.read_text() == "old"
        synced.append(os.pread(descriptor, 1 << 20, 0))

    monkeypatch.setattr(os, "fsync", look)
    report.write(path, [APPLIED], extra_columns=(), run={})
    assert synced == [path.read_bytes()]
    if suffix != ".xlsx":  # a workbook has the second in which it was made
        assert synced == [encoded(suffix, [APPLIED])]


def test_a_full_disk_names_the_path_and_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "r.csv"
    with pytest.raises(ReportFailed) as failed:
        report.write(path, [APPLIED], extra_columns=(), run={})
    assert str(path) in str(failed.value)
    assert os.strerror(errno.ENOSPC) in str(failed.value)
    assert "bulkagent report RUN --to PATH" in str(failed.value)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("suffix", report.FORMATS)
def test_a_disk_that_is_full_while_lines_go_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    really_open = os.open

    def onto_full(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith(".tmp") or flags & os.O_TMPFILE == os.O_TMPFILE:
            return really_open("/dev/full", os.O_RDWR)
        return really_open(path, flags, mode)

    monkeypatch.setattr(os, "open", onto_full)
    with pytest.raises(ReportFailed, match=os.strerror(errno.ENOSPC)):
        report.write(tmp_path / f"r{suffix}", [APPLIED] * 5000, extra_columns=(), run={})


def test_a_folder_that_went_away_fails_the_report(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "r\x1b.csv"
    with pytest.raises(ReportFailed, match=os.strerror(errno.ENOENT)) as failed:
        report.write(path, [APPLIED], extra_columns=(), run={})
    assert str(failed.value).isprintable()


def test_a_folder_in_the_files_place_fails_the_report(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.mkdir()
    with pytest.raises(ReportFailed, match=os.strerror(errno.EISDIR)):
        report.write(path, [APPLIED], extra_columns=(), run={})
    assert names_in(tmp_path) == ["r.csv"]


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("old")
    path = tmp_path / "r.csv"
    path.symlink_to("elsewhere")
    report.write(path, [APPLIED], extra_columns=(), run={})
    assert path.is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == encoded(".csv", [APPLIED])


def test_an_unknown_suffix_is_refused_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"\.csv, \.json, \.jsonl"):
        report.write(tmp_path / "r.txt", [APPLIED], extra_columns=(), run={})
    assert names_in(tmp_path) == []


def test_what_others_rely_on_is_public() -> None:
    promised = {"COLUMNS", "FORMATS", "printable", "probe", "write"}
    assert promised <= set(report.__all__)
    assert all(hasattr(report, name) for name in report.__all__)
