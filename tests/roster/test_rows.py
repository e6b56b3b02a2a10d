"""Which rows are assignments, and what is said of the others.

Proves --agent-id-range; guide "Agent IDs", "Rows that cannot be used", "The same agent twice".
"""

from __future__ import annotations

from itertools import product

import pytest

from bulkagent.model import Status
from bulkagent.roster import Retraction, RosterRow
from tests.roster.reading import GUID, everything, only_row, rows_of


@pytest.mark.parametrize("cell", ["101", "59999", " 101 ", "\t101\u3000", '"101"', '" 101"'])
def test_an_agent_id_is_digits_in_the_range(cell: str) -> None:
    row = only_row(f"agent_id\n{cell}\n", flag=1)
    assert row.status is None
    assert row == RosterRow(2, row.agent_id, "", 1, None, "", "", "", ())
    assert row.agent_id in {"101", "59999"}


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("100", "'100' is not from 101 to 59999"),
        ("60000", "is not from 101 to 59999"),
        ("9" * 5000, "is not from 101 to 59999"),
        ("0", "begins with 0"),
        ("0101", "begins with 0"),
        ("+101", "has a sign"),
        ("-101", "has a sign"),
        ("\uff11\uff10\uff11", "has digits other than the ASCII ones"),
        ("1\uff101", "has digits other than the ASCII ones"),
        ("abc", "'abc' is not an agent ID"),
        ("1 01", "is not an agent ID"),
        ("1_01", "is not an agent ID"),
        ("²01", "is not an agent ID"),
        ("", "the agent ID is missing"),
        ("1.01E+02", "format the column as text and export again"),
        ("1E5", "format the column as text and export again"),
        ("101.0", "format the column as text and export again"),
        ("101,0", "format the column as text and export again"),
        ("101,102", "format the column as text and export again"),
        ("1,01,0", "format the column as text and export again"),
    ],
)
def test_any_other_agent_cell_is_invalid_and_says_why(cell: str, reason: str) -> None:
    for content in (f"agent_id;n\n{cell};x\n", f"agent_id;n\n102;y\n{cell};x\n103;z\n"):
        row = next(row for row in rows_of(content) if row.extra == ("x",))
        assert (row.status, row.column) == (Status.INVALID, "agent_id")
        assert reason in row.reason


def test_newer_gateways_have_a_wider_range() -> None:
    assert only_row("agent_id\n999999\n", agent_id_range=(101, 999999)).status is None
    assert only_row("agent_id\n100\n", agent_id_range=(101, 999999)).status is Status.INVALID


RANGES = {"east": (101, 999_999), "west": (101, 200)}


@pytest.mark.parametrize("default", ["", "east", "west"])
def test_each_row_is_judged_by_the_range_of_its_gateway(default: str) -> None:
    numbers = [101, 200, 201, 59_999, 60_000, 999_999]
    gateways = ["", "east", "west", "north"]
    highest = {"east": 999_999, "west": 200, "north": 59_999}
    lines = [f"{gateway},{number}" for number in numbers for gateway in gateways]
    content = "\n".join(["gateway,agent", *lines])
    known = {"agent_id_ranges": RANGES, "gateways": frozenset(highest), "default_gateway": default}
    found = rows_of(content, **known)  # type: ignore[arg-type] # a mixture, by name
    assert [row.row for row in found] == list(range(2, len(lines) + 2))
    for row, (number, gateway) in zip(found, product(numbers, gateways), strict=True):
        most = highest.get(gateway or default, 59_999)
        if row.status is Status.DUPLICATE:
            assert gateway == default != ""
        elif number <= most:
            assert row.status is None
        else:
            whose = f", the agent IDs of {gateway or default}" if gateway or default else ""
            assert (row.status, row.column) == (Status.INVALID, "agent")
            assert row.reason == f"'{number}' is not from 101 to {most}{whose}"


