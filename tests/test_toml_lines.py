"""In which line of a TOML file a key stands."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import SettingsRefused
from bulkagent.text.toml_lines import read_toml

TEXT = """\
# rate = "1/s"
rate = "100/s"

note = '''
burst = 3
'''
burst = 4
[gateways.east]
url = "https://a"
limits.most = 3
[gateways."odd name"]
url = "https://b"
[[faults]]
kind = "reset"
[[faults]]
kind = "busy"
[faults.where]
share = 0.5
"""


@pytest.mark.parametrize(
    ("path", "line", "place"),
    [
        (("rate",), 2, "line 2, rate"),
        (("burst",), 7, "line 7, burst"),
        (("gateways", "east"), 8, "line 8, east of [gateways]"),
        (("gateways", "east", "url"), 9, "line 9, url of [gateways.east]"),
        (("gateways", "east", "limits", "most"), 10, "line 10, most of [gateways.east.limits]"),
        (("gateways", "odd name", "url"), 12, "line 12, url of [gateways.odd name]"),
        (("faults", 0, "kind"), 14, "line 14, kind of [[faults]] number 1"),
        (("faults", 1, "kind"), 16, "line 16, kind of [[faults]] number 2"),
        (("faults", 1, "where", "share"), 18, "line 18, share of [[faults.where]] number 2"),
        (("gateways", "east", "nowhere"), 8, "line 8, nowhere of [gateways.east]"),
        (("nothing",), 0, "nothing"),
    ],
)
def test_a_key_is_found_in_its_line(path: tuple[str | int, ...], line: int, place: str) -> None:
    toml = read_toml(TEXT.encode(), "x.toml")
    assert toml.table == tomllib.loads(TEXT)
    assert (toml.line_of(path), toml.place_of(path)) == (line, place)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = 1\nb = \xff\n", "x.toml, line 2: that is not UTF-8"),
        (b"a = 1\nb\n", "x.toml: that is not TOML: "),
        (b"a = " + b"[" * 5_000, "x.toml: that is not TOML: "),
        (b"\xef\xbb\xbfa b", "(at line 1, column 3)"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(content: bytes, told: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_toml(content, "x.toml")
    assert told in str(refused.value)


def test_a_byte_order_mark_is_taken_off() -> None:
    assert read_toml(b"\xef\xbb\xbfa = 1", "x").table == {"a": 1}


@given(st.text('ab.[]="# \n', max_size=40))
def test_any_text_is_looked_through(text: str) -> None:
    try:
        toml = read_toml(text.encode(), "x")
    except SettingsRefused:
        return
    for key in toml.table:
        assert 1 <= toml.line_of((key,)) <= text.count("\n") + 1
