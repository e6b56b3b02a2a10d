"""Whatever the file is, the answer is a sentence: what is wrong, and what to do next."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bulkagent.errors import RosterRefused
from bulkagent.roster import Roster, RosterRules
from bulkagent.roster.csv_records import csv_sentence
from tests.roster.reading import RuleSettings, agents, everything, rules


@pytest.mark.parametrize(
    ("content", "settings", "sentence"),
    [
        (b"", {}, "the roster is empty; give a header line"),
        (b"\n \n,,\n", {}, "the roster is empty"),
        (b"agent_id\n", {}, "the roster has no row; add one line"),
        (b"agent_id,flag\n\n , \n", {}, "the roster has no row"),
        (b"agent_id,n\n101,a\n102,\xe9\n", {}, r"line 3 .* is not UTF-8; .*--encoding gb18030"),
        (b"agent_id\r101\r102\xff\r", {}, "line 3 of standard input is not UTF-8"),
        (b"agent_id\n101\n\xe5\xb7", {}, "line 3 of standard input is not UTF-8"),
        (b"agent_id\n101\xff", {"encoding": "gb18030"}, "line 2 .* is not GB18030"),
        (b"agent_id\n101+2AA-\n", {"encoding": "utf-7"}, "line 2 .* is not UTF-7"),
        (b"a\0g\0e\0n\0t\0\n\0", {}, "NUL bytes. It is UTF-16 without.*--encoding utf-16-le"),
        (b"\0a\0g\0e\0n\0t\0\n", {}, "--encoding utf-16-be"),
        ("\ufeffagent_id\n1\0".encode("utf-16-le"), {}, "line 2 .* has a NUL character"),
        (b"agent_id\n101\n\x00", {"encoding": "utf-8"}, "line 3 .* has a NUL character"),
        (b"agent_id" * 9000, {}, "line 1 .*after 65,536 characters"),
        (b'agent_id,"' + b"x\n" * 40000, {}, "is a quote left open"),
        (b"agent_id\n" + b"1" * 1_200_000, {}, "line 2 .* longer than 1,048,576 characters"),
        (b'agent_id,n\n101,a\n102,"b\n103,c\n', {}, "line 3 has a quote that is never closed"),
        (b'agent_id,n\n101,"a"b\n', {}, "line 2 has text after a closing quote"),
        (b'agent_id,n\n101,"' + b"x" * 131073, {}, "line 2 has a cell longer than 131,072"),
        (b'"agent_id,n\n', {}, "line 1 has a quote that is never closed"),
        (b"PK\x03\x04rest", {}, "Excel workbook .* export it as CSV UTF-8"),
        (b"\x1f\x8brest", {}, "gzip"),
        (b"101\n", {"encoding": "klingon"}, "there is no encoding 'klingon'; name one"),
        (b"101\n", {"encoding": "base64"}, "there is no encoding 'base64'"),
        (b"101\n", {"encoding": "a\0\x1b"}, r"there is no encoding 'a\\x00\\x1b'"),
        (b"agent_id\n101\n", {"require_flag": True}, "nothing says which flag.*--flag 1"),
        (b"agent_id,Flag\n101,1\n", {"flag": 1}, "column 'Flag' and --flag was given too"),
        (b"agent_id\n101\n", {"guid_required": True}, "the roster has no guid column, and nothing"),
    ],
)
def test_a_roster_that_cannot_be_used_is_refused_with_a_sentence(
    content: bytes, settings: RuleSettings, sentence: str
) -> None:
    with pytest.raises(RosterRefused, match=f"(?s){sentence}"):
        everything(content, **settings)


def test_a_flag_column_satisfies_the_need_for_a_flag() -> None:
    assert agents("agent_id,flag\n101,1\n", require_flag=True) == [(2, "101")]
    assert agents("agent_id\n101\n", require_flag=True, flag=0) == [(2, "101")]


def test_undecodable_bytes_far_into_a_file_name_their_line() -> None:
    content = b"agent_id,n\n" + b"".join(b"%d,\xc3\xa9\n" % n for n in range(101, 30101)) + b"\xff"
    with pytest.raises(RosterRefused, match="line 30002 of"):
        everything(content)


def test_rows_before_a_broken_record_are_given() -> None:
    with Roster("-", rules(), stdin=io.BytesIO(b'agent_id\n101\n"102\n')) as roster:
        found = roster.rows()
        assert next(found).row == 2
        with pytest.raises(RosterRefused, match="line 3"):
            next(found)


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    for path, sentence in (
        (tmp_path / "none.csv", r"there is no file .*none.csv'; check the path"),
        (tmp_path, "is a directory; name the CSV file in it"),
        ("nul\0byte", r"cannot be opened .*check the path"),
        ("x" * 5000, "cannot be opened"),
    ):
        with pytest.raises(RosterRefused, match=sentence):
            Roster(path, rules())


def test_of_a_file_that_is_missing_it_says_that_nothing_was_sent_if_it_was_to_be(
    tmp_path: Path,
) -> None:
    with pytest.raises(RosterRefused, match=r"none.csv', so nothing was sent; check the path"):
        Roster(tmp_path / "none.csv", rules(sends=True))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(RosterRefused, match="may not be read by this user"):
        Roster(tmp_path / "roster.csv", rules())


class _Broken(io.BytesIO):
    """A disk that fails after the first read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(size)


