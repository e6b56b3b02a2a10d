"""Data in a block of the page, where nothing in it can end the block."""

from __future__ import annotations

import re

# Characters that could end the block or begin a comment, or that old JavaScript stumbles on.
_UNSAFE = re.compile(r"[<>&\u2028\u2029]")


def harmless(encoded: bytes) -> str:
    """JSON that means the same and has none of those characters."""
    return _UNSAFE.sub(_escape, encoded.decode())


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
