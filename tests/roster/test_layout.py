"""Encodings, delimiters, line ends, headers: what people export is read as they meant it.

Proves --encoding, --delimiter, --agent-column; guide "Roster files", "Roster columns".
"""

from __future__ import annotations

import codecs
import io
from pathlib import Path

import pytest

from bulkagent.errors import RosterRefused
from bulkagent.roster import Roster, RosterRules
from tests.roster.reading import agents, everything, layout_of, only_row, rows_of, rules


@pytest.mark.parametrize(
    ("encoded", "announced", "described"),
    [
        ("工号\n101\n".encode(), "utf-8", "UTF-8"),
        ("工号\n101\n".encode("utf-8-sig"), "utf-8-sig", "UTF-8 with a byte order mark"),
        (codecs.BOM_UTF16_LE + "工号\n101\n".encode("utf-16-le"), "utf-16", "UTF-16"),
        (codecs.BOM_UTF16_BE + "工号\n101\n".encode("utf-16-be"), "utf-16", "UTF-16"),
    ],
)
def test_utf_8_and_marked_utf_16_need_no_option(
    encoded: bytes, announced: str, described: str
) -> None:
    layout, _ = everything(encoded)
    assert layout.encoding == announced
    assert layout.describe() == f"{described}, comma-separated, agent column '工号'"
    assert agents(encoded) == [(2, "101")]


@pytest.mark.parametrize("encoding", ["gb18030", "GBK", "utf-16-le", "utf-16-be", "utf-8", "cp936"])
def test_any_other_encoding_is_named(encoding: str) -> None:
    content = "姓名,工号\n张三,101\n".encode(encoding)
    assert agents(content, encoding=encoding) == [(2, "101")]
    assert rows_of(content, encoding=encoding)[0].extra == ("张三",)
    assert layout_of(content, encoding=encoding).encoding == codecs.lookup(encoding).name


@pytest.mark.parametrize("encoding", ["utf-16-le", "gb18030", "utf-8"])
def test_a_byte_order_mark_is_no_text_under_a_named_encoding(encoding: str) -> None:
    content = "\ufeffagent_id\n101\n".encode(encoding)
    assert layout_of(content, encoding=encoding).agent_column == "agent_id"


