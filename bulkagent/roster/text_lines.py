"""Bytes to lines of text, piece by piece, with the number of every line known."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, NoReturn

from bulkagent.errors import RosterRefused
from bulkagent.roster.sanitize import shown

# Large enough that the work per piece vanishes beside the work per row, small enough for any cache.
PIECE = 1 << 16

# Room for 30 bits of a line's number beside two bits of flags; see `duplicates`.
MOST_LINES = (1 << 30) - 1

LONGEST_LINE = 1 << 20

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)

_NOT_TEXT = (
    (b"PK\x03\x04", "an Excel workbook or another ZIP file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF file"),
)


class TextLines:
    """The lines of one stream, each with its ending, as any editor would number them.

    Args:
        stream: where the bytes come from; read once, from where it stands.
        name: how messages call it, harmless to show.
        encoding: a codec's name, or None to go by the byte order mark.

    Raises:
        RosterRefused: at construction or while iterating, for anything that is not lines
            of text.
    """

    def __init__(self, stream: BinaryIO | io.RawIOBase, name: str, encoding: str | None) -> None:
        self._stream = stream
        self._name = name
        self._head = self._read_head()
        self.encoding = self._announced(encoding)
        self._decoder = _decoder(self.encoding)
        self._done = 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._batches())

    def _batches(self) -> Iterator[io.StringIO]:
        rest = ""
        piece = self._head
        self._head = b""
        at_start = True
        while piece:
            text = self._decode(piece, rest, final=False)
            if at_start and text:
                # Codecs other than *-sig leave the mark in the text.
                text = text.removeprefix("\ufeff")
                at_start = False
            # A carriage return at the very end may be the first half of CRLF.
            end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
            yield self._batch(text[:end])
            rest = text[end:]
            if len(rest) > LONGEST_LINE:
                self._refuse(
                    self._done + 1,
                    f"is longer than {LONGEST_LINE:,} characters",
                    "is this a CSV file with one agent a line?",
                )
            piece = self._read()
        yield self._batch(self._decode(b"", rest, final=True))

    def _batch(self, text: str) -> io.StringIO:
        self._done += _count_lines(text)
        if self._done > MOST_LINES:
            raise RosterRefused(f"{self._name} has more than {MOST_LINES:,} lines; split it")
        # Unlike str.splitlines, this ends a line at CR, LF and CRLF alone, as editors do.
        return io.StringIO(text, newline="")

    def _decode(self, piece: bytes, rest: str, *, final: bool) -> str:
        before = self._decoder.getstate()
        try:
            text = self._decoder.decode(piece, final)
            # Half a character, which some codecs let through, would break the ledger.
            text.encode("utf-8")
        except UnicodeError:
            self._decoder.setstate(before)
            line = self._done + 1 + _count_lines(rest + _readable(self._decoder, piece))
            self._refuse(
                line,
                f"is not {self.encoding.upper()}",
                "save the roster as UTF-8, or name its encoding, for example --encoding gb18030",
            )
        if "\0" in text:
            self._refuse(
                self._done + 1 + _count_lines(rest + text[: text.index("\0")]),
                "has a NUL character",
                "no export has one: export the roster again, or name its encoding, "
                "for example --encoding utf-16-le",
            )
        return rest + text

    def _read_head(self) -> bytes:
        head = piece = self._read()
        # An unbuffered stream may give less than a byte order mark at first.
        while piece and len(head) < len(codecs.BOM_UTF32_LE):
            piece = self._read()
            head += piece
        return head

    def _read(self) -> bytes:
        try:
            piece: bytes | None = self._stream.read(PIECE)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise RosterRefused(
                f"{self._name} cannot be read ({shown(said)}); copy it elsewhere and try again"
            ) from None
        if piece is None:
            raise RosterRefused(f"{self._name} has nothing to read yet; give a file, or a pipe")
        return piece

    def _announced(self, encoding: str | None) -> str:
        for mark, kind in _NOT_TEXT:
            if self._head.startswith(mark):
                raise RosterRefused(
                    f"{self._name} is {kind}, not CSV; export it as CSV UTF-8 and name that file"
                )
        marked = next((codec for mark, codec in _MARKS if self._head.startswith(mark)), None)
        if encoding is not None:
            codec = _codec(encoding)
            return "utf-8-sig" if codec == "utf-8" and marked == "utf-8-sig" else codec
        if marked is None and b"\0" in self._head:
            # Western text in UTF-16 has the NUL second in each pair when it is little-endian.
            little = self._head[1::2].count(0) >= self._head[::2].count(0)
            raise RosterRefused(
                f"{self._name} has NUL bytes. It is UTF-16 without a byte order mark, or no text;"
                f" save it as UTF-8, or try --encoding utf-16-{'le' if little else 'be'}"
            )
        return marked or "utf-8"

    def _refuse(self, line: int, what: str, advice: str) -> NoReturn:
        raise RosterRefused(f"line {line} of {self._name} {what}; {advice}")


def _codec(encoding: str) -> str:
    try:
        # Encoding looks a codec up and refuses those that do not make text, such as base64.
        "0".encode(encoding)
        codec = codecs.lookup(encoding)
    except (LookupError, ValueError):
        codec = None
    if codec is None or codec.incrementaldecoder is None:
        raise RosterRefused(
            f"there is no encoding '{shown(encoding)}'; name one such as utf-8, utf-16-le, "
            "gb18030 or cp1252 with --encoding"
        )
    return "utf-8" if codec.name == "utf-8-sig" else codec.name


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(encoding)("strict")


def _readable(decoder: codecs.IncrementalDecoder, piece: bytes) -> str:
    """The part of the piece before the first byte that cannot be decoded."""
    text: list[str] = []
    step: Callable[[bytes], str] = decoder.decode
    try:
        for at in range(len(piece)):
            text.append(step(piece[at : at + 1]))
            text[-1].encode("utf-8")
    except UnicodeError:
        pass
    return "".join(text)


def _count_lines(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
