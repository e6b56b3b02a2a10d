"""`bulkagent guide`: the list of topics, a page for a terminal, a page as it is written."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bulkagent.cli import app
from bulkagent.cli.console.pager import pager_environment, pager_words
from bulkagent.cli.render.markdown import rendered
from bulkagent.guide import page, topics
from bulkagent.guide.search import OTHER_WORDS, Place, places_of
from bulkagent.guide.sections import heading_at
from tests.cli.command import COMMAND, environment, inside
from tests.cli.test_completion import completed
from tests.documents import PAGES
from tests.waiting import HANG_S

LONG = max(PAGES, key=lambda name: len(PAGES[name]))


def test_without_a_topic_it_lists_them_with_a_line_each(tmp_path: Path) -> None:
    listed = inside(tmp_path, "guide").out.splitlines()
    assert [line.split()[0] for line in listed[:-2]] == [each.name for each in topics()]
    assert all(each.line in line for each, line in zip(topics(), listed, strict=False))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_goes_into_a_pipe_as_it_is_written(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path, "guide", name).out == PAGES[name]


def test_a_topic_that_there_is_not_is_refused_with_the_nearest(tmp_path: Path) -> None:
    ended = inside(tmp_path, "guide", "emulater")
    assert ended.code == 2
    assert "no page 'emulater'; did you mean emulator?" in ended.err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("one agent gets no calls", "trouble  One agent gets no calls"),
        ("NO calls", "trouble "),
        ("no calls to a zebra", "`bulkagent guide` lists all topics"),
        ("retry-after", "outages "),
        ("undo", "revert "),
        ("cancel", "resume "),
        ("how do I abort a run", "resume "),
        ("Colleague", "guardrails "),
        ("two people", "guardrails  Two runs on the same agents"),
        ("", "`bulkagent guide` lists all topics"),
    ],
)
def test_words_that_are_no_topic_are_looked_for_in_the_pages(
    tmp_path: Path, words: str, found: str
) -> None:
    ended = inside(tmp_path, "guide", words)
    assert (ended.code, ended.out) == (2, "")
    said = ended.err.splitlines()
    assert said[0].startswith(f"bulkagent: the guide has no page {words!r}")
    assert found in ended.err
    assert len(said) <= 1 + 5 + 1
    assert "more    " not in ended.err


def test_other_words_are_of_topics_and_none_is_a_topic_itself() -> None:
    for name in OTHER_WORDS:
        topic, _, anchor = name.partition("#")
        assert not anchor or heading_at(PAGES[topic], anchor), name
        assert topic in PAGES
    said = [word for words in OTHER_WORDS.values() for word in words]
    assert [word for word in said if word in OTHER_WORDS or word != word.lower()] == []


def test_the_part_of_a_page_that_is_about_the_words_comes_first() -> None:
    pages = {
        "apart": "# A\n\ncalls, and no\n",
        "below": "# B\n\nB\n\n## C\n\nNo *calls*.\n",
        "shown": "# D\n\n```console\nno calls\n```\n",
        "heading": "# E\n\nno calls\n\n## Calls: `no`\n\nF\n",
        "other": "# G\n\nno callsign\n",
    }
    assert places_of("no calls", pages, most=2) == (
        Place("heading", "Calls: no"),
        Place("below", "C"),
    )
    assert places_of("no calls", pages, most=9)[2:] == (Place("apart", "A"),)


def test_an_installation_without_pages_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkagent.guide.pages.files", lambda _: tmp_path)
    for arguments in (["guide"], ["guide", "start"], ["guide", "of nothing"]):
        ended = CliRunner().invoke(app, arguments)
        assert ended.exit_code == 2
        assert "this installation lacks the page" in ended.stderr
        assert ended.stderr.count("\n") == 1
    (tmp_path / "shift.md").write_text("# Shift\n\nOne line.\n\nA [part](start.md#x).\n")
    assert CliRunner().invoke(app, ["guide"]).stdout.startswith("shift  One line.")
    assert "part (bulkagent guide start" in rendered(page("shift"), width=80, styled=False)


def test_the_tab_key_finds_topics(tmp_path: Path) -> None:
    found = [name for name in PAGES if name.startswith("s")]
    assert sorted(completed(tmp_path, "bulkagent guide s")) == found


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [60, 120])
def test_prose_fits_the_terminal(name: str, width: int) -> None:
    for line in rendered(PAGES[name], width=width, styled=False).splitlines():
        # A command, a path and an address stay whole.
        assert len(line) <= width or re.match(r" +\S+( |$)", line) or "/" in line, line


def test_a_link_to_a_page_is_the_command_that_opens_it() -> None:
    page = "# A\n\nSee [`bulkagent guide codes`](codes.md#causes) and [GUIDs](guids.md).\n"
    shown = rendered(page, width=100, styled=False)
    assert 'See bulkagent guide codes, "Causes" and GUIDs (bulkagent guide guids).' in shown


@pytest.mark.parametrize("name", PAGES)
def test_no_cell_of_a_table_is_cut(name: str) -> None:
    assert "\u2026" not in rendered(PAGES[name], width=60, styled=False)


def test_a_link_to_a_part_of_a_page_names_its_heading() -> None:
    page = "# A\n\n[Codes](codes.md#exit-codes), [below](#what-it-is), [gone](codes.md#x).\n\n"
    shown = rendered(f"{page}## What it is\n", width=100, styled=False)
    assert 'Codes (bulkagent guide codes, "Exit codes"), below ("What it is"), gone' in shown


@pytest.mark.parametrize("name", PAGES)
def test_bullets_and_rules_are_ascii_where_nothing_else_can_be_shown(name: str) -> None:
    drawn = rendered(PAGES[name], width=80, styled=False, encoding="ascii")
    assert {each for each in drawn if not each.isascii()} <= set(PAGES[name])


def test_a_comment_for_writers_is_not_shown() -> None:
    assert "hidden" not in rendered("# A\n\n<!-- hidden\nfrom readers -->\nB\n", width=80)


@pytest.mark.parametrize(
    ("surroundings", "words"),
    [
        ({"PAGER": "more -s"}, ["more", "-s"]),
        ({"PAGER": "less -i"}, ["less", "-i", "-R"]),
        ({"PAGER": ""}, ["less", "-R"]),
        ({"PAGER": "'"}, ["less", "-R"]),
        ({}, ["less", "-R"]),
    ],
)
def test_the_pager_is_the_persons_own_or_less(
    surroundings: dict[str, str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: name)
    assert pager_words(surroundings, root=False) == words


def test_of_root_no_variable_names_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr(shutil, "which", lambda _, path: searched.append(path))
    surroundings = {
        "PAGER": "evil",
        "LESSOPEN": "|evil",
        "LESS": "-oevil",
        "PATH": "/evil",
        "A": "b",
    }
    assert pager_words(surroundings, root=True) == []
    kept = pager_environment(surroundings, root=True)
    assert "evil" not in str((searched, kept))
    assert (kept["LESSSECURE"], kept["A"]) == ("1", "b")
    assert pager_environment(surroundings, root=False)["LESSSECURE"] == "1"


@pytest.mark.parametrize("root", [True, False])
def test_no_variable_gives_less_back_what_it_is_not_to_do(*, root: bool) -> None:
    assert pager_environment({"LESSSECURE_ALLOW": "shell,edit"}, root=root).keys() <= {
        *("LESSSECURE", "PATH"),
    }


_AS = """
import os, sys
user = int(sys.argv.pop(1))
os.geteuid = lambda: user
from bulkagent.cli import main
sys.exit(main())
"""


def on_a_terminal(folder: Path, user: int, *arguments: str, **surroundings: str) -> str:
    """Run the command on a terminal of 24 lines as that user; all that was written there."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - becomes the command
        os.chdir(folder)
        os.execve(  # noqa: S606 - the installed command, as everywhere here
            sys.executable,
            [sys.executable, "-c", _AS, str(user), *arguments],
            environment(folder, {"TERM": "xterm", "LINES": "24", **surroundings}),
        )
    written = b""
    with contextlib.suppress(OSError):  # what Linux says of a terminal that nobody has
        while more := os.read(terminal, 65_536):
            written += more
            if re.search(rb"(:|\(END\))\x1b\[", more):
                os.write(terminal, b"q")
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return written.decode()


