"""stderr that is full or blocked, stdout on a full disk or closed, and SIGUSR1."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bulkagent.cli as command_line
from bulkagent.cli.console import announcer as console
from bulkagent.cli.console import signals as status
from bulkagent.cli.console import terminal
from bulkagent.cli.console.announcer import Console, frame_of
from tests.cli.command import COMMAND, SAMPLES, environment, inside, started, starting
from tests.waiting import HANG_S

ROSTER = SAMPLES / "evening_shift.csv"
APPLY = ("apply", ROSTER, "--flag", 0, "--gateway", "emulated")
FULL = Path("/dev/full")


@contextlib.contextmanager
def pipe(*, full: bool = False) -> Iterator[tuple[int, int]]:
    ours, theirs = os.pipe()
    if full:
        os.set_blocking(theirs, False)
        for size in (4_096, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(theirs, b"x" * size)
        os.set_blocking(theirs, True)
    try:
        yield ours, theirs
    finally:
        for descriptor in (ours, theirs):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def read_until(descriptor: int, end: bytes) -> bytes:
    read = b""
    while not read.endswith(end):
        read += os.read(descriptor, 65_536)
    return read


def test_text_comes_in_its_order_and_is_waited_for() -> None:
    with pipe() as (ours, theirs):
        out = Console(theirs)
        out.put(b"one\n")
        out.say(b"two\n")
        assert os.read(ours, 100) == b"one\ntwo\n"
        assert out.drain(0.0)


def test_a_pipe_nobody_reads_is_waited_for_once_and_gets_all_of_it_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console, "PATIENCE_S", 0.01)
    with pipe(full=True) as (ours, theirs):
        out = Console(theirs)
        out.say(b"first\n")
        monkeypatch.setattr(console, "PATIENCE_S", HANG_S * 10)
        out.say(b"second\n")  # a hang here is what fails this test
        assert not out.drain(0.01)
        assert read_until(ours, b"first\nsecond\n").lstrip(b"x") == b"first\nsecond\n"
        assert out.drain(None)
        out.say(b"third\n")
        assert os.read(ours, 100) == b"third\n"


def test_a_reader_that_has_gone_ends_nothing() -> None:
    with pipe() as (ours, theirs):
        os.close(ours)
        out = Console(theirs)
        out.say(b"text")
        out.show(b"frame")
        assert out.drain(None)


def test_what_is_drawn_stays_below_what_is_said() -> None:
    with pipe() as (ours, theirs):
        out = Console(theirs)
        out.show(b"<1>")
        assert out.drain(None)
        out.say(b"text\n")
        out.show(b"<2>")
        assert out.drain(None)
        out.show(b"")
        assert out.drain(None)
        erase = b"\r\x1b[J"
        assert os.read(ours, 1_000) == (b"<1>" + erase + b"text\n<1>" + erase + b"<2>" + erase)


def test_resizing_leaves_no_torn_copies_as_the_cursor_rests_at_the_top() -> None:
    """What breaks into more lines is below the cursor, and all of that is taken away."""
    assert frame_of(["bar", "counts", "causes"]) == (
        "\x1b[?7lbar\r\ncounts\r\ncauses\x1b[?7h\r\x1b[2A"
    )
    assert frame_of(["bar"]) == "\x1b[?7lbar\x1b[?7h\r"
    assert frame_of([]) == ""


def test_stderr_that_is_full_from_the_start_hangs_nothing(tmp_path: Path) -> None:
    """Neither before anything is sent, nor is SIGTERM without effect."""
    with (
        pipe(full=True) as (_, theirs),
        starting()(
            [COMMAND, *map(str, APPLY), "--rate", "5/s", "--events", "-"],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline(), "an agent was set"
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(HANG_S) == 128 + signal.SIGTERM


@pytest.fixture
def run_main(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int, list[str]], tuple[int, str]]:
    """Run the command line in this process with that as its stdout: exit code, stderr."""

    def run(stdout: int, arguments: list[str]) -> tuple[int, str]:
        for name in [name for name in os.environ if name.startswith("BULKAGENT_")]:
            monkeypatch.delenv(name)
        for name, value in environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        errors = io.StringIO()
        monkeypatch.setattr(terminal, "_failed", [])
        monkeypatch.setattr(status, "listen", lambda: None)
        monkeypatch.setattr(sys, "argv", ["bulkagent", *arguments])
        monkeypatch.setattr(sys, "stdout", os.fdopen(stdout, "w"))
        monkeypatch.setattr(sys, "stderr", errors)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as left:
            command_line.main()
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return int(left.value.code or 0), errors.getvalue()

    return run


READERS = [
    ["check", str(ROSTER), "--json"],
    ["runs", "--json"],
    ["runs", "--agent", "1007", "--json"],
    ["explain", "--json"],
    ["explain"],
    ["explain", "100-006"],
    ["config", "show"],
    ["config", "show", "--json"],
    ["--version"],
    ["--help"],
    ["apply", "--help"],
]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_stdout_on_a_full_disk_is_exit_1_and_said(
    run_main: Callable[[int, list[str]], tuple[int, str]], arguments: list[str]
) -> None:
    code, said = run_main(os.open(FULL, os.O_WRONLY), arguments)
    assert code == 1
    assert f"standard output could not be written: {os.strerror(errno.ENOSPC)}" in said
    assert said.count("standard output") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("arguments", [READERS[0], READERS[5]], ids=" ".join)
def test_a_closed_stdout_is_no_trouble(
    run_main: Callable[[int, list[str]], tuple[int, str]], arguments: list[str]
) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    code, said = run_main(theirs, arguments)
    assert code == 0
    assert "standard output" not in said


def test_a_disk_that_says_only_at_the_end_that_it_is_full(
    run_main: Callable[[int, list[str]], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(_descriptor: int) -> int:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "dup", late)
    code, said = run_main(os.open(os.devnull, os.O_WRONLY), ["explain", "100-006"])
    assert code == 1
    assert os.strerror(errno.EDQUOT) in said


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("data", [("--json",), ("--events", "-")], ids=" ".join)
def test_a_run_whose_data_does_not_fit_is_done_and_says_so(
    tmp_path: Path, data: tuple[str, ...]
) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [COMMAND, *map(str, APPLY), *data],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=HANG_S,
            check=False,
        )
    assert done.returncode == 1
    assert os.strerror(errno.ENOSPC) in done.stderr
    assert "DONE    40 of 40" in done.stderr
    (run,) = inside(tmp_path, "runs", "--json").json["runs"]
    assert run["exit_code"] == 0


def test_sigusr1_prints_the_status_line_and_goes_on(tmp_path: Path) -> None:
    more = ("--rate", "5/s", "--quiet", "--events", "-")
    with started(tmp_path, *APPLY, *more) as process:
        assert process.stdout is not None
        process.stdout.readline()
        _asked(process, signal.SIGUSR1, "of 40 (")


def test_sigusr1_while_a_run_waits_for_its_start(tmp_path: Path) -> None:
    with started(tmp_path, *APPLY, "--start-at", "tomorrow 07:45") as process:
        assert process.stderr is not None
        while "waiting  starts at" not in process.stderr.readline():
            pass
        _asked(process, signal.SIGUSR1, "waiting  starts at")


def _asked(process: subprocess.Popen[str], number: signal.Signals, said: str) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(number)
    while said not in (line := process.stderr.readline()):
        assert line, "it has ended"
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    process.stderr.read()
    assert process.wait(HANG_S) == 128 + signal.SIGTERM


def test_sigusr1_is_answered_whatever_happens(capsys: pytest.CaptureFixture[str]) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    try:
        status.listen()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert "bulkagent is at work" in capsys.readouterr().err
        with status.answering(lambda: "up 3 of 5"):
            os.kill(os.getpid(), signal.SIGUSR2)
        assert capsys.readouterr().err.endswith(" up 3 of 5\n")
        with status.answering(lambda: str(1 / 0)):
            os.kill(os.getpid(), signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        status.listen()
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
