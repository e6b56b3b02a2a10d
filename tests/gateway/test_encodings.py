"""Compressed replies: unpacked within a bound, whatever they are; no decompression bomb.

Proves guide "Which replies count".

README: Every request says `Accept-Encoding.
"""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.gateway.encodings import Unreadable, made_plain
from tests.reports.lines import PROPERTY

LONGEST = 1_000
CODINGS = st.sampled_from(["gzip", "x-gzip", "GZip", "deflate", "br", "identity", "a b", ""])


def raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": raw,
}


@pytest.mark.parametrize("kind", ["gzip", "deflate", "raw"])
def test_a_bomb_comes_out_as_its_beginning(kind: str) -> None:
    bomb = PACKERS[kind](b"0" * 10_000_000)
    coding = "gzip" if kind == "gzip" else "deflate"
    assert made_plain(bomb, [coding], LONGEST) == b"0" * (LONGEST + 1)
    assert len(made_plain(gzip.compress(bomb), [f"{coding},gzip"], LONGEST)) == LONGEST + 1


def test_a_bomb_of_many_members_comes_out_as_its_beginning() -> None:
    assert len(made_plain(gzip.compress(b"0" * 400) * 500, ["gzip"], LONGEST)) == LONGEST + 1
    with pytest.raises(Unreadable, match="in more than 16 parts"):
        made_plain(gzip.compress(b"") * 50_000, ["gzip"], LONGEST)


def test_more_codings_than_anybody_uses_are_refused() -> None:
    body = gzip.compress(gzip.compress(gzip.compress(b"{}")))
    with pytest.raises(Unreadable, match="3 times over"):
        made_plain(body, ["gzip", "gzip, gzip"], LONGEST)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "a\x1b[2Jb"])
def test_what_is_not_read_is_named_without_what_a_terminal_would_obey(coding: str) -> None:
    with pytest.raises(Unreadable, match="Accept-Encoding: identity") as unreadable:
        made_plain(b"\xff\xfe", [coding], LONGEST)
    assert "\x1b" not in str(unreadable.value)


@PROPERTY
@given(body=st.binary(max_size=LONGEST), kind=st.sampled_from(sorted(PACKERS)))
def test_what_was_packed_comes_out_again_and_half_of_it_never_does(body: bytes, kind: str) -> None:
    packed = PACKERS[kind](body)
    coding = ["deflate" if kind == "raw" else kind]
    assert made_plain(packed, coding, LONGEST) == (packed if packed.isascii() else body)
    cut = packed[: len(packed) // 2]
    if not cut.isascii():
        with pytest.raises(Unreadable):
            made_plain(cut, coding, LONGEST)


@PROPERTY
@given(body=st.binary(max_size=300), codings=st.lists(CODINGS, max_size=4))
def test_any_bytes_in_any_coding_are_read_or_refused_in_words(
    body: bytes, codings: list[str]
) -> None:
    with contextlib.suppress(Unreadable):
        assert len(made_plain(body, codings, LONGEST)) <= 2 * LONGEST