def test_of_an_unknown_gateway_that_is_what_is_said_and_no_range() -> None:
    rules = {"agent_id_ranges": RANGES, "gateways": frozenset(RANGES)}
    row = only_row("agent,gateway\n60000,esat\n", **rules)  # type: ignore[arg-type]
    assert (row.column, row.reason) == (
        "gateway",
        "'esat' is not a configured gateway; known: east, west",
    )
    row = only_row("agent,gateway\n100,esat\n", **rules)  # type: ignore[arg-type]
    assert (row.column, row.reason) == ("agent", "'100' is not from 101 to 999999")


@pytest.mark.parametrize(
    ("cell", "flag"),
    [
        ("1", 1), ("0", 0), ("yes", 1), ("No", 0), ("ON", 1), ("off", 0), ("tRuE", 1),
        ("FALSE", 0), (" 1 ", 1),
    ],
)  # fmt: skip
def test_flags_are_said_in_several_ways(cell: str, flag: int) -> None:
    assert only_row(f"Flag,agent_id\n{cell},101\n").flag == flag


@pytest.mark.parametrize("cell", ["", "2", "01", "ja", "1.0", "\uff59\uff45\uff53"])
def test_anything_else_is_no_flag(cell: str) -> None:
    row = only_row(f"Flag,agent_id\n{cell},101\n")
    assert (row.status, row.column, row.flag, row.agent_id) == (Status.INVALID, "Flag", None, "101")
    assert "it must be 1 or 0" in row.reason


def test_the_flag_may_come_from_outside_or_be_unknown() -> None:
    assert only_row("101\n", flag=0).flag == 0
    assert only_row("101\n").flag is None


@pytest.mark.parametrize(
    "cell", [GUID, f"JSESSIONID={GUID}", f" {GUID}.AgentGateway0", "!~", "x" * 512]
)
def test_a_guid_is_visible_ascii_without_the_vendors_prefix(cell: str) -> None:
    row = only_row(f"agent_id,guid\n101,{cell}\n", guid_required=True)
    assert (row.status, row.guid) == (None, cell.strip().removeprefix("JSESSIONID="))


@pytest.mark.parametrize(
    "cell", ["a b", "a\x1b", "a\x1f", "é", "x" * 513, '"a\r\nX: y"', "JSESSIONID=", "\x7f", "a\x85"]
)
def test_a_guid_that_may_not_stand_in_a_header_is_invalid_and_never_quoted(cell: str) -> None:
    row = only_row(f"agent_id,guid\n101,{cell}\n")
    assert (row.status, row.column, row.guid) == (Status.INVALID, "guid", "")
    assert "'" not in row.reason


def test_a_row_without_a_guid_is_invalid_where_nothing_else_supplies_one() -> None:
    assert only_row("agent_id,guid\n101\n").status is None
    row = only_row("agent_id,guid\n101\n", guid_required=True)
    assert (row.status, row.column) == (Status.INVALID, "guid")


def test_a_gateway_is_the_rows_own_or_the_default() -> None:
    content = "agent_id,gateway\n101,east\n102,\n103\n104, west \n"
    found = rows_of(content, default_gateway="south")
    assert [row.gateway for row in found] == ["east", "south", "south", "west"]
    assert only_row("agent_id,gateway\n101,\n").gateway == ""


@pytest.mark.parametrize(
    "cell", ["https://gw", "a b", "-a", "a/b", "x" * 65, "größe", "\u202eevil", "a@b"]
)
def test_a_gateway_is_a_name_and_never_a_url(cell: str) -> None:
    row = only_row(f"agent_id,gateway\n101,{cell}\n", default_gateway="https://gw")
    assert (row.status, row.column) == (Status.INVALID, "gateway")
    assert len(row.gateway) <= 40
    again = rows_of(f"agent_id,gateway\n101,\n102,{cell}\n", default_gateway="https://gw")
    assert [found.status for found in again] == [None, Status.INVALID]


def test_configured_names_are_the_only_ones_where_they_are_known() -> None:
    found = rows_of("agent_id,gateway\n101,east\n102,west\n", gateways=frozenset({"east"}))
    assert [row.status for row in found] == [None, Status.INVALID]
    assert found[1].reason == "'west' is not a configured gateway; known: east"


