"""Lines that are appended while a run goes on: whole, in order, and never in its way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.run.outputs import background_writer as line_file
from bulkagent.run.outputs.background_writer import LineFile


def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"before\n")
    lines = [b"%d" % number for number in range(5_000)]
    out = LineFile(path, "log", "--log-file")
    for line in lines:
        out.put(line)
    out.close()
    out.close()
    assert out.trouble == ""
    assert path.read_bytes() == b"before\n" + b"".join(line + b"\n" for line in lines)


def test_a_pipe_gets_more_than_it_holds_as_somebody_reads(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    out = LineFile(path, "events", "--events")
    sent = b"".join(b"x" * 300 + b"%d\n" % number for number in range(2_000))
    for line in sent.splitlines():
        out.put(line)
    read = b""
    os.set_blocking(reader, True)
    while len(read) < len(sent):
        read += os.read(reader, 65_536)
    out.close()
    assert read == sent
    assert out.trouble == ""
    os.close(reader)


def test_a_reader_that_takes_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_file, "_LAST_WAIT_S", 0.0)
    monkeypatch.setattr(line_file, "_LOOK_EVERY_MS", 1)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    out = LineFile(path, "events", "--events")
    for _ in range(1_000):
        out.put(b"x" * 1_000)
    out.close()
    assert out.trouble == f"the events {path} is not complete: its reader takes no more"
    os.close(reader)


def test_a_reader_that_is_far_behind_costs_no_memory_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_file, "_MOST_WAITING", 100)
    monkeypatch.setattr(line_file, "_LOOK_EVERY_MS", 1)
    monkeypatch.setattr(line_file, "_LAST_WAIT_S", 60.0)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    out = LineFile(path, "events", "--events")
    for _ in range(3_000):
        out.put(b"x" * 1_000)
    out.close()
    assert "its reader is 100 lines behind" in out.trouble
    os.close(reader)


def test_a_reader_that_has_gone_ends_the_lines_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    out = LineFile(path, "events", "--events")
    os.close(reader)
    out.put(b"line")
    out.close()
    assert out.trouble == f"the events {path} is not complete: Broken pipe"


@pytest.mark.parametrize("name", ["none/x", ".", "nul\0"])
def test_what_cannot_be_opened_is_refused_with_the_option(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsRefused, match="give another path with --events"):
        LineFile(tmp_path / name, "events", "--events")


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(SettingsRefused, match="cannot be written"):
        LineFile(path, "events", "--events")


@pytest.mark.parametrize("rotated", ["moved", "gone", "moved and made anew", "copied and cut"])
def test_the_log_is_reopened_after_rotation_when_its_file_has_moved_or_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotated: str
) -> None:
    """--log-file and --events, under logrotate with and without copytruncate."""
    monkeypatch.setattr(line_file, "_LOOK_EVERY_MS", 0)
    path, old = tmp_path / "log.jsonl", tmp_path / "log.jsonl.1"
    out = LineFile(path, "log", "--log-file")
    out.put(b"before")
    while path.stat().st_size == 0:
        pass
    match rotated:
        case "moved":
            path.rename(old)
        case "gone":
            path.unlink()
        case "moved and made anew":
            path.rename(old)
            path.touch()
        case _:
            old.write_bytes(path.read_bytes())
            os.truncate(path, 0)
    out.put(b"after")
    out.close()
    assert path.read_bytes() == b"after\n"
    assert rotated == "gone" or old.read_bytes() == b"before\n"
    assert out.trouble == ""


def test_a_log_whose_folder_has_gone_loses_no_line_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_file, "_LOOK_EVERY_MS", 0)
    folder = tmp_path / "logs"
    folder.mkdir()
    out = LineFile(folder / "log.jsonl", "log", "--log-file")
    folder.rename(tmp_path / "moved")
    out.put(b"line")
    out.close()
    assert (tmp_path / "moved" / "log.jsonl").read_bytes() == b"line\n"
    assert "its file was moved" in out.trouble
