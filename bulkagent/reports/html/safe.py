"""Data in a block of the page, where nothing in it can end the block."""

from __future__ import annotations

import re

# Characters that could end the block or begin a comment, or that old JavaScript stumbles on; the
# last two as UTF-8.
_UNSAFE = re.compile(rb"[<>&]|\xe2\x80[\xa8\xa9]")


def harmless(encoded: bytes) -> bytes:
    """JSON that means the same and has none of those characters."""
    # Nearly all data have none, and to look for a byte is far quicker than a substitution.
    if any(begin in encoded for begin in _BEGINS):
        return _UNSAFE.sub(_escape, encoded)
    return encoded


_BEGINS = (b"<", b">", b"&", b"\xe2\x80")


def _escape(found: re.Match[bytes]) -> bytes:
    return f"\\u{ord(found[0].decode()):04x}".encode()
