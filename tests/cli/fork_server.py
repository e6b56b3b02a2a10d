"""The process that commands are forked from; see forking.py.

It has one thread and runs no event loop, so that a fork of it is as good as a new process.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import socket
import sys
from typing import Any

# What commands import from others when they run.
_LIBRARIES = (
    *("aiohttp", "anyio._backends._asyncio", "cryptography.x509", "jinja2", "prometheus_client"),
    *("psutil", "rich.console", "rich.live", "rich.text", "tenacity", "tomllib", "trustme"),
    *("bulkagent.cli", "concurrent.futures.thread", "encodings.idna", "zoneinfo"),
)


def imported() -> None:
    """Import all of bulkagent, and what it imports when it is used."""
    import bulkagent

    for module in pkgutil.walk_packages(bulkagent.__path__, "bulkagent."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _LIBRARIES:
        importlib.import_module(name)


def served(server: socket.socket) -> dict[str, Any]:
    """Serve until there is a command to be; return in its process alone, with its streams."""
    while True:
        message, fds, _, _ = socket.recv_fds(server, 1 << 20, 3)
        if not message:
            os._exit(0)
        wanted: dict[str, Any] = json.loads(message)
        if pid := wanted.get("wait"):
            server.send(json.dumps(os.waitpid(pid, os.WNOHANG)).encode())
            continue
        pid = os.fork()
        if not pid:
            server.close()
            _take(fds)
            return wanted
        for fd in fds:
            os.close(fd)
        server.send(json.dumps([pid]).encode())


def _take(fds: list[int]) -> None:
    """Have these for standard streams, as an interpreter that begins would."""
    os.setsid()
    # Above 2 first, because they may be any of these themselves.
    kept = [os.dup(fd) for fd in fds]
    for number, fd in enumerate(kept):
        os.dup2(fd, number)
    for fd in {*fds, *kept} - {0, 1, 2}:
        os.close(fd)
    encoding = sys.stdout.encoding
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding)
    for number, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        lines = number == 2 or os.isatty(number)
        stream = io.TextIOWrapper(
            io.BufferedWriter(io.FileIO(number, "wb", closefd=False)),
            *(encoding, errors),
            line_buffering=lines,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    imported()
    gc.freeze()
    command = served(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    sys.argv = ["bulkagent", *command["arguments"]]
    from bulkagent.cli import main

    main()
