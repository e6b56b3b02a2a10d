"""--report, --metrics-file, --roster-out, --ca-out on special files: /dev/null, a device, a FIFO.

A file that appears whole or not at all, links that are followed, and what is never replaced.

Proves --report; guide "Files that are written".
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkagent.files import atomic_file, special_files
from bulkagent.files.atomic_file import rehearse, replacing
from bulkagent.files.special_files import FileKind, target_of
from tests.reports.folders import names_in

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices and gives files away")


def write(path: Path, text: str, *, private: bool = False) -> None:
    rehearse(path)
    with replacing(path, private=private) as out:
        out.write(text.encode())


@pytest.fixture(autouse=True)
def every_folder_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_file, "_cleared", set())


@pytest.fixture(params=["without a name", "with a name"])
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of making a temporary file."""
    monkeypatch.setattr(atomic_file, "_CAN_BE_NAMELESS", request.param == "without a name")


@pytest.mark.usefixtures("made")
def test_mode_and_owner_of_an_existing_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("old")
    path.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(path, 12_345, 54_321)
    before = path.stat()
    write(path, "new")
    after = path.stat()
    assert path.read_text() == "new"
    assert after.st_ino != before.st_ino, "replaced, not written into"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        *(before.st_mode, before.st_uid, before.st_gid),
    )


@ROOT
@pytest.mark.parametrize("private", [False, True])
def test_a_planted_file_in_a_folder_of_everybodys_gets_no_secret(
    tmp_path: Path, *, private: bool
) -> None:
    tmp_path.chmod(0o1777)
    path = tmp_path / "r.csv"
    path.touch()
    os.chown(path, 12_345, 12_345)
    write(path, "secret", private=private)
    assert path.stat().st_uid == (0 if private else 12_345)
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or not private