class _Dripping(io.BytesIO):
    """An unbuffered pipe: one byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1 if size else size)


class _NotReady(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        return None  # type: ignore[return-value] # what a non-blocking stream gives


def test_a_stream_that_fails_is_refused() -> None:
    with pytest.raises(RosterRefused, match=r"cannot be read .Input/output error."):
        everything_from(_Broken(b"agent_id\n101\n"))
    with pytest.raises(RosterRefused, match="has nothing to read yet"):
        everything_from(_NotReady())
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(RosterRefused, match="cannot be read"):
        everything_from(closed)


def test_a_stream_may_come_in_any_pieces() -> None:
    content = "\ufeffagent_id,n\r\n101,é\r\n\r\n102,座\r\n"
    for encoding in ("utf-8", "utf-16-le"):
        assert everything_from(_Dripping(content.encode(encoding))) == [2, 4]


def everything_from(stream: io.BytesIO) -> list[int]:
    with Roster("-", rules(), stdin=stream) as roster:
        return [row.row for row in roster.rows()]


@pytest.mark.parametrize("bounds", [(0, 5), (9, 8), (101, 1_000_000)])
def test_an_impossible_range_is_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(RosterRefused, match="is not within 1 to 999999"):
        RosterRules(agent_id_range=bounds)
    with pytest.raises(RosterRefused, match="is not within 1 to 999999"):
        RosterRules(agent_id_ranges={"east": (101, 200), "west": bounds})


def test_a_flag_is_1_or_0() -> None:
    with pytest.raises(RosterRefused, match="the flag is 2"):
        RosterRules(flag=2)


def test_more_lines_than_can_be_remembered_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bulkagent.roster.text_lines.MOST_LINES", 3)
    assert agents("agent_id\n101\n102\n") == [(2, "101"), (3, "102")]
    with pytest.raises(RosterRefused, match="has more than 3 lines; split it"):
        everything("agent_id\n101\n102\n103\n")


def test_an_error_of_the_csv_module_that_has_no_sentence_is_shown_harmless() -> None:
    sentence = csv_sentence(7, csv.Error("odd\x1b"))
    assert sentence == "line 7 cannot be cut into cells: odd\\x1b"


def test_a_gateway_column_of_anything_else_is_refused_before_it_fills_memory() -> None:
    lines = "\n".join(f"101,row{n}" for n in range(1000))
    with pytest.raises(RosterRefused, match="more than 200 different names"):
        everything(f"agent_id,gateway\n{lines}\n")
