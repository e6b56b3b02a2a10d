"""The loop that sessions are held on, whose TLS connections take a fifth of asyncio's memory.

Runs do without it: it reads private parts of CPython's ssl, which is worth it for thousands of
connections that last for days.
"""

from __future__ import annotations

import asyncio
import tempfile

import aiofastnet

from bulkagent.diagnostics.probes import temporary_folder
from bulkagent.errors import SettingsRefused


def hold_loop() -> asyncio.AbstractEventLoop:
    """Make a loop."""
    loop: asyncio.AbstractEventLoop = aiofastnet.loop_factory()()
    return loop


def refuse_without_temporary_folder() -> None:
    """See to it that a certificate can be written to a file, as aiofastnet does to read it.

    Where it could not, each handshake would hang until it is out of time, and the network would
    be blamed.

    Raises:
        SettingsRefused: It cannot.
    """
    try:
        temporary_folder()
    except OSError as error:
        where = f" {tempfile.tempdir}" if tempfile.tempdir else ""
        raise SettingsRefused(
            f"session hold needs the temporary folder{where} for the gateway's certificate:"
            f" {error.strerror or error}; set TMPDIR to a folder that can be written"
        ) from None