@pytest.fixture
def pager(tmp_path: Path) -> Path:
    """A program that writes down what it was given."""
    script = tmp_path / "pager"
    script.write_text('#!/bin/sh\ncat > shown\necho "$LESSSECURE" > secure\n')
    script.chmod(0o700)
    return script


def test_on_a_terminal_a_long_page_goes_to_the_pager(tmp_path: Path, pager: Path) -> None:
    on_a_terminal(tmp_path, 1000, "guide", LONG, PAGER=str(pager))
    shown = (tmp_path / "shown").read_text()
    assert PAGES[LONG].splitlines()[0].removeprefix("# ") in shown
    assert "\x1b" not in shown, "codes for a pager of which nothing is known"
    assert (tmp_path / "secure").read_text() == "1\n"


def test_a_pager_gets_what_the_terminal_can_show(tmp_path: Path, pager: Path) -> None:
    on_a_terminal(tmp_path, 1000, "guide", "roster", PAGER=str(pager), PYTHONIOENCODING="ascii")
    assert (tmp_path / "shown").read_bytes().isascii()


def test_a_terminal_that_shows_characters_alone_gets_them_alone(
    tmp_path: Path, pager: Path
) -> None:
    written = on_a_terminal(tmp_path, 1000, "guide", LONG, PAGER=str(pager), TERM="dumb")
    assert PAGES[LONG].splitlines()[0].removeprefix("# ") in written
    assert "\x1b" not in written
    assert not (tmp_path / "shown").exists()


