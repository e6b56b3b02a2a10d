"""The owner of a run: a lock that a process holds for its life, and that ends with it.

A process ID in a row would go stale, and be another's after a restart.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from pathlib import Path

from bulkagent.blocking import pause
from bulkagent.errors import LedgerUnavailable, RunBusy

_ID = re.compile(r"[0-9A-Za-z.-]{1,40}", re.ASCII)

# A process that asks whether a run is owned holds its lock for a moment; an owner waits.
_TRIES = 25
_RETRY_S = 0.02

# A ledger may come from anywhere, and with it what lies beside it: nothing is followed or waited
# for. Not inherited either, so that no other program can hold on to the run after this one.
_PLAIN = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class RunLock:
    """A run that this process owns until `release`, or until it ends.

    Args:
        ledger: The ledger's file; the lock is a file in a folder beside it.
        run_id: The run.
        new: Whether the run is being made, so that no other process knows of it.

    Raises:
        RunBusy: Another process, or another run of this one, owns it.
        LedgerUnavailable: There can be no lock there.
    """

    def __init__(self, ledger: Path, run_id: str, *, new: bool = False) -> None:
        self._path = _lock_of(ledger, run_id)
        try:
            self._file = self._taken(run_id, 1 if new else _TRIES)
        except OSError as error:
            raise LedgerUnavailable(
                f"the run's lock {self._path} cannot be taken: {error.strerror}; give a ledger on"
                " a local disk with --ledger"
            ) from None

    def _taken(self, run_id: str, tries: int) -> int:
        for _ in range(tries):
            # Each time, because the last owner of any run takes the empty folder away.
            with contextlib.suppress(FileExistsError):
                self._path.parent.mkdir(mode=0o700)
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600)
            except FileNotFoundError:
                continue
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with contextlib.suppress(FileNotFoundError):
                    # The owner before may have taken the file away since it was opened.
                    if os.path.samestat(os.fstat(file), self._path.stat()):
                        _leave_number(file)
                        return file
            os.close(file)
            pause(_RETRY_S)
        raise RunBusy(
            f"run {run_id} is in progress elsewhere: another process is at work on it. Wait for"
            " its end, or stop it; trying again is safe"
        )

    def __repr__(self) -> str:
        return f"<RunLock {self._path.name}{'' if self._file >= 0 else ', released'}>"

    def asked_by(self) -> str:
        """The run that has asked for this one to be drained; "" where none has."""
        try:
            asked = _request_of(self._path).read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""
        return asked if _ID.fullmatch(asked) else ""

    def acknowledge(self) -> None:
        """Let the run that has asked know that this process does as it was asked."""
        request = _request_of(self._path)
        with contextlib.suppress(OSError):
            request.replace(_acknowledged_of(request))

    def release(self) -> None:
        """Let go; any number of times."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                request = _request_of(self._path)
                request.unlink(missing_ok=True)
                _acknowledged_of(request).unlink(missing_ok=True)
                self._path.unlink()
                self._path.parent.rmdir()
            os.close(self._file)
            self._file = -1


def ask_to_drain(ledger: Path, run_id: str, by: str) -> None:
    """Ask the process that owns a run to drain it: it looks now and then.

    Raises:
        LedgerUnavailable: It cannot be asked.
    """
    request = _request_of(_lock_of(ledger, run_id))
    try:
        # As a whole or not at all: it may look at any moment.
        draft = request.with_name(f"{by}.draft")
        draft.write_text(by, encoding="ascii")
        draft.replace(request)
    except OSError as error:
        raise LedgerUnavailable(
            f"run {run_id} cannot be asked to stop ({request}: {error.strerror}); stop its process"
            " instead"
        ) from None


def has_acknowledged(ledger: Path, run_id: str) -> bool:
    """Whether the process that owns a run has acknowledged that it was asked to drain it."""
    return _acknowledged_of(_request_of(_lock_of(ledger, run_id))).exists()


def withdraw_request(ledger: Path, run_id: str) -> None:
    """Do not ask for a run to be drained any more, where its process has not acknowledged it."""
    with contextlib.suppress(OSError):
        _request_of(_lock_of(ledger, run_id)).unlink(missing_ok=True)


def owner_of(ledger: Path, run_id: str) -> str:
    """The number of the process that owns a run, for people alone; "": unknown."""
    try:
        file = os.open(_lock_of(ledger, run_id), os.O_RDONLY | _PLAIN)
    except OSError:
        return ""
    try:
        number = os.read(file, _LONGEST_NUMBER).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(file)
    return number if number.isascii() and number.isdigit() else ""


def is_locked(ledger: Path, run_id: str) -> bool:
    """Whether some process owns a run at this moment."""
    try:
        file = os.open(_lock_of(ledger, run_id), os.O_RDONLY | _PLAIN)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def locked_runs(ledger: Path) -> list[str]:
    """The runs of a ledger that some process owns at this moment."""
    folder = _lock_of(ledger, "")
    try:
        locks = sorted(os.listdir(folder))  # noqa: PTH208 - names alone, of a hostile folder perhaps
    except OSError:
        return []
    return [name for name in locks if _ID.fullmatch(name) and is_locked(ledger, name)]


def _leave_number(file: int) -> None:
    """Leave this process's number for people who must find it; nothing else goes by it."""
    with contextlib.suppress(OSError):
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())


_LONGEST_NUMBER = 20


def _acknowledged_of(request: Path) -> Path:
    return request.with_name(f"{request.name}.heard")


def _request_of(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.drain")


def _lock_of(ledger: Path, run_id: str) -> Path:
    return ledger.with_name(f"{ledger.name}-runs") / run_id
