"""What is put in the place of the machine while a morning is lived."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any
from unittest import mock

from bulkagent.ledger.run_lock import RunLock
from tests.simulation.disk import Disk, SimulatedConnection
from tests.simulation.draw.sizes import SIZES
from tests.simulation.process import current_process
from tests.simulation.written_files import written_as_the_disk_lets, written_at_once

_connect = sqlite3.connect
_init_lock = RunLock.__init__


@contextlib.contextmanager
def replaced(disk: Disk, random: Random) -> Iterator[None]:
    """Put the simulated disk, names and locks in the place of the machine's.

    Args:
        disk: The disk.
        random: What names are drawn from.
    """

    def connect(database: Any, *args: Any, **options: Any) -> sqlite3.Connection:
        process = current_process()
        if process is None:
            plain: sqlite3.Connection = _connect(database, *args, **options)
            return plain
        connection: SimulatedConnection = _connect(
            database, *args, **{**options, "timeout": 0.0, "factory": SimulatedConnection}
        )
        connection.attach(process, disk)
        return connection

    def init_lock(lock: RunLock, *args: Any, **options: Any) -> None:
        _init_lock(lock, *args, **options)
        if (process := current_process()) is not None:
            process.locks.append(lock)

    def token_hex(size: int = 32) -> str:
        return f"{random.getrandbits(8 * size):0{2 * size}x}"

    with (
        mock.patch.object(sqlite3, "connect", connect),
        mock.patch.object(RunLock, "__init__", init_lock),
        mock.patch.object(secrets, "token_hex", token_hex),
        written_at_once(),
        written_as_the_disk_lets(disk),
    ):
        yield


@contextlib.contextmanager
def sized(sizes: Mapping[str, int]) -> Iterator[None]:
    """Have sizes within bulkagent as a world has them."""
    with contextlib.ExitStack() as stack:
        for name, number in sizes.items():
            size = SIZES[name]
            stack.enter_context(mock.patch.object(size.module, size.name, number))
        yield
