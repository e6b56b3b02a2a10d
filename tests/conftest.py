"""Canned replies for what no server can be made to produce; figures for the end of the output."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, cast
from unittest import mock

import aiofastnet
import aiohttp
import pytest
from aioresponses import aioresponses
from hypothesis import HealthCheck, settings

from tests.examples import examples


class _WrittenResponse(aiohttp.ClientResponse):
    """A response as aioresponses 0.7.9 makes it, with the argument that aiohttp 3.14 asks for.

    A test in tests/gateway/test_library_errors.py fails when this is no longer needed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", mock.Mock(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture
def canned() -> Iterator[aioresponses]:
    with (
        mock.patch("aioresponses.core.ClientResponse", _WrittenResponse),
        aioresponses() as replies,
    ):
        yield replies


# No test fails because a machine is busy: what takes long is no fault (nor is it one that making an
# example does), and the suite runs beside anything else. One profile, so that none can differ.
_BUSY = settings(
    deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow]
)
# The suite is the same each time; `pytest --hypothesis-profile explore` looks for new examples.
settings.register_profile("busy", _BUSY, derandomize=True)
settings.register_profile("explore", _BUSY)
settings.load_profile("busy")


def _uvloop() -> asyncio.AbstractEventLoop:
    """uvloop's, which comes with the extra `test` wherever it can be had."""
    return cast("asyncio.AbstractEventLoop", pytest.importorskip("uvloop").new_event_loop())


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "aiofastnet": aiofastnet.loop_factory(),
    "uvloop": _uvloop,
}

# What nohup, or a shell's `&`, has set to be ignored would stay so in every command of the tests.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

_PRINTED = pytest.StashKey[list[str]]()


@pytest.fixture
def printed(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line in the summary at the end of the run, whatever is captured."""
    return request.config.stash.setdefault(_PRINTED, []).append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what tests had to say, where they ran in a process of their own."""
    handed = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["printed"] = session.config.stash.setdefault(_PRINTED, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what the tests of another process had to say."""
    node.config.stash.setdefault(_PRINTED, []).extend(
        getattr(node, "workeroutput", {}).get("printed", [])
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests had to say."""
    lines = terminalreporter.config.stash.setdefault(_PRINTED, [])
    for line in sorted(lines):
        terminalreporter.write_line(line)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], Any]]:
    """The loop that tests run on; see tests/gateway/test_on_the_loop_of_held_sessions.py."""
    loop = os.environ.get("BULKAGENT_TEST_LOOP", "asyncio")
    return {loop: LOOPS[loop]}
