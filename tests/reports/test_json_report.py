"""The JSON reports: the same facts as values, every text to the letter."""

from __future__ import annotations

import enum
import json
import pathlib
import types
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.model import Line
from bulkagent.reports import COLUMNS
from bulkagent.reports.timestamps import iso
from tests.reports.lines import (
    APPLIED,
    HOSTILE,
    INVALID,
    PROPERTY,
    any_line,
    encoded,
    line,
)

# What a program would read of the plain line.
READ = {
    "row": 2,
    "agent_id": "1001",
    "gateway": "east",
    "flag": "1",
    "status": "applied",
    "cause": None,
    "retcode": "0",
    "message": "success",
    "http_status": 200,
    "attempts": 1,
    "latency_ms": 12.3,
    "first_sent_at": "2026-11-22T06:00:00.123Z",
    "finished_at": "2026-11-22T06:00:01.000Z",
}


def document(data: bytes) -> dict[str, Any]:
    # A strict reader: it refuses lone surrogates, which Python's own would let pass.
    return msgspec.json.decode(data, type=dict[str, Any])


def of_lines(data: bytes) -> list[dict[str, Any]]:
    assert data == b"" or data.endswith(b"\n")
    return [document(each.encode()) for each in data.decode().splitlines()]


def expected(given_line: Line, names: tuple[str, ...]) -> dict[str, object]:
    def there(text: str) -> str | None:
        return text.encode("utf-8", "backslashreplace").decode() or None

    facts = msgspec.structs.asdict(given_line)
    extra = facts.pop("extra")
    for name in ("agent_id", "gateway", "flag", "retcode", "message"):
        facts[name] = there(facts[name])
    for name in ("first_sent_at", "finished_at"):
        facts[name] = None if facts[name] is None else iso(facts[name])
    if facts["latency_ms"] is not None:
        facts["latency_ms"] = round(facts["latency_ms"], 1)
    return {**facts, **dict(zip(names, map(there, extra), strict=True))}


def test_json_is_one_object_of_run_and_lines() -> None:
    data = encoded(".json", [line(extra=("Zo\u00eb",)), INVALID], ("name",), {"run_id": "R1"})
    read = document(data)
    assert list(read) == ["run", "lines"]
    assert read["run"] == {"run_id": "R1"}
    assert read["lines"][0] == {**READ, "name": "Zo\u00eb"}
    assert list(read["lines"][0]) == [*COLUMNS, "name"]


def test_what_there_is_none_of_is_null() -> None:
    facts = document(encoded(".jsonl", [INVALID], ("name",)))
    zero = {"row": 3, "status": "invalid", "cause": "bad_row", "attempts": 0}
    assert facts == {**dict.fromkeys([*COLUMNS, "name"]), **zero}


def test_json_lines_has_one_object_per_line_and_nothing_else() -> None:
    data = encoded(".jsonl", [APPLIED, INVALID], (), {"run_id": "R1"})
    assert [read["row"] for read in of_lines(data)] == [2, 3]
    assert of_lines(data)[0] == READ


def test_a_run_without_rows() -> None:
    assert document(encoded(".json", [])) == {"run": {}, "lines": []}
    assert encoded(".jsonl", []) == b""


def test_roster_columns_never_hide_ours() -> None:
    facts = document(encoded(".jsonl", [line(extra=("theirs", "x"))], ("status", "status")))
    assert facts == {**READ, "roster_status": "theirs", "roster_status_2": "x"}


def test_a_formula_is_text_like_any_other() -> None:
    assert document(encoded(".jsonl", [line(message="=1+1")]))["message"] == "=1+1"


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x7f", "\x9b31m \x85 \u2028 \u202e é \u00a0", "\x1b\x7f\x9b\u2066"]
)
def test_the_file_obeys_nobody_and_still_reads_back(text: str) -> None:
    data = encoded(".jsonl", [line(message=text)])
    assert len(data.decode().splitlines()) == 1
    assert not set("\x1b\x9b\x7f\x85\u2028\u202e\u2066") & set(data.decode())
    assert document(data)["message"] == text


def test_names_obey_nobody_and_still_read_back() -> None:
    data = encoded(".jsonl", [line(extra=("a",))], ("n\x9b",))
    assert "\x9b" not in data.decode()
    assert document(data)["n\x9b"] == "a"


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_lone_surrogate_is_shown_as_its_escape(suffix: str) -> None:
    lines = [line(message="a\ud800", extra=("\udc80\x9b",))]
    data = encoded(suffix, lines, ("n\udfff",), {"roster": "\udcff.csv"})
    facts = document(data)["lines"][0] if suffix == ".json" else document(data)
    assert facts["message"] == "a\\ud800"
    assert facts["n\\udfff"] == "\\udc80\x9b"


class Colour(enum.Enum):
    RED = "red"


def test_facts_of_the_run_may_be_any_plain_value() -> None:
    run = types.MappingProxyType(
        {
            "path": pathlib.PurePosixPath("/tmp/r.csv"),  # noqa: S108 - a name, never opened
            "totals": {"applied": 1},
            "list": (1, 2.5, None, True, "\ud800"),
            "colour": Colour.RED,
            "\udc80": INVALID,
        }
    )
    read = document(encoded(".json", [], (), run))["run"]
    assert read["path"] == "/tmp/r.csv"  # noqa: S108 - as above
    assert read["totals"] == {"applied": 1}
    assert read["list"] == [1, 2.5, None, True, "\\ud800"]
    assert read["colour"] == "red"
    assert read["\\udc80"]["status"] == "invalid"


@PROPERTY
@given(st.lists(any_line(HOSTILE, width=2), max_size=4))
def test_any_lines_read_back_as_the_same_values(lines: list[Line]) -> None:
    names = ("name", "team")
    wanted = [expected(each, names) for each in lines]
    as_lines = encoded(".jsonl", lines, names)
    assert of_lines(as_lines) == wanted
    as_document = encoded(".json", lines, names, {"run_id": "R1"})
    assert document(as_document) == {"run": {"run_id": "R1"}, "lines": wanted}
    assert json.loads(as_document) == document(as_document)


@PROPERTY
@given(HOSTILE, HOSTILE)
def test_any_names_are_keys_each_once(name: str, other: str) -> None:
    facts = document(encoded(".jsonl", [line(extra=("a", "b"))], (name, other)))
    assert len(facts) == len(COLUMNS) + 2
    assert [*facts.values()][-2:] == ["a", "b"]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_row_with_fewer_cells_has_nulls_and_one_with_more_is_an_error(suffix: str) -> None:
    assert b'"y":null' in encoded(suffix, [line(extra=("a",))], ("x", "y"))
    with pytest.raises(ValueError, match="2 cells for 1 roster columns"):
        encoded(suffix, [line(extra=("a", "b"))], ("x",))
