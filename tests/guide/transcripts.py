"""The transcripts of README and guide: found, run, compared with what is written, written anew."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.cli.command import COMMAND, environment, starting
from tests.documents import REPOSITORY
from tests.guide.sameness import RUN, Sameness
from tests.guide.scenes import NOT_RUN, SCENES, Scene
from tests.waiting import HANG_S

_BLOCK = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
_FILE = re.compile(r"# ([\w-]+(?:/[\w-]+)*\.\w+)$")
_GOES_ON = re.compile(r"^bulkagent (emulate|session hold) ")
_SHELL = re.compile(r"[|<>;&$`*\\]")
_PORT = re.compile(r"(?<=localhost:)\d+|(?<=\bport )\d+")
HOME = "/home/ops"
"""The folder of a page, as it shows it. Columns stay in line where the real one is as long."""
_WHO = "ops@vm"


class Typed(NamedTuple):
    """A command as it is typed, and what the page shows of its output."""

    command: str
    shown: str


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    start: int
    """Where its text begins in the page."""

    @property
    def file(self) -> str | None:
        """The name of the file that it is, if it is one."""
        found = _FILE.match(self.text.split("\n", 1)[0])
        return found[1] if found else None

    @property
    def typed(self) -> list[Typed]:
        """The commands of a transcript."""
        found: list[Typed] = []
        for part in re.split(r"(?m)^\$ ", self.text)[1:]:
            lines = part.splitlines(keepends=True)
            ends = next(at for at, line in enumerate(lines) if not line.endswith("\\\n"))
            command = "".join(lines[: ends + 1]).rstrip("\n")
            found.append(Typed(command, "".join(lines[ends + 1 :])))
        return found


class Ran(NamedTuple):
    """A command that was run."""

    typed: Typed
    output: str
    code: int
    shown: list[str]
    """What the page shows, without what is chance."""
    was: list[str]
    """What came, without what is chance."""


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    return [Block(each[1], each[2], each.start(2)) for each in _BLOCK.finditer(page)]


def reason_not_to_run(text: str) -> str | None:
    """Why a block is not run; None: it is."""
    return next((why for part, why in NOT_RUN.items() if part in text), None)


def run_page(name: str, page: str, folder: Path) -> Iterator[tuple[Block, list[Ran]]]:
    """Run the blocks of a page; of each that is run what came of it."""
    shutil.copytree(REPOSITORY / "samples", folder / "samples", dirs_exist_ok=True)
    with _Stage(folder, SCENES.get(name, Scene())) as stage:
        for block in blocks(page):
            if block.file:
                stage.have(block.file, block.text)
            elif block.language == "console" and not reason_not_to_run(block.text):
                yield block, [stage.carry_out(typed) for typed in block.typed]
            elif block.language == "sh" and not reason_not_to_run(block.text):
                yield block, [stage.carry_out(Typed(block.text.rstrip("\n"), ""))]


class _Stage:
    """The shells of a reader who types what a page shows."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self._folder = folder
        self._scene = scene
        self._code = 0
        self._others: list[subprocess.Popen[Any]] = []
        self._instead: dict[str, str] = {}
        self._ports: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._shown, self._was = Sameness(), Sameness()
        path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
        home = {
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / ".local/state"),
            "XDG_CONFIG_HOME": str(folder / ".config"),
        }
        plain = {
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "LANGUAGE": "",
            "NO_PROXY": "localhost",
        }
        self._environment = environment(folder, {**home, **plain, "PATH": path})
        self._environment.pop("TMPDIR", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What was started last goes first: a hold before its gateway.
        for process in reversed(self._others):
            self._end(process, signal.SIGTERM)

    def have(self, file: str, text: str) -> None:
        """Have a file of the page, with the ports of now, also of gateways that start later."""
        self._files[file] = text
        path = self._folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.actual(text), encoding="utf-8")

    def actual(self, text: str) -> str:
        """A text of the page with the ports and runs of now."""
        for written, now in self._instead.items():
            text = text.replace(written, now)
        return text

    def carry_out(self, typed: Typed) -> Ran:
        """Run one command to its end, or until it is up if it goes on."""
        for pattern, commands in self._scene.before.items():
            if re.search(pattern, typed.command):
                for command in commands:
                    subprocess.run(command, shell=True, cwd=self._folder, check=True)  # noqa: S602 - ours
        if self._found_by(self._scene.killed, typed):
            self._kill_last()
        command = self.actual(typed.command)
        if _GOES_ON.match(command):
            output = self._left_running(typed, command)
        else:
            process = self._started(command)
            out, _ = process.communicate(timeout=HANG_S)
            self._code, output = process.returncode, out.decode()
        self._learn(RUN.findall(typed.shown), RUN.findall(output))
        output = self._as_on_the_page(output)
        return Ran(typed, output, self._code, self._shown.of(typed.shown), self._was.of(output))

    def _found_by(self, patterns: tuple[str, ...], typed: Typed) -> bool:
        return any(re.search(pattern, typed.command) for pattern in patterns)

    def _started(self, command: str) -> subprocess.Popen[Any]:
        more: dict[str, Any] = {
            "cwd": self._folder,
            "env": self._environment,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
        }
        if command.startswith("bulkagent ") and not _SHELL.search(re.sub(r"'[^']*'", "", command)):
            return starting()([COMMAND, *shlex.split(command)[1:]], start_new_session=True, **more)
        before = f"(exit {self._code}); " if "$?" in command else ""
        return subprocess.Popen(["bash", "-c", before + command], **more)

    def _left_running(self, typed: Typed, command: str) -> str:
        """Its lines until it is up; ports are picked, so that pages can run side by side."""
        process = self._started(re.sub(r"--port \d+", "--port 0", command))
        self._others.append(process)
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.decode())
            if _is_up(lines[-1]):
                break
        output = "".join(lines)
        port = re.search(r"localhost:(\d+)", typed.shown + typed.command)
        now = re.search(r"ready https://localhost:(\d+)", output)
        if port and now:
            self._instead[f"localhost:{port[1]}"] = f"localhost:{now[1]}"
            self._ports[now[1]] = port[1]
            for file, text in self._files.items():
                self.have(file, text)
        if self._found_by(self._scene.stopped, typed):
            output += self._end(process, signal.SIGTERM)
            self._others.remove(process)
        return output

    def _kill_last(self) -> None:
        held = self._others.pop()
        self._end(held, signal.SIGKILL)

    def _end(self, process: subprocess.Popen[Any], how: signal.Signals) -> str:
        if process.poll() is None:
            process.send_signal(how)
        out, _ = process.communicate(timeout=HANG_S)
        self._code = process.returncode
        return str(out.decode())

    def _learn(self, written: list[str], now: list[str]) -> None:
        """Which run of now is which of the page, so that later commands name it."""
        with contextlib.suppress(ValueError):
            self._instead.update(zip(written, now, strict=True))

    def _as_on_the_page(self, output: str) -> str:
        output = _PORT.sub(lambda found: self._ports.get(found[0], found[0]), output)
        who = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
        return output.replace(str(self._folder), HOME).replace(who, _WHO)


def _is_up(line: str) -> bool:
    held = re.search(r" up ([\d,]+) of ([\d,]+)$", line.rstrip("\n"))
    return line.startswith("ready ") or bool(held and held[1] == held[2])


def rewritten(name: str, page: str, folder: Path, *, always: bool) -> str:
    """A page with its transcripts as they were just run.

    All of them or none, because a run ID that stands in two of them is one run.

    Args:
        name: The page's.
        page: Its text.
        folder: Where it is run.
        always: Whether it is also written where only figures and times would be other ones.
    """
    done = [each for each in run_page(name, page, folder) if each[0].language == "console"]
    if not always and all(each.shown == each.was for _, ran in done for each in ran):
        return page
    parts: list[str] = []
    end = 0
    for block, ran in done:
        text = "".join(f"$ {each.typed.command}\n{each.output}" for each in ran)
        parts += [page[end : block.start], text]
        end = block.start + len(block.text)
    return "".join([*parts, page[end:]])
