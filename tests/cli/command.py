"""The installed command in a process of its own, as people and batch jobs start it."""

import contextlib
import csv
import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from bulkagent.cli import app
from tests.cli.forking import Forked
from tests.waiting import HANG_S

SAMPLES = Path(__file__).parents[2] / "samples"
COMMAND = Path(sys.executable).with_name("bulkagent")


def starting(surroundings: Mapping[str, str] | None = None) -> type[subprocess.Popen[Any]]:
    """How a command is started: see forking.py; from nothing where its start looks at more."""
    from_nothing = os.environ.get("BULKAGENT_TEST_START") == "installed" or any(
        not name.startswith("BULKAGENT_") for name in surroundings or ()
    )
    return subprocess.Popen if from_nothing or sys.platform != "linux" else Forked


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """A person's environment without any setting of the machine that runs the tests.

    Nor without compiled modules, where it does not want them: compiling all of them each time
    takes a third of a command's start.
    """
    others = ("BULKAGENT_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "COLUMNS": "100",
        **(more or {}),
    }


def bulkagent(
    folder: Path,
    *arguments: object,
    stdin: bytes = b"",
    surroundings: Mapping[str, str] | None = None,
) -> Ended:
    """Run the command to its end, without a controlling terminal."""
    with starting(surroundings)(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(folder, surroundings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(stdin, timeout=HANG_S)
        except BaseException:
            process.kill()
            raise
    return Ended(process.returncode, out.decode(), err.decode())


def inside(
    folder: Path, *arguments: object, surroundings: Mapping[str, str] | None = None
) -> Ended:
    """The same in this process, which is ten times as fast: for what only reads.

    Not for what sends: a run takes over the process's signals.
    """
    wanted: dict[str, str | None] = dict(environment(folder, surroundings))
    others = {name: None for name in os.environ if name.startswith("BULKAGENT_")}
    with contextlib.chdir(folder):
        done = CliRunner().invoke(
            app,
            [str(argument) for argument in arguments],
            env={**others, **wanted},
            prog_name="bulkagent",
        )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


def started(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start the command and leave it running."""
    return starting()(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class Emulated:
    """An emulated gateway in a process of its own, and its judge."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.ca_file = folder / "ca.pem"
        self.roster = folder / "r.csv"

    def judge(self, what: str) -> Any:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(f"{self.url}/emulator/{what}", context=context) as reply:
            return json.load(reply)

    def set_to(self, flag: int) -> list[str]:
        """Agents whose talk right somebody set and that now have this one."""
        agents = self.judge("agents")
        return [
            agent["agent_id"]
            for agent in agents
            if agent["times_set"] and agent["talk_right"] == flag
        ]


@contextlib.contextmanager
def emulated(folder: Path, agents: str, *more: object) -> Iterator[Emulated]:
    arguments = ["emulate", "--agents", agents, "--ca-out", "ca.pem", "--roster-out", "r.csv"]
    with started(folder, *arguments, *more) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("ready https://"), ready
            yield Emulated(folder, ready.split()[1])
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=HANG_S)
            assert process.returncode == 0, errors
            assert errors == "stopped\n"


def report_of(folder: Path, result: Any) -> list[dict[str, str]]:
    """The lines of the one CSV report that a `--json` object names."""
    path = next(path for path in result["reports"] if path.endswith(".csv"))
    with (folder / path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