def test_a_row_with_more_cells_than_the_header_is_invalid_and_a_shorter_one_fine() -> None:
    found = rows_of("agent_id,n\n101\n102,a,\n103,a,b\n104,,,c\n105,a\n")
    assert [row.status for row in found] == [None, None, Status.INVALID, Status.INVALID, None]
    assert [row.extra for row in found] == [("",), ("a",), ("a",), ("",), ("a",)]
    assert found[2].column == "column 3"
    wide = rows_of("agent_id,n,,\n101,a,,\n102,b,,\n103,c,d,\n104,e,,,\n")
    assert [row.status for row in wide] == [None, None, Status.INVALID, None]
    assert "may have shifted" in found[2].reason


def test_a_shifted_row_hides_its_cells_where_a_credential_may_be_among_them() -> None:
    row = only_row("agent_id,guid,name,gateway\nx,101,secret1,secret2,north\n")
    assert "secret" not in repr(row)
    assert row.agent_id == "(redacted)"


def test_the_same_agent_again_is_a_duplicate_and_the_first_row_counts() -> None:
    found = rows_of("agent_id,flag\n101,1\n102,1\n101,yes\n 101,1\n")
    assert [(row.status, row.reason) for row in found] == [
        (None, ""),
        (None, ""),
        (Status.DUPLICATE, "repeats line 2"),
        (Status.DUPLICATE, "repeats line 2"),
    ]
    assert rows_of("101\n101\n", flag=1)[1].status is Status.DUPLICATE
    assert rows_of("101\n101\n")[1].status is Status.DUPLICATE


def test_another_gateway_has_another_agent_of_that_number() -> None:
    content = "agent_id,gateway\n101,east\n101,west\n101,\n101,south\n"
    found = rows_of(content, flag=1, default_gateway="south")
    assert [row.status for row in found] == [None, None, None, Status.DUPLICATE]


def test_another_flag_makes_both_rows_invalid_and_every_further_one() -> None:
    _, found = everything("agent_id,Flag,gateway\n101,1,e\n102,1,e\n101,0,e\n101,1,e\n101,0,e\n")
    assert found[2] == Retraction(
        2, "Flag", "line 4 gives this agent the other flag", "101", "e", 1
    )
    rest = found[3:]
    assert all(isinstance(row, RosterRow) and row.status is Status.INVALID for row in rest)
    assert [row.reason for row in rest] == [
        "line 2 gives this agent the other flag",
        "line 2 and a later one give both flags",
        "line 2 and a later one give both flags",
    ]
    assert {row.column for row in rest} == {"Flag"}


def test_an_invalid_row_is_no_first_row() -> None:
    found = rows_of("agent_id,flag\n101,x\n101,1\n")
    assert [row.status for row in found] == [Status.INVALID, None]


def test_kept_cells_lose_blanks_and_guids_and_nothing_else() -> None:
    row = only_row(f"agent_id,a,b,c,d\n101, x ,id {GUID.upper()},=1+1,JSESSIONID=abc\n")
    assert row.extra == ("x", "(redacted)", "=1+1", "(redacted)")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200fb\u2066c", "a\\u200fb\\u2066c"),
        ("x" * 41, "x" * 39 + "…"),
        ("x" * 40, "x" * 40),
        ("\x07" * 40, "\\x07" * 9 + "\\x0…"),
        (f"x{GUID}y", "(redacted)"),
    ],
)
def test_text_is_made_harmless_before_it_is_quoted(cell: str, shown: str) -> None:
    row = only_row(f"agent_id\n{cell}\n")
    assert row.agent_id == shown
    assert row.reason.startswith(f"'{shown}' ")
    if len(cell) < 10:
        for column in ("flag", "gateway"):
            assert f"'{shown}!' is not" in only_row(f"agent_id,{column}\n101,{cell}!\n").reason


def test_guids_are_asked_for_where_the_roster_has_a_column_of_them() -> None:
    with_column = rows_of("agent,guid\n101,abc\n102,\n", flag=0, guid_required=None)
    assert [row.status for row in with_column] == [None, Status.INVALID]
    without = rows_of("agent,team\n101,a\n102,\n", flag=0, guid_required=None)
    assert [row.status for row in without] == [None, None]