@ROOT
def test_a_link_that_somebody_else_planted_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    link = tmp_path / "r.csv"
    link.symlink_to("elsewhere")
    os.chown(link, 12_345, 12_345, follow_symlinks=False)
    with pytest.raises(PermissionError, match="another user's link"):
        write(link, "new")


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "dangling"])
@pytest.mark.parametrize("chain", ["relative", "absolute", "several", "other folder", "folder"])
@pytest.mark.usefixtures("made")
def test_a_symbolic_link_stays_and_its_target_is_replaced(
    tmp_path: Path, chain: str, *, there: bool
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    path, target = tmp_path / "r.csv", tmp_path / "other" / "target"
    if there:
        target.write_text("old")
    match chain:
        case "relative":
            path.symlink_to("other/target")
        case "absolute":
            path.symlink_to(target)
        case "several":
            path.symlink_to("one")
            (tmp_path / "one").symlink_to(other / "two")
            (other / "two").symlink_to("../other/./target")
        case "other folder":
            path = other / "link"
            path.symlink_to("../other/target")
        case _:
            (tmp_path / "door").symlink_to("other")
            path = tmp_path / "door" / "target"
    write(path, "new")
    assert target.read_text() == "new"
    assert path.is_symlink() == (chain != "folder")
    assert not [name for name in names_in(other) if name.endswith(".tmp")]


def test_a_link_to_another_file_system_is_followed(tmp_path: Path) -> None:
    far = Path("/dev/shm")  # noqa: S108 - another file system, where there is one
    if not far.is_dir():
        pytest.skip("no other file system")
    target = far / f"bulkagent-test-{os.getpid()}"
    path = tmp_path / "r.csv"
    path.symlink_to(target)
    try:
        write(path, "new")
        assert target.read_text() == "new"
        assert path.is_symlink()
    finally:
        target.unlink(missing_ok=True)


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        rehearse(tmp_path / "a")


def test_dev_null_and_dev_full_are_written_to(tmp_path: Path) -> None:
    before = Path("/dev/null").stat()
    write(Path("/dev/null"), "gone")
    link = tmp_path / "null.csv"
    link.symlink_to("/dev/null")
    write(link, "gone")
    after = Path("/dev/null").stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write(Path("/dev/full"), "too much")


@ROOT
def test_a_device_keeps_its_mode_and_its_place(tmp_path: Path) -> None:
    path = tmp_path / "null.csv"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no devices may be made here")
    path.chmod(0o666)
    before = path.stat()
    write(path, "gone", private=True)
    assert path.stat().st_rdev == before.st_rdev
    assert path.stat().st_mode == before.st_mode


def test_a_pipe_gets_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    os.mkfifo(path)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write(path, "x" * 300_000)
    reader.join()
    assert got == [b"x" * 300_000]
    assert path.is_fifo()


def test_a_fifo_without_a_reader_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(special_files, "READER_WITHIN_S", 0.0)
    path = tmp_path / "r.csv"
    os.mkfifo(path)
    with pytest.raises(OSError, match="nobody reads from this pipe"):
        write(path, "text")
    assert path.is_fifo()


def test_a_reader_that_takes_nothing_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(special_files, "TAKEN_WITHIN_S", 0.02)
    path = tmp_path / "r.csv"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(TimeoutError, match="takes nothing"):
        write(path, "x" * 1_000_000)
    os.close(reader)


def test_a_folder_a_socket_and_a_disk_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        rehearse(tmp_path)
    with contextlib.chdir(tmp_path), socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.csv")
        with pytest.raises(OSError, match="socket"):
            rehearse(Path("s.csv"))
        assert stat.S_ISSOCK(os.lstat("s.csv").st_mode)
    disk = os.stat_result((stat.S_IFBLK | 0o660, *[0] * 9))
    with pytest.raises(OSError, match="disk"):
        special_files._refuse_kind(disk.st_mode, tmp_path)


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_dev_stdout_and_dev_fd_are_written_on(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out"
    with path.open("wb") as out:
        out.write(b"before\n")
        out.flush()
        inode = path.stat().st_ino
        given = Path(name.format(out.fileno()))
        if name == "link":
            given = tmp_path / "link.csv"
            given.symlink_to(f"/dev/fd/{out.fileno()}")
        assert target_of(given).kind is FileKind.DESCRIPTOR
        write(given, "report\n")
        out.write(b"after\n")
    assert path.stat().st_ino == inode
    assert path.read_text() == "before\nreport\nafter\n"


def test_what_is_open_for_reading_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    with (tmp_path / "in").open("rb") as file, pytest.raises(OSError, match="reading only"):
        rehearse(Path(f"/dev/fd/{file.fileno()}"))


def test_the_log_of_another_process_in_proc_is_written_to(tmp_path: Path) -> None:
    """As `--report` with /proc/1/fd/1 behind a link does in a container."""
    path = tmp_path / "out"
    with (
        path.open("ab") as out,
        subprocess.Popen(["sleep", "60"], stdout=out) as process,
    ):
        try:
            path.write_text("before\n")
            write(Path(f"/proc/{process.pid}/fd/1"), "report\n")
        finally:
            process.kill()
    assert path.read_text() == "before\nreport\n"


@pytest.mark.usefixtures("made")
def test_a_file_that_is_mounted_by_itself_is_written_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bind mount of one file, as of `docker run -v` or a subPath: rename says busy."""
    path = tmp_path / "r.csv"
    path.write_text("old and longer than the new one")
    inode = path.stat().st_ino

    def busy(_self: Path, _target: object) -> Path:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(Path, "replace", busy)
    write(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_ino == inode
    assert names_in(tmp_path) == ["r.csv"]


def test_a_file_that_can_have_no_name_later_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refused)
    write(tmp_path / "r.csv", "new")
    assert (tmp_path / "r.csv").read_text() == "new"
    assert names_in(tmp_path) == ["r.csv"]


@pytest.mark.usefixtures("made")
def test_a_new_file_never_takes_the_place_of_one(tmp_path: Path) -> None:
    path = tmp_path / "bulkagent.toml"
    with replacing(path, new=True) as out:
        out.write(b"first")
    with pytest.raises(FileExistsError), replacing(path, new=True) as out:
        out.write(b"second")
    late = tmp_path / "late"
    with pytest.raises(FileExistsError), replacing(late, new=True) as out:
        late.write_text("somebody was faster")
    assert path.read_text() == "first"
    assert names_in(tmp_path) == ["bulkagent.toml", "late"]


def _aged(path: Path) -> None:
    os.utime(path, (time.time() - 3600,) * 2)


def _left(folder: Path, number: int) -> Path:
    path = folder / f".bulkagent-{number:016x}.tmp"
    path.write_text("half a report")
    _aged(path)
    return path


@pytest.mark.parametrize("writes", [lambda path: write(path, "new"), rehearse])
def test_tmp_files_left_after_kills_are_cleaned_up_by_the_next_writer(
    tmp_path: Path, writes: Callable[[Path], None]
) -> None:
    """`.bulkagent-*.tmp`: only old ones, of one's own, that nobody is at work on."""
    gone = [_left(tmp_path, number) for number in range(3)]
    young, locked, link, other, folder = (_left(tmp_path, number) for number in range(3, 8))
    os.utime(young)
    holder = os.open(locked, os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    link.unlink()
    link.symlink_to(other.rename(tmp_path / "precious"))
    folder.unlink()
    folder.mkdir()
    kept = [young, locked, link, folder, tmp_path / "precious"]
    kept.append(tmp_path / ".bulkagent-0.tmp")
    kept[-1].touch()
    _aged(kept[-1])
    writes(tmp_path / "r.csv")
    os.close(holder)
    assert not any(path.exists() for path in gone)
    assert all(path.is_symlink() or path.exists() for path in kept)


def test_a_process_that_is_killed_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    """Where files can be without a name until they are whole."""
    with replacing(tmp_path / "r.csv") as out:
        out.write(b"half")
        assert names_in(tmp_path) == []
