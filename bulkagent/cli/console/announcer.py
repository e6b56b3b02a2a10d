"""Text for stderr: written by one thread, so that nothing else waits for its reader.

A pipe that nobody reads and a terminal that is stopped (Ctrl-S, a frozen connection) take nothing
and say nothing. A caller that has said something waits for a moment, so that text and question come
in their order, and not any more once it is known that nothing is taken.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Sequence

PATIENCE_S = 1.0
"""For so long a text is waited for, as long as everything was taken until then."""

_LOOK_EVERY_MS = 100
# A pipe or a terminal that says it can be written takes so many bytes without waiting for long.
_PIECE = 4_096

_ERASE = b"\r\x1b[J"


def frame_of(lines: Sequence[str]) -> str:
    """Lines as a region of a terminal, which leaves the cursor where the region begins.

    So a terminal may be made smaller or larger and break its lines anew: what has to be taken
    away is still all that comes after the cursor. Lines are not broken, whatever their length.
    """
    if not lines:
        return ""
    up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
    drawn = "\r\n".join(lines)
    return f"\x1b[?7l{drawn}\x1b[?7h\r{up}"


class Console:
    """Writes to a descriptor from a thread that begins with the first text.

    Args:
        descriptor: What is written to; it is never closed, and how it blocks is not changed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._changed = threading.Condition()
        self._texts: deque[bytes] = deque()
        self._frame = b""  # what stands or shall stand below the text
        self._drawn = b""  # what stands there now
        self._put = self._written = 0  # how many texts there were
        self._stuck = False
        self._taken = 0  # bytes, to see whether anything moves
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Console of {self._descriptor}, {self._put - self._written} to be written>"

    def put(self, data: bytes) -> int:
        """Have something written, from any thread, without waiting; its number."""
        with self._changed:
            self._texts.append(data)
            self._put += 1
            self._wake()
            return self._put

    def say(self, data: bytes) -> None:
        """Have something written, and wait for it as long as everything is taken."""
        number = self.put(data)
        if self._stuck or threading.current_thread() is self._thread:
            return
        with self._changed:
            done = self._changed.wait_for(lambda: self._written >= number, PATIENCE_S)
            self._stuck = not done

    def show(self, frame: bytes) -> None:
        """Have this below all text from now on, in the place of what was there; b"": nothing.

        What is not taken in time is not drawn at all, so this is for what is drawn again.
        """
        with self._changed:
            self._frame = frame
            self._wake()

    def drain(self, within_s: float | None) -> bool:
        """Wait until all is written; False where nothing was taken for so long (None: for ever)."""
        with self._changed:
            before = self._taken
            while self._written < self._put or self._drawn != self._frame:
                if not self._changed.wait(within_s) and before == self._taken:
                    return False
                before = self._taken
        return True

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bulkagent-console", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._texts or self._frame != self._drawn)
                texts = list(self._texts)
                self._texts.clear()
                frame = self._frame
                erase = _ERASE if self._drawn else b""
            self._write(erase + b"".join(texts) + frame)
            with self._changed:
                self._written += len(texts)
                self._drawn = frame
                self._stuck = False
                self._changed.notify_all()

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            if not self._poll.poll(_LOOK_EVERY_MS):
                continue
            try:
                taken = os.write(self._descriptor, left[:_PIECE])
            except BlockingIOError:
                continue  # somebody else has filled it meanwhile
            except (OSError, ValueError):
                return  # its reader has gone, which is no reason to leave a shift half set
            left = left[taken:]
            self._taken += taken
