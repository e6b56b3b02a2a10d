"""What holds of any roster whatever, and of the samples to the letter."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bulkagent.errors import RosterRefused
from bulkagent.model import Status
from bulkagent.roster import Retraction, Roster, RosterRow, RosterRules
from bulkagent.roster.duplicates import Duplicates
from bulkagent.roster.validation import RowValidator
from tests.examples import examples
from tests.roster.reading import GUID, agents, everything, rows_of, rules

SAMPLES = Path(__file__).parents[2] / "samples"

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "cp1252", "utf-32")
UNMARKED = {"utf-16-le", "gb18030", "cp1252"}

# Pieces of which rosters are made, so that arbitrary bytes get past the first line.
PIECES = st.sampled_from(
    [
        *(b"agent_id", b"flag", b"guid", b"gateway", b"101", b"102", b"1", b"0", b"east"),
        *(b",", b";", b"\t", b"\n", b"\r", b"\r\n", b'"', b" ", b"\xff", b"\0", b"sep=;"),
        *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xe5\xb7\xa5", GUID.encode(), b"\x1b", b"1.01E+02"),
    ]
)
ANY_BYTES = st.one_of(
    st.binary(max_size=80),
    st.lists(PIECES, max_size=30).map(b"".join),
    st.lists(PIECES, max_size=20).map(lambda parts: b"agent_id,flag,n\n" + b"".join(parts)),
)


def outcome_of(
    content: bytes, encoding: str | None = None
) -> tuple[str, list[RosterRow | Retraction]]:
    """The refusal, or else the rows."""
    try:
        layout, found = everything(content, encoding=encoding)
    except RosterRefused as refused:
        return str(refused), []
    assert GUID not in f"{layout} {layout.describe()}"
    return "", found


@settings(max_examples=examples(300), derandomize=True)
@given(ANY_BYTES, st.sampled_from([None, "utf-16-le", "gb18030", "utf-7", "cp1252"]))
@example(b"sep=\n", None)
@example(b'"sep=;\n101', None)
@example(b'sep="\n', None)
def test_any_bytes_give_rows_or_a_refusal(content: bytes, encoding: str | None) -> None:
    refusal, found = outcome_of(content, encoding)
    assert refusal.isprintable()
    assert GUID not in refusal
    assert refusal or found
    rows = [row for row in found if isinstance(row, RosterRow)]
    assert [row.row for row in rows] == sorted({row.row for row in rows})
    for row in found:
        assert row.reason.isprintable()
        assert GUID not in repr(row)


@settings(max_examples=examples(100), derandomize=True)
@given(
    numbers=st.lists(st.integers(101, 59999), min_size=1, max_size=600, unique=True),
    layout=st.sampled_from(
        list(itertools.product(ENCODINGS, (",", ";", "\t"), ("\n", "\r\n", "\r"), (0, 1, 2)))
    ),
)
def test_agents_round_trip_in_every_layout(
    numbers: list[int], layout: tuple[str, str, str, int]
) -> None:
    encoding, delimiter, end, others = layout
    cells = [["agent_id", "team", "name"], *([str(n), "é" * (n % 3), "x"] for n in numbers)]
    text = end.join(delimiter.join(line[: others + 1]) for line in cells)
    found = agents(
        text.encode(encoding, "replace"), encoding=encoding if encoding in UNMARKED else None
    )
    assert found == [(line, str(n)) for line, n in enumerate(numbers, 2)]


CELL = st.sampled_from(["101", "102", "103", " 104", "x", "", "0", "1", "no", "east", "a\nb", GUID])


@settings(max_examples=examples(200), derandomize=True)
@given(
    header=st.permutations(["agent_id", "flag", "gateway", "guid", "n", "m"]),
    width=st.integers(1, 6),
    table=st.lists(st.lists(CELL, max_size=7), max_size=40),
    ranges=st.sampled_from([{}, {"east": (102, 103)}, {"east": (1, 102), "x": (103, 103)}]),
)
def test_every_record_is_one_row_and_the_quick_look_changes_nothing(
    header: list[str],
    width: int,
    table: list[list[str]],
    ranges: dict[str, tuple[int, int]],
) -> None:
    """The judge alone, record by record, gives what the whole reader gives."""
    header = [name for name in header if name in [*header[:width], "agent_id"]]
    lines = [",".join(f'"{cell}"' for cell in line) for line in [header, *table]]
    content = "\n".join(lines).encode()
    filled = [line for line in table if any(cell.strip() for cell in line)]
    with Roster("-", rules(agent_id_ranges=ranges), stdin=io.BytesIO(content)) as roster:
        if not filled:
            with pytest.raises(RosterRefused):
                list(roster.rows())
            return
        found = list(roster.rows())
        batches = roster._batches
    validate = RowValidator(batches._columns, batches._rules, batches._ranges, Duplicates(""))
    alone: list[RosterRow | Retraction] = []
    line = 2
    for cells in table:
        alone += validate.validate(cells, line)
        line += 1 + sum(cell.count("\n") for cell in cells)
    assert found == alone
    assert sum(isinstance(row, RosterRow) for row in found) == len(filled)


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize("agent", ["101", "bad", "0101", "1.0"])
def test_a_guid_anywhere_appears_in_the_guid_field_alone(position: int, agent: str) -> None:
    header = ["agent_id", "flag", "gateway", "guid", "note"]
    cells = [agent, "1", "east", "", "n"]
    cells[position] = GUID
    lines = [",".join(header), ",".join(cells), ",".join([*cells, GUID]), ",".join([GUID, *cells])]
    _, found = everything("\n".join(lines))
    for row in found:
        assert GUID not in repr(row)
        assert GUID not in str(row.__rich_repr__() if isinstance(row, RosterRow) else row)
        for name in row.__struct_fields__:
            assert name == "guid" or GUID not in str(getattr(row, name))


@pytest.mark.parametrize(
    "content",
    [
        f"{GUID},x\n101,1\n",
        f"agent_id,{GUID}\n101,{GUID}\n",
        f"{GUID}\n",
        f"agent_id,work no,{GUID}\n",
        f'agent_id,"{GUID}\n',
        f'agent_id,n\n101,"{GUID}"{GUID}\n',
        f"sep={GUID}\n101\n",
        f"agent_id\n{GUID}\xff\n",
    ],
)
def test_a_guid_in_a_header_or_a_broken_file_appears_nowhere(content: str) -> None:
    assert GUID not in str(outcome_of(content.encode("latin-1")))


def test_a_guid_in_an_option_or_a_path_is_not_repeated() -> None:
    with pytest.raises(RosterRefused) as refused:
        Roster(f"/nowhere/{GUID}.csv", rules())
    assert GUID not in str(refused.value)
    with pytest.raises(RosterRefused) as refused:
        everything("a\n101\n", agent_column=GUID)
    assert GUID not in str(refused.value)


def test_thousands_of_rows_with_a_few_odd_ones_keep_their_lines() -> None:
    odd = {7: "x,1", 300: "", 301: "101,1", 302: "102,0", 2000: '9000,"1\n"', 4999: "1 2,1"}
    lines = [odd.get(line, f"{line + 100},1") for line in range(1, 5001)]
    _, found = everything("agent_id,flag\n" + "\n".join(lines))
    bad = [(row.row, type(row).__name__) for row in found if row.reason]
    assert bad == [
        (8, "RosterRow"),
        (302, "RosterRow"),
        (3, "Retraction"),
        (303, "RosterRow"),
        (2001, "RosterRow"),
        (5001, "RosterRow"),
    ]
    assert sum(isinstance(row, RosterRow) for row in found) == 4999


@pytest.mark.parametrize(
    ("name", "count", "first"), [("evening_shift", 40, 1001), ("centre", 5000, 101)]
)
def test_the_samples_of_good_rosters(name: str, count: int, first: int) -> None:
    with Roster(SAMPLES / f"{name}.csv", RosterRules(flag=1)) as roster:
        assert not roster.layout.has_flag
        rows = [row for row in roster.rows() if isinstance(row, RosterRow) and row.status is None]
    assert [(row.row, row.agent_id) for row in rows] == [
        (line, str(first + line - 2)) for line in range(2, count + 2)
    ]


def test_the_sample_of_a_messy_roster_has_every_defect_once() -> None:
    found = rows_of((SAMPLES / "messy.csv").read_bytes())
    invalid = Status.INVALID
    assert [(row.row, row.column, row.status) for row in found] == [
        (2, "", None),
        (3, "", None),
        (4, "agent_id", invalid),
        (5, "agent_id", invalid),
        (6, "agent_id", invalid),
        (7, "agent_id", invalid),
        (8, "agent_id", invalid),
        (9, "agent_id", invalid),
        (10, "agent_id", invalid),
        (11, "agent_id", invalid),
        (12, "agent_id", invalid),
        (13, "flag", invalid),
        (14, "", Status.DUPLICATE),
        (15, "", None),  # until line 16 takes it back
        (16, "flag", invalid),
        (17, "guid", invalid),
        (18, "column 7", invalid),
        (19, "gateway", invalid),
    ]
