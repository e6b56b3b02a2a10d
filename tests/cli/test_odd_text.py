"""Bytes that are no UTF-8 in names, notes, paths and the environment: told, kept, found again."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.ledger import Database
from bulkagent.text.undecodable import as_json, encodable, path_of
from tests.cli.command import COMMAND, Ended, environment, inside
from tests.waiting import HANG_S

ODD = os.fsdecode(b"caf\xe9")
SPELLED = r"caf\udce9"


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / ODD
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("names of this file system are text")
    (folder / f"{ODD}.csv").write_text("agent_id,name\n101,Ann\n102,Bob\n")
    return folder


def run(folder: Path, *arguments: object, **more: str) -> Ended:
    """The command, with a user, a home and a job in odd bytes."""
    names = {"LOGNAME": ODD, "USER": ODD, "SUDO_USER": ODD, "BULKAGENT_JOB": ODD, **more}
    done = subprocess.run(
        [os.fsencode(part) for part in (str(COMMAND), *map(str, arguments))],
        cwd=folder,
        env=environment(folder, names),
        capture_output=True,
        timeout=HANG_S,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.matrix
def test_a_run_whose_every_name_has_them(odd: Path) -> None:
    """User name, current folder, --note, --job, all paths: UnicodeEncodeError before."""
    formats = ("csv", "json", "jsonl", "html", "xlsx")
    reports = [part for suffix in formats for part in ("--report", f"{ODD}.report.{suffix}")]
    files = ("--log-file", f"{ODD}.log", "--metrics-file", f"{ODD}.prom", "--events", f"{ODD}.ev")
    emulated = ("--flag", "1", "--gateway", "emulated")
    done = run(odd, "apply", f"{ODD}.csv", *emulated, *reports, *files, "--note", ODD, "--json")
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert done.json["reports"][0].endswith(f"{SPELLED}.report.csv")
    for suffix in formats:
        (odd / f"{ODD}.report.{suffix}").read_bytes()
    told = json.loads((odd / f"{ODD}.report.json").read_text())
    assert told["run"]["roster"].endswith(f"{SPELLED}.csv")
    assert SPELLED in (odd / f"{ODD}.report.html").read_text().replace("\\\\", "\\")
    assert f'job="{SPELLED}"' in (odd / f"{ODD}.prom").read_text().replace("\\\\", "\\")
    for line in (odd / f"{ODD}.log").read_text().splitlines():
        json.loads(line)

    shown = inside(odd, "show", "last", "--json").json
    assert SPELLED in json.dumps(shown).replace("\\\\", "\\")
    assert inside(odd, "show", "last").code == 0
    assert len(inside(odd, "runs", "--job", ODD, "--json").json["runs"]) == 1
    nobody = inside(odd, "runs", "--agent", ODD)
    assert "damaged" not in nobody.err
    for suffix in formats:
        assert inside(odd, "report", "last", "--to", f"{ODD}.2.{suffix}").code == 0
    assert inside(odd, "doctor", "--gateway", "https://127.0.0.1:1", "--json").code == 2

    # A resume finds the roster and its reports by their own bytes again.
    before = sorted(odd.iterdir())
    again = run(odd, "resume", "last", "--override", ODD, "--note", ODD)
    assert again.code == 0, again.err
    assert sorted(odd.iterdir()) == before
    with (odd / f"{ODD}.report.csv").open(newline="") as file:
        assert [line["status"] for line in csv.DictReader(file)] == ["applied"] * 2
    reverted = run(odd, "revert", "last", "--yes", "--note", ODD)
    assert "defect" not in reverted.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("emulate", "--host", ODD),
        ("check", f"{ODD}.csv", "--agent-column", ODD),
        ("apply", f"{ODD}.csv", "--gateway", ODD, "--flag", "1"),
        ("apply", f"{ODD}.csv", "--gateway", f"https://{ODD}:1", "--flag", "1"),
        ("apply", f"{ODD}.csv", "--gateway", "https://x:1", "--flag", "1", "--sessions", ODD),
        ("apply", f"{ODD}.csv", "--gateway", "emulated", "--flag", "1", "--scenario", ODD),
        ("apply", f"{ODD}.csv", "--gateway", "emulated", "--flag", "1", "--config", ODD),
        ("show", ODD),
        ("resume", ODD),
        ("explain", ODD),
        ("prune", "--older-than", ODD),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(odd: Path, arguments: tuple[str]) -> None:
    refused = inside(odd, *arguments)
    assert refused.code == 2, refused.err
    assert "defect" not in refused.err


def test_an_environment_with_them_is_refused_where_it_is_used(odd: Path) -> None:
    wrong = inside(odd, "check", f"{ODD}.csv", surroundings={"BULKAGENT_RATE": ODD})
    assert "defect" not in wrong.err
    assert wrong.code in {0, 2}


@given(st.text(alphabet=st.characters(codec=None), max_size=20))
def test_any_text_can_be_kept(text: str) -> None:
    encodable(text).encode()
    assert encodable(encodable(text)) == encodable(text)
    assert json.loads(as_json({text: [text, {"x": text}]})) == {
        encodable(text): [encodable(text), {"x": encodable(text)}]
    }


@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name))
def test_a_path_is_found_by_its_spelling(name: bytes) -> None:
    path = f"/nowhere/{os.fsdecode(name)}"
    assert path_of(encodable(path)) == path or r"\udc" in os.fsdecode(name)


def test_a_name_that_is_spelled_so_is_meant_itself(tmp_path: Path) -> None:
    literal = tmp_path / SPELLED
    assert path_of(str(literal)) == str(tmp_path / ODD)
    literal.touch()
    assert path_of(str(literal)) == str(literal)


def test_the_ledger_takes_and_finds_what_people_gave(tmp_path: Path) -> None:
    from bulkagent.ledger import open_ledger

    with open_ledger(tmp_path / "ledger.sqlite3") as database:
        assert isinstance(database, Database)
        assert database.all("SELECT ?", (ODD,)) == [(SPELLED,)]
        database.define("CREATE TEMP TABLE said (text)")
        with database.locked():
            assert database.execute("INSERT INTO temp.said VALUES (?)", [(ODD,)]) == 1
            with pytest.raises(UnicodeEncodeError):
                database.execute("INSERT INTO temp.said VALUES (?)", [("a",), (ODD,)])
        assert database.all("SELECT text FROM temp.said")[0] == (SPELLED,)
