"""--skip-invalid with and without its number, wherever it stands on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.cli.options.optional_values import filled_in
from bulkagent.cli.options.values import skip_invalid_of
from bulkagent.errors import SettingsRefused
from tests.cli.command import inside

WITH_VALUE = frozenset({"--note", "--flag", "--skip-invalid"})


@pytest.mark.parametrize(
    ("typed", "filled"),
    [
        ("--skip-invalid r.csv", "--skip-invalid=1% r.csv"),
        ("r.csv --skip-invalid", "r.csv --skip-invalid=1%"),
        ("r.csv --skip-invalid --flag 0", "r.csv --skip-invalid=1% --flag 0"),
        ("--skip-invalid 5 r.csv", "--skip-invalid=5 r.csv"),
        ("--skip-invalid=5 r.csv", "--skip-invalid=5 r.csv"),
        ("--skip-invalid -1 r.csv", "--skip-invalid=-1 r.csv"),
        ("--skip-invalid 5% r.csv", "--skip-invalid=5% r.csv"),
        ("--skip-invalid 2026-03-29.csv", "--skip-invalid=1% 2026-03-29.csv"),
        ("--note --skip-invalid r.csv", "--note --skip-invalid r.csv"),
        ("-- --skip-invalid 5", "-- --skip-invalid 5"),
        ("--skip-invalid -- 5", "--skip-invalid=1% -- 5"),
        ("--skip-invalid -", "--skip-invalid=1% -"),
        ("--note", "--note"),
    ],
)
def test_a_number_that_is_left_out_is_filled_in(typed: str, filled: str) -> None:
    assert filled_in(typed.split(), WITH_VALUE) == filled.split()


WORDS = st.sampled_from(["--skip-invalid", "--note", "--flag", "--", "5", "r.csv", "-q", "a=b"])


@given(st.lists(WORDS, max_size=9))
def test_nothing_else_of_a_command_line_changes(words: list[str]) -> None:
    filled = filled_in(words, WITH_VALUE)
    back = [part for word in filled for part in _apart(word)]
    assert back == words
    assert filled_in(filled, WITH_VALUE) == filled


def _apart(word: str) -> list[str]:
    name, _, value = word.partition("=")
    if name != "--skip-invalid" or not value:
        return [word]
    return [name] if value == "1%" else [name, value]


@pytest.mark.parametrize("text", ["5%", "-1", "", "five", "1e3", "1,000", "9999999999", "٣"])
def test_what_is_no_number_of_rows_is_refused(text: str) -> None:
    with pytest.raises(SettingsRefused, match=r"--skip-invalid: .*number of rows"):
        skip_invalid_of(text)


def test_skip_invalid_stands_anywhere_and_checks_what_it_takes(tmp_path: Path) -> None:
    rows = ["agent_id", *map(str, range(1001, 1011)), *["Total"] * 4]
    (tmp_path / "r.csv").write_text("\n".join([*rows, ""]))
    assert inside(tmp_path, "check", "--skip-invalid", "4", "r.csv").code == 0
    assert inside(tmp_path, "check", "r.csv", "--skip-invalid=4").code == 0
    for more in (["--skip-invalid"], ["--skip-invalid", "3"], []):
        refused = inside(tmp_path, "check", "r.csv", *more, "--json")
        assert (refused.code, refused.json["totals"]["invalid"]) == (2, 4)
    assert (
        "3 at most where no number is given"
        in inside(tmp_path, "check", "--skip-invalid", "r.csv").err
    )