@pytest.mark.parametrize(("delimiter", "word"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_the_delimiter_is_detected_and_announced(delimiter: str, word: str) -> None:
    content = f"name{delimiter}AgentID{delimiter}team\nAna{delimiter}101{delimiter}A\n"
    layout = layout_of(content)
    assert layout.delimiter == delimiter
    assert layout.describe() == f"UTF-8, {word}-separated, agent column 'AgentID'"
    assert agents(content) == [(2, "101")]


def test_the_delimiter_that_gives_an_agent_column_wins() -> None:
    assert layout_of("a,b,c;agent_id\nx;101\n").delimiter == ";"


@pytest.mark.parametrize("delimiter", ["|", "pipe", "PIPE"])
def test_a_named_delimiter_overrides(delimiter: str) -> None:
    content = "agent_id|a,b,c\n101|x\n"
    assert layout_of(content, delimiter=delimiter).delimiter == "|"
    assert layout_of("agent_id\ta;b\n1\t2\n", delimiter="\\t").delimiter == "\t"


def test_an_unusable_delimiter_is_refused() -> None:
    with pytest.raises(RosterRefused, match=r"'x' is not a delimiter.*comma, semicolon, tab"):
        everything("agent_id\n101\n", delimiter="x")


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_excels_own_first_line_names_the_delimiter_and_counts(first: str, end: str) -> None:
    content = end.join([first, "agent_id;a,b,c", "101;x", ""])
    assert layout_of(content).delimiter == ";"
    assert agents(content) == [(3, "101")]
    assert agents(end.join([first, "101", "102"])) == [(2, "101"), (3, "102")]
    assert agents(end.join([first, "agent_id,x;y", "101"]), delimiter=",") == [(3, "101")]


def test_a_delimiter_that_excel_may_name_but_rosters_cannot_have_is_refused() -> None:
    with pytest.raises(RosterRefused, match="'%' is not a delimiter"):
        everything("sep=%\nagent_id\n101\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_numbered_as_an_editor_does(end: str) -> None:
    """Blank lines count; a record over several lines has the number of its first."""
    content = end.join(
        ["", "agent_id,note", "101,a", "", '102,"two', 'lines"', " , ", "103,c", '104,"d"']
    )
    assert agents(content) == [(3, "101"), (5, "102"), (8, "103"), (9, "104")]
    assert rows_of(content)[1].extra == (f"two{end}lines",)


def test_a_header_over_several_lines_is_counted_by_its_lines() -> None:
    assert agents('"agent\nid","x\ny"\n101,a\n') == [(4, "101")]


def test_other_line_separators_end_no_line() -> None:
    found = rows_of("agent_id,note\n101,a\x0bb\x0cc\x85d\u2028e\n102,f\n")
    assert [(row.row, row.extra) for row in found] == [
        (2, ("a\x0bb\x0cc\x85d\u2028e",)),
        (3, ("f",)),
    ]


def test_lines_are_right_where_a_piece_of_the_file_ends() -> None:
    """CRLF is one line end wherever the file happens to be cut for reading."""
    for pad in range(1 << 16, (1 << 16) + 4):
        head = b"agent_id,note\r\n101,a\r\n"
        line = b"102," + b"x" * (pad - len(head) - 6) + b"\r\n"
        assert agents(head + line + b"103,b\r\n") == [(2, "101"), (3, "102"), (4, "103")]


@pytest.mark.parametrize(
    "name",
    [
        "agent", "Agent ID", "AGENT_ID", "agent-id", "AgentNo", "agent number", "workNo",
        "WORK_ID", "work number", "工号", "座席工号", "坐席工号", " agent_id ",
        "\uff21\uff47\uff45\uff4e\uff54\uff29\uff24",
    ],
)  # fmt: skip
def test_the_agent_column_is_known_by_its_usual_names(name: str) -> None:
    layout = layout_of(f"x,{name}\n1,101\n")
    assert layout.agent_column == name.strip().replace("\u3000", " ")
    assert agents(f"x,{name}\n1,101\n") == [(2, "101")]


def test_two_columns_that_could_be_the_agents_are_refused() -> None:
    with pytest.raises(RosterRefused, match=r"'agent_id'.*'Work No'.*--agent-column"):
        everything("agent_id,Work No\n101,102\n")
    assert agents("agent_id,Work No\n101,102\n", agent_column="work_no") == [(2, "102")]


def test_the_agent_column_can_be_named() -> None:
    assert agents("Login,agent_id\n101,102\n", agent_column="login") == [(2, "101")]
    # The exact name decides between two that differ in case alone.
    assert agents("ID,id\n101,102\n", agent_column="id") == [(2, "102")]
    with pytest.raises(RosterRefused, match="no such agent column in line 1, which has 'a', 'b'"):
        everything("a,b\n101,102\n", agent_column="c")
    with pytest.raises(RosterRefused, match="holds credentials"):
        everything("token,b\n101,102\n", agent_column="token")


def test_a_list_of_numbers_needs_no_header() -> None:
    layout = layout_of("101\n102\n")
    assert (layout.has_header, layout.agent_column) == (False, "")
    assert layout.describe() == "UTF-8, no header, one agent ID a line"
    assert agents("\n101\n102\n") == [(2, "101"), (3, "102")]
    assert only_row("0101\n").column == "agent_id"


def test_rows_without_a_header_have_one_cell() -> None:
    assert [row.reason != "" for row in rows_of("101\n102,1\n")] == [False, True]
    with pytest.raises(RosterRefused, match=r"line 2 has 2 cells and no header.*agent_id,flag"):
        everything("\n101,1\n102,0\n")


def test_a_header_without_an_agent_column_is_refused() -> None:
    with pytest.raises(RosterRefused, match="no agent column in line 1, which has 'name', 'team'"):
        everything("name,team\nAna,A\n")


@pytest.mark.parametrize("meaning", ["flag", "gateway", "guid"])
def test_two_columns_of_one_meaning_are_refused(meaning: str) -> None:
    with pytest.raises(RosterRefused, match=f"could each be the {meaning} column"):
        everything(f"agent_id,{meaning},{meaning.upper()}\n101,,\n")


def test_other_columns_are_kept_in_order_under_unique_names() -> None:
    layout, found = everything("a,agent_id,a,a_2,,flag,a,\nv,101,w,x,y,1,z,\n")
    assert layout.extra_columns == ("a", "a_3", "a_2", "column_5", "a_4")
    assert [row.extra for row in found if hasattr(row, "extra")] == [("v", "w", "x", "y", "z")]


@pytest.mark.parametrize(
    "name",
    [
        "agent_guid",
        "Pass Word",
        "passwd",
        "PWD1",
        "cookie-jar",
        "Access Token",
        "g u-i_d s",
        "\uff30\uff37\uff24",
    ],
)
def test_columns_of_credentials_are_never_kept(name: str) -> None:
    layout, found = everything(f"agent_id,{name},team\n101,canary,A\n")
    assert layout.extra_columns == ("team",)
    assert "canary" not in repr(found)


def test_standard_input_is_a_dash_and_stays_open() -> None:
    stdin = io.BytesIO(b"101\n")
    with Roster("-", rules(), stdin=stdin) as roster:
        assert "standard input" in repr(roster)
        assert [row.row for row in roster.rows()] == [1]
    assert not stdin.closed


def test_the_process_has_a_standard_input_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"101\n")))
    with Roster("-", rules()) as roster:
        assert len(list(roster.rows())) == 1
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(RosterRefused, match="standard input is closed"):
        Roster("-", rules())


def test_a_roster_is_read_once_and_closes_its_file(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("agent_id\n101\n")
    with Roster(path, RosterRules(flag=1)) as roster:
        assert "not read yet" in repr(roster)
        assert len(list(roster.rows())) == 1
        assert "being read" in repr(roster)
        with pytest.raises(RuntimeError, match="once"):
            roster.rows()
    assert roster._stream.closed
