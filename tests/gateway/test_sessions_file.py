"""The form of a sessions file: what is read of it, and that what is written can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.sessions_file import SavedSession, SessionLines, write_sessions
from tests.gateway.raw import GUID

JSON = b"""\
{"gateway":"east","agent_id":"101","guid":"g-1","cookie":"node=1","issued_at":"2026-01-31T06:00:00.5Z"}

{"agent_id":102,"guid":"JSESSIONID=g-2","issued_at":1769839200}
{"agent_id":"103"}
"""
CSV = b"""\
Gateway, agent_id ,guid,more,cookie,issued_at
east,101,g-1,,node=1,2026-01-31T06:00:00.5Z

,102,JSESSIONID=g-2,x,,1769839200
,103
"""
SAID = [
    SavedSession("east", "101", Credential("g-1", "node=1", 1_769_839_200_500)),
    SavedSession("", "102", Credential("g-2", "", 1_769_839_200_000)),
    SavedSession("", "103", None),
]


def sessions(data: bytes) -> list[SavedSession | None]:
    return [line.session for line in SessionLines().read(data)]


@pytest.mark.parametrize("data", [JSON, CSV, b"\xef\xbb\xbf" + JSON, b"\xef\xbb\xbf" + CSV])
def test_both_forms_say_the_same(data: bytes) -> None:
    assert sessions(data) == SAID
    assert sessions(data.replace(b"\n", b"\r\n")) == SAID


@pytest.mark.parametrize("data", [b"", b"\n", b"agent_id,guid\n", b"agent_id,g"])
def test_a_file_may_have_nothing_in_it_yet(data: bytes) -> None:
    assert sessions(data) == []


@pytest.mark.parametrize("cut", range(1, 50))
def test_a_last_line_that_is_not_complete_says_nothing(cut: int) -> None:
    line = b'{"agent_id":"104","guid":"g-4-and-more-of-it-here"}'
    assert sessions(JSON + line[:-cut]) == SAID
    assert sessions(JSON + line) == [
        *SAID,
        SavedSession("", "104", Credential("g-4-and-more-of-it-here")),
    ]
    assert sessions(CSV + b"east,104,g-4-and-more-of-it-here"[:-cut]) == SAID


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "JSON"),
        (b"[]", "JSON"),
        (b'{"guid":"g"}', "the key `agent_id` is missing"),
        (b'{"agent_id":"101","guid":7}', "has a wrong guid: that takes a text, not a whole number"),
        (
            b'{"agent_id":[],"guid":"g"}',
            "wrong agent_id: that takes a whole number or a text, not a",
        ),
        (b'{"agent_id":"abc","guid":"g"}', "agent ID"),
        (b'{"agent_id":"1234567","guid":"g"}', "agent ID"),
        (b'{"agent_id":"101","guid":"a b"}', "GUID"),
        (b'{"agent_id":"101","guid":"a\\r\\nHost: x"}', "GUID"),
        (b'{"agent_id":"101","guid":"\xc3\xa9"}', "GUID"),
        (b'{"agent_id":"101","guid":"' + b"g" * 5_000 + b'"}', "GUID"),
        (b'{"agent_id":"101","guid":"g","cookie":"a\\nb"}', "cookie"),
        (b'{"agent_id":"101","guid":"g","issued_at":"yesterday"}', "issued_at"),
        (b'{"agent_id":"101","guid":"g","issued_at":"2026-01-31T06:00:00"}', "time zone"),
        (b'{"agent_id":"101","guid":"g","issued_at":1e999}', "JSON|issued_at"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_without_quoting_it(line: bytes, problem: str) -> None:
    first, second = SessionLines().read(b'{"agent_id":"101"}\n' + line + b"\n")
    assert first.session is not None
    assert (second.line, second.session) == (2, None)
    assert any(word in second.problem for word in problem.split("|"))
    assert "Host" not in second.problem


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"agent,guid\n101,g\n", "no column agent_id"),
        (b"agent_id\n101\n", "no column guid"),
        (b"x\n", "no column agent_id and no column guid"),
        (b"agent_id,\xff\n101,g\n", "UTF-8"),
        (b'agent_id,"guid\n101,g\n', "CSV"),
    ],
)
def test_a_file_of_neither_form_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        list(SessionLines().read(data))


HEAD = b"agent_id,guid\n"
GOOD_JSON = [b'{"agent_id":"%d","guid":"g-%d"}' % (agent, agent) for agent in range(101, 106)]
GOOD_CSV = [b"%d,g-%d" % (agent, agent) for agent in range(101, 106)]


@pytest.mark.parametrize(
    ("head", "good", "bad"),
    [
        (b"", GOOD_JSON, b'{"agent_id":"200","guid":"caf\xe9"}'),
        (b"", GOOD_JSON, b"\xff\xfe{"),
        (HEAD, GOOD_CSV, b"200,caf\xe9"),
        (HEAD, GOOD_CSV, b'200,"g-200'),
        (HEAD, GOOD_CSV, b'200,"g"200'),
    ],
)
@pytest.mark.parametrize("place", range(6))
def test_bytes_that_are_no_utf_8_are_the_fault_of_their_line_alone(
    head: bytes, good: list[bytes], bad: bytes, place: int
) -> None:
    """They hid all lines after them, also when they had been corrected."""
    read = SessionLines()
    whole = [*good[:place], bad, *good[place:]]
    data = head + b"".join(line + b"\n" for line in whole)
    lines = list(read.read(data))
    assert [line.session for line in lines if line.session] == sessions(
        head + b"".join(line + b"\n" for line in good)
    )
    (wrong,) = (line for line in lines if line.session is None)
    assert wrong.line == place + 1 + bool(head)
    assert "UTF-8" in wrong.problem or "JSON" in wrong.problem
    # As long as it is there it is said; once it is corrected, it is read.
    assert wrong in list(read.read(data + b"\n"))
    again = list(read.read(data.replace(bad, good[0].replace(b"101", b"200"))))
    assert SavedSession("", "200", Credential("g-200")) in [line.session for line in again]
    assert all(line.session for line in again)


def test_lines_that_nobody_has_taken_yet_are_said_again() -> None:
    """A reader may be stopped on the way, and what came after was known from then on."""
    lines = SessionLines()
    assert next(lines.read(JSON)).session == SAID[0]
    assert [line.session for line in lines.read(JSON)] == SAID


@given(st.lists(st.binary(max_size=40), max_size=6), st.sampled_from((b"", HEAD)))
def test_whatever_bytes_it_has_a_session_or_a_problem_comes_of_each_line(
    junk: list[bytes], head: bytes
) -> None:
    last = b'{"agent_id":"105","guid":"g"}' if not head else b"105,g"
    first = b'{"agent_id":"104","guid":"g"}' if not head else b"104,g"
    data = b"\n".join([head.strip() or first, *junk, last, b""])
    lines = list(SessionLines().read(data))
    assert lines[-1].session == SavedSession("", "105", Credential("g"))
    assert all((line.session is None) == bool(line.problem) for line in lines)


def test_what_has_not_changed_is_not_said_again() -> None:
    lines = SessionLines()
    assert len(list(lines.read(JSON))) == 3
    assert list(lines.read(JSON)) == []
    (changed,) = lines.read(JSON.replace(b"g-1", b"g-9"))
    assert changed.session == SavedSession(
        "east", "101", Credential("g-9", "node=1", 1_769_839_200_500)
    )
    # What comes back after it had been replaced is news again.
    (back,) = lines.read(JSON)
    assert back.session == SAID[0]


PLAIN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60)
COOKIES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
CREDENTIALS = st.builds(
    Credential,
    PLAIN.filter(lambda text: text and not text.startswith("JSESSIONID=")),
    COOKIES.map(str.strip),
    st.none() | st.integers(0, 4_000_000_000_000),
)
SESSIONS = st.builds(
    SavedSession,
    st.sampled_from(["", "east", "west-1", "https://gw:8043"]),
    st.integers(101, 999_999).map(str),
    st.none() | CREDENTIALS,
)


@given(written=st.lists(SESSIONS), name=st.sampled_from(["live.jsonl", "live.csv", "live"]))
def test_what_is_written_is_read(
    written: list[SavedSession], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("written") / name
    write_sessions(path, written)
    assert sessions(path.read_bytes()) == written


def test_a_file_is_replaced_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path, link = tmp_path / "live.jsonl", tmp_path / "link.jsonl"
    write_sessions(path, [SavedSession("", "101", Credential(GUID))])
    old = path.open("rb")
    link.symlink_to(path)
    write_sessions(link, [SavedSession("", "102", Credential(GUID))])
    with old:
        assert b"101" in old.read(), "whoever reads the old one reads it to its end"
    assert link.is_symlink()
    assert b"102" in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "live.jsonl"
    write_sessions(path, now := [SavedSession("", "101", Credential(GUID))])

    def failing() -> list[SavedSession]:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_sessions(path, (session for session in [*now] if failing()))
    assert sessions(path.read_bytes()) == now
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "said",
    [
        "1769839200",
        "1769839200.0",
        "1769839200000",
        "1769839200000000",
        "1769839200000000000",
        '"1769839200"',
        '"1769839200000"',
        "1.7698392e12",
        '"2026-01-31T06:00:00Z"',
        '"2026-01-31T07:00:00+01:00"',
    ],
)
def test_issued_at_in_milliseconds_and_other_units_is_recognised(said: str) -> None:
    data = f'{{"agent_id":"101","guid":"g","issued_at":{said}}}\n'.encode()
    (line,) = SessionLines().read(data)
    assert line.session is not None
    assert line.session.credential is not None
    assert line.session.credential.issued_at == 1_769_839_200_000


@pytest.mark.parametrize("said", ["1e20", '"nan"', '"inf"', '"-inf"'])
def test_issued_at_that_is_no_time_is_a_problem_of_its_line(said: str) -> None:
    data = f'{{"agent_id":"101","guid":"g","issued_at":{said}}}\n'.encode()
    (line,) = SessionLines().read(data)
    assert line.session is None
    assert "issued_at" in line.problem
