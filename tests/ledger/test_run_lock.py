"""A run belongs to one process at a time, for as long as that lives, and to nobody afterwards.

README: A run belongs to one process at a time.
"""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bulkagent.errors import LedgerUnavailable, RunBusy
from bulkagent.ledger import RunLock
from bulkagent.ledger import run_lock as ownership
from bulkagent.ledger.run_lock import is_locked
from tests.waiting import HANG_S

RUN = "20261122T060000.000Z-abcd"
OTHER = "20261122T060000.000Z-ef01"


_OWNER = """
import sys
from pathlib import Path
from bulkagent.ledger import RunLock
lock = RunLock(Path(sys.argv[1]), sys.argv[2])
print("mine", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "_RETRY_S", 0.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@contextmanager
def _owned_elsewhere(ledger: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the run until it ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, ledger, RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        try:
            yield process
        finally:
            process.kill()


def _locks(ledger: Path) -> list[str]:
    folder = ledger.with_name("ledger.sqlite3-runs")
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else ["no folder"]


def test_a_run_has_one_owner_also_within_a_process(ledger: Path) -> None:
    lock = RunLock(ledger, RUN)
    assert is_locked(ledger, RUN)
    for new in (False, True):
        with pytest.raises(RunBusy, match=RUN) as refused:
            RunLock(ledger, RUN, new=new)
        assert refused.value.exit_code == 5
    assert is_locked(ledger, RUN), "a refused lock takes nothing away"
    lock.release()


def test_a_released_run_is_free_and_leaves_nothing_behind(ledger: Path) -> None:
    lock = RunLock(ledger, RUN)
    lock.release()
    lock.release()
    assert "released" in repr(lock)
    assert not is_locked(ledger, RUN)
    assert _locks(ledger) == ["no folder"]
    again = RunLock(ledger, RUN)
    lock.release()
    assert is_locked(ledger, RUN), "the old lock has no say any more"
    again.release()


def test_runs_are_owned_one_by_one(ledger: Path) -> None:
    one, other = RunLock(ledger, RUN), RunLock(ledger, OTHER)
    one.release()
    assert (is_locked(ledger, RUN), is_locked(ledger, OTHER)) == (False, True)
    assert _locks(ledger) == [OTHER]
    other.release()
    assert _locks(ledger) == ["no folder"]


def test_ledgers_in_one_folder_do_not_share_their_runs(ledger: Path, tmp_path: Path) -> None:
    one, other = RunLock(ledger, RUN), RunLock(tmp_path / "other.sqlite3", RUN)
    one.release()
    assert is_locked(tmp_path / "other.sqlite3", RUN)
    other.release()


def test_what_another_process_owns_is_refused_until_that_is_killed(ledger: Path) -> None:
    """A kill leaves the file, not the lock."""
    with _owned_elsewhere(ledger) as process:
        assert is_locked(ledger, RUN)
        with pytest.raises(RunBusy):
            RunLock(ledger, RUN)
        process.kill()
        process.wait(HANG_S)
    assert _locks(ledger) == [RUN]
    assert not is_locked(ledger, RUN)
    lock = RunLock(ledger, RUN)
    assert is_locked(ledger, RUN)
    lock.release()
    assert _locks(ledger) == ["no folder"]


def test_a_child_does_not_own_on(ledger: Path) -> None:
    """No program that an owner has started keeps the run after it."""
    lock = RunLock(ledger, RUN)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
        os.close(lock._file)
        lock._file = -1
        assert not is_locked(ledger, RUN)
        assert child.poll() is None


def test_asking_is_not_owning(ledger: Path) -> None:
    """Nothing is made, and another that asks at the same time is not told of an owner."""
    assert not is_locked(ledger, RUN)
    assert _locks(ledger) == ["no folder"]
    with _owned_elsewhere(ledger) as process:
        process.kill()
    assert not is_locked(ledger, RUN)
    assert _locks(ledger) == [RUN]


def test_an_owner_waits_out_those_who_ask(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = RunLock(ledger, OTHER)  # so that the folder stays
    lock = ledger.with_name("ledger.sqlite3-runs") / RUN
    lock.touch()
    asking = lock.open()
    fcntl.flock(asking, fcntl.LOCK_SH)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        asking.close()

    monkeypatch.setattr(time, "sleep", sleep)
    RunLock(ledger, RUN).release()
    other.release()
    assert len(slept) == 1


def test_a_folder_that_is_taken_away_while_it_is_made_is_made_again(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the owner of the last of the other runs, at that very moment."""
    folder = ledger.with_name("ledger.sqlite3-runs")
    folder.mkdir()
    original = Path.is_dir

    def is_dir(path: Path, **more: bool) -> bool:
        if path == folder:
            monkeypatch.setattr(Path, "is_dir", original)
            folder.rmdir()
        return original(path, **more)

    monkeypatch.setattr(Path, "is_dir", is_dir)
    RunLock(ledger, RUN).release()


def test_many_who_want_a_run_get_it_one_after_the_other(ledger: Path) -> None:
    """While the owners before them take file and folder away."""
    inside: list[int] = []
    most: list[int] = []
    got = threading.Event()

    def want() -> None:
        while True:
            try:
                lock = RunLock(ledger, RUN)
            except RunBusy:
                continue
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            lock.release()
            got.set()
            return

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert got.is_set()
    assert most == [1] * 8
    assert _locks(ledger) == ["no folder"]


def test_locks_are_the_owners_alone(ledger: Path) -> None:
    lock = RunLock(ledger, RUN)
    folder = ledger.with_name("ledger.sqlite3-runs")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / RUN).stat().st_mode) == 0o600
    lock.release()


def test_where_there_can_be_no_lock_there_is_no_run(ledger: Path) -> None:
    ledger.with_name("ledger.sqlite3-runs").write_text("in the way")
    with pytest.raises(LedgerUnavailable, match="--ledger") as refused:
        RunLock(ledger, RUN)
    assert refused.value.exit_code == 2
    assert not is_locked(ledger, RUN)