def test_on_a_terminal_of_root_the_pager_of_the_environment_is_left_alone(
    tmp_path: Path, pager: Path
) -> None:
    written = on_a_terminal(tmp_path, 0, "guide", LONG, PAGER=str(pager))
    assert PAGES[LONG].splitlines()[0].removeprefix("# ") in written
    assert not (tmp_path / "shown").exists()


def test_without_a_terminal_to_turn_pages_at_nothing_waits(tmp_path: Path, pager: Path) -> None:
    """Standard input is no terminal, so a page is shown whole, in the terminal's width."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "guide", LONG],
        cwd=tmp_path,
        env=environment(tmp_path, {"TERM": "xterm", "PAGER": str(pager)}),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):
        while more := os.read(ours, 65_536):
            written += more
    os.close(ours)
    assert process.wait(HANG_S) == 0
    assert written.startswith(b"\x1b[1;4m" + PAGES[LONG].splitlines()[0].encode()[2:])
    assert not (tmp_path / "shown").exists()


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        (["apply", "r.csv", "--rate", "fast", "--flag", "0", "--gateway", "emulated"], "settings"),
        (["apply", "r.csv", "--flag", "x", "--gateway", "emulated"], "settings"),
        (["apply", "r.csv", "--progress", "no", "--flag", "0", "--gateway", "emulated"], "report"),
        (["check", "r.csv", "--flag", "0", "--gateway", "emulated"], "roster"),
        (["show", "last"], "trouble"),
    ],
)
def test_a_refusal_names_the_page_that_helps(tmp_path: Path, words: list[str], topic: str) -> None:
    (tmp_path / "r.csv").write_text("agent_id\nSumme\n")
    ended = inside(tmp_path, *words)
    assert ended.code == 2
    assert ended.err.endswith(f"\nmore    bulkagent guide {topic}\n"), ended.err


def test_explain_names_the_page_that_says_more(tmp_path: Path) -> None:
    assert inside(tmp_path, "explain", "gate").out.endswith("\nmore    bulkagent guide handover\n")
    (code,) = inside(tmp_path, "explain", "000-003", "--json").json["codes"]
    assert code["topic"] == "guids"
