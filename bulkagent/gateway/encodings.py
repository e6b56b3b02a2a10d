"""Replies that come compressed although nobody asked for that, made plain within a bound.

Every request says `Accept-Encoding: identity`; a balancer that compresses all the same is read,
because a lost answer would leave an agent in doubt for nothing.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Sequence

ASKED_FOR = ("Accept-Encoding", "identity")
"""The header by which no coding is asked for."""

_GZIP = frozenset({"gzip", "x-gzip"})
_MAGIC = b"\x1f\x8b"

# What zlib is told: a stream of its own with head and sum, the bare stream that some servers send
# by the same name (RFC 9110 section 8.4.1.2), and one of gzip.
_WITH_HEAD, _BARE, _OF_GZIP = zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS | 16

# One over another is legal and nobody's habit; a long row of them is an attack.
_MOST = 2

# Each member of a file costs a copy of what follows it, and may hold nothing.
_MOST_MEMBERS = 16

_IS_TOKEN = re.compile(r"[A-Za-z0-9._+-]{1,20}")


class Unreadable(ValueError):
    """The coding is none that is read here, or the body is not in it; the text says which."""


def made_plain(body: bytes, content_encoding: Sequence[str], longest: int) -> bytes:
    """The body without its codings.

    Args:
        body: As it came.
        content_encoding: The reply's `Content-Encoding` headers.
        longest: Of a longer one only the beginning comes out, one byte more than these.

    Raises:
        Unreadable: It cannot be read.
    """
    codings = [
        coding.strip().lower()
        for header in content_encoding
        for coding in header.split(",")
        if coding.strip().lower() not in {"", "identity"}
    ]
    # A proxy that has unpacked it may have left the header; nothing that is packed is ASCII.
    if not codings or body.isascii():
        return body
    if len(codings) > _MOST:
        raise Unreadable(f"the reply is compressed {len(codings)} times over")
    for coding in reversed(codings):
        body = _unpacked(body, coding, longest)
    return body


def _unpacked(body: bytes, coding: str, longest: int) -> bytes:
    if coding in _GZIP:
        return _members(body, longest) if body.startswith(_MAGIC) else body
    if coding == "deflate":
        for kind in (_WITH_HEAD, _BARE):
            with contextlib.suppress(zlib.error, Unreadable):
                return _whole(body, kind, longest)[0]
        raise Unreadable("the reply is not the deflate that it says it is, or broke off")
    name = coding if _IS_TOKEN.fullmatch(coding) else "something unknown"
    raise Unreadable(
        f"the reply is compressed ({name}) although the request said Accept-Encoding: identity"
    )


def _members(body: bytes, longest: int) -> bytes:
    """All members of a gzip file, which may have several (RFC 1952 section 2.2)."""
    plain = b""
    for _ in range(_MOST_MEMBERS):
        try:
            part, body = _whole(body, _OF_GZIP, longest - len(plain))
        except zlib.error:
            raise Unreadable("the reply is not the gzip that it says it is") from None
        plain += part
        if not body or len(plain) > longest:
            return plain
    raise Unreadable(f"the reply is compressed in more than {_MOST_MEMBERS} parts")


def _whole(body: bytes, kind: int, longest: int) -> tuple[bytes, bytes]:
    """What one stream holds, and what follows it; only the beginning where it is too long."""
    stream = zlib.decompressobj(kind)
    plain = stream.decompress(body, longest + 1)
    if len(plain) > longest:
        return plain, b""
    if not stream.eof:
        raise Unreadable("the reply broke off within its compression")
    if stream.unused_data and kind != _OF_GZIP:
        raise Unreadable("something follows the compressed reply")
    return plain, stream.unused_data
