"""What nobody catches beside a command is said once, in a line, and is no traceback."""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkagent.cli.console.event_loop import run_on_loop
from bulkagent.cli.console.stray_errors import StrayErrors
from tests.cli.command import SAMPLES, bulkagent
from tests.waiting import HANG_S

GUID = "0a1b2c3d-4e5f-4a6b-8c7d-000000000101"
BESIDE = "WARNING beside the command: "


def _no_such_item() -> None:
    [GUID].index("another")


class Heard(StrayErrors):
    """What is said, and which tracebacks were kept."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.kept: list[BaseException] = []
        super().__init__(self.said.append, self._keep)

    def _keep(self, defect: BaseException) -> str:
        self.kept.append(defect)
        return "Its traceback is kept"


@pytest.fixture
def heard() -> Iterator[Heard]:
    with Heard() as stray:
        yield stray


def test_a_task_whose_exception_was_never_retrieved(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """On the loop of a command, with its traceback in the log of defects."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    async def fails() -> None:
        raise KeyError(GUID)

    async def main() -> str:
        for _ in range(3):
            task = asyncio.ensure_future(fails())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            del task
            gc.collect()
        asyncio.get_running_loop().call_soon(_no_such_item)
        await asyncio.sleep(0)
        return "done"

    assert run_on_loop(main()) == "done"
    err = capfd.readouterr().err
    assert "Traceback" not in err
    assert GUID not in err
    lines = [line for line in err.splitlines() if line.startswith(BESIDE)]
    assert lines[0].startswith(f"{BESIDE}Task exception was never retrieved: KeyError. ")
    assert ": ValueError. " in lines[1]
    assert lines[2:] == [f"{BESIDE}2 more of these errors"]
    kept = (tmp_path / "bulkagent" / "defects.log").read_text()
    assert kept.count("Traceback") == 2
    assert GUID not in kept


def test_the_networks_doing_is_told_in_its_own_words(heard: Heard) -> None:
    loop = asyncio.new_event_loop()
    for error in (ConnectionResetError(104, "reset"), ConnectionResetError(104, "reset again")):
        heard.of_loop(loop, {"message": "SSL handshake failed", "exception": error})
    heard.of_loop(loop, {"message": "SSL handshake failed", "exception": ConnectionResetError})
    heard.of_loop(
        loop, {"message": "SSL handshake failed", "exception": ssl.SSLError(1, f"[SSL] {GUID}")}
    )
    heard.of_loop(loop, {"message": "two\nlines"})
    heard.of_loop(loop, {})
    loop.close()
    assert (
        heard.said
        == [
            f"{BESIDE}SSL handshake failed: [Errno 104] reset",
            f"{BESIDE}SSL handshake failed: [SSL] (redacted)",
            f"{BESIDE}two lines",
            f"{BESIDE}an error",
        ]
        or heard.said[1] == f"{BESIDE}SSL handshake failed: [Errno 1] (redacted)"
    )
    assert not heard.kept


def test_a_class_in_the_place_of_an_exception(heard: Heard) -> None:
    """As aiofastnet hands it over."""
    loop = asyncio.new_event_loop()
    heard.of_loop(loop, {"message": "SSL handshake failed", "exception": ConnectionResetError})
    loop.close()
    assert heard.said == [f"{BESIDE}SSL handshake failed: ConnectionResetError"]


def test_what_a_library_logs_with_a_traceback_is_a_line(
    heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("some.library")
    for number in range(5):
        try:
            int(GUID)
        except ValueError:
            logger.exception("Error handling request %d of %s", number, GUID)
    # Not by the logger: pytest's own handler would raise what is wrong with it.
    heard.handle(logging.LogRecord("", logging.WARNING, "", 0, "does not fit: %d", ("it",), None))
    logger.info("nobody's business")
    assert heard.said == [
        f"{BESIDE}Error handling request 0 of (redacted): ValueError. Its traceback is kept",
        f"{BESIDE}does not fit: %d",
    ]
    assert len(heard.kept) == 1
    heard.__exit__(None, None, None)
    assert heard.said[-1] == f"{BESIDE}4 more of these errors"
    assert capfd.readouterr().err == ""


def test_finalizers_and_threads(heard: Heard) -> None:
    class Broken:
        def __del__(self) -> None:
            raise LookupError(GUID)

    Broken()
    gc.collect()
    thread = threading.Thread(target=_no_such_item, name="counting")
    thread.start()
    thread.join()
    assert heard.said == [
        f"{BESIDE}an exception in a finalizer: LookupError. Its traceback is kept",
        f"{BESIDE}an exception in the thread counting: ValueError. Its traceback is kept",
    ]


def test_the_hooks_are_given_back() -> None:
    before = (sys.unraisablehook, threading.excepthook, list(logging.getLogger().handlers))
    with Heard():
        assert sys.unraisablehook is not before[0]
    assert before == (sys.unraisablehook, threading.excepthook, list(logging.getLogger().handlers))


def test_there_is_an_end_to_kinds(heard: Heard) -> None:
    logger = logging.getLogger("some.library")
    for number in range(50):
        logger.warning(f"kind {number}")  # noqa: G004 - each a kind of its own
    assert len(heard.said) == 20


def test_a_defect_that_cannot_be_kept_is_said_all_the_same() -> None:
    def full(_: BaseException) -> str:
        raise OSError(28, "No space left on device")

    said: list[str] = []
    with StrayErrors(said.append, full) as stray:
        loop = asyncio.new_event_loop()
        stray.of_loop(loop, {"message": "Task failed", "exception": KeyError("x")})
        loop.close()
    assert said == [f"{BESIDE}Task failed: KeyError"]


def test_sslkeylogfile_writes_no_keys_and_ends_no_command(tmp_path: Path) -> None:
    """It was a SIGSEGV (139) before; the emulated gateway is inside this command."""
    keys = {"SSLKEYLOGFILE": str(tmp_path / "tls.keys")}
    roster = SAMPLES / "evening_shift.csv"
    done = bulkagent(
        tmp_path, "apply", roster, "--flag", 1, "--gateway", "emulated", surroundings=keys
    )
    assert done.code == 0, done.err
    assert not (tmp_path / "tls.keys").exists()


def test_runs_are_on_the_standard_loop() -> None:
    """And aiofastnet is loaded by `session hold` alone."""
    for module, loaded in (
        ("run_flow", False),
        ("doctor", False),
        ("hold_flow", True),
    ):
        loop = "bulkagent.cli.console.event_loop"
        code = f"import bulkagent.cli.commands.{module}, {loop}, bulkagent.diagnostics, sys"
        ended = subprocess.run(
            [sys.executable, "-c", f"{code}; sys.exit('aiofastnet' in sys.modules)"],
            timeout=HANG_S,
            check=False,
        )
        assert ended.returncode == loaded, module

    async def which() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run_on_loop(which()).startswith("asyncio.")
