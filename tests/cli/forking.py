"""Commands in processes of their own that need not be started from nothing.

Starting an interpreter and importing everything takes half a second of a processor, hundreds of
times. Here one process imports everything once, and each command is a fork of it: with an ID,
a session, an environment, a folder and standard streams of its own, and it ends as the installed
command does, through its signals, its exit code and the interpreter's own end. What concerns the
start itself is tested with the installed command; `BULKAGENT_TEST_START=installed` takes that one
for all, as `.ci/run` does for the matrices.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["Forked"]

_SERVER = Path(__file__).with_name("fork_server.py")
_LONGEST = 1 << 20


class _Server:
    """The process that forks."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, _SERVER, str(theirs.fileno())], pass_fds=(theirs.fileno(),)
            )
        self._socket = ours
        self._lock = threading.Lock()
        atexit.register(self._end)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()

    def ask(self, fds: tuple[int, ...] = (), **wanted: object) -> list[int]:
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(wanted).encode()], fds)
            answer = self._socket.recv(_LONGEST)
        if not answer:
            raise RuntimeError(f"no process to fork commands: {self._process.poll()}")
        found: list[int] = json.loads(answer)
        return found


@functools.cache
def _server(_pid: int) -> _Server:
    return _Server()


class Forked(subprocess.Popen[Any]):
    """A command as `subprocess.Popen` has it, with everything that is asked of one."""

    def _execute_child(self, args: Sequence[str | Path], *others: Any) -> None:
        # As subprocess calls it: executable, preexec_fn, close_fds, pass_fds, cwd, env,
        # startupinfo, creationflags, shell, then both ends of each pipe, -1 for none.
        folder, variables, ends = others[4], others[5], others[9:15]
        theirs = (ends[0], ends[3], ends[5])
        try:
            (self.pid,) = _server(os.getpid()).ask(
                tuple(at if end == -1 else end for at, end in enumerate(theirs)),
                arguments=[os.fspath(part) for part in args[1:]],
                folder=os.fspath(folder or Path.cwd()),
                environment=variables,
            )
            self._child_created = True
        finally:
            self._close_pipe_fds(*ends)  # type: ignore[attr-defined] # as subprocess does

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        while True:
            pid, status = _server(os.getpid()).ask(wait=self.pid)
            if pid or wait_flags & os.WNOHANG:
                return pid, status
            time.sleep(0.005)

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode
