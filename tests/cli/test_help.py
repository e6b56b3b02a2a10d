"""`--help`, `--help-all` and `bulkagent help`; and what a start does not import.

Proves guide "Help at the terminal".
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bulkagent.cli import app
from bulkagent.cli.options import ROWS, rows_of
from bulkagent.settings.row import Group, Kind
from tests.cli.command import SAMPLES, inside

GROUP: Any = app
OPTION = re.compile(r"^  (?:-\w, )?--[a-z-]+", re.MULTILINE)
SENDING = ("apply", "resume", "revert")


def options_in(text: str) -> list[list[str]]:
    """The lines of each option that a help shows."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if OPTION.match(line):
            found.append([line])
        elif found and found[-1] and line.startswith(" " * 20):
            found[-1].append(line)
        elif found and not line.strip():
            found.append([])
    return [lines for lines in found if lines]


@pytest.mark.parametrize("command", SENDING)
def test_the_help_of_a_command_that_sends_fits_on_a_page(tmp_path: Path, command: str) -> None:
    """README, `--help`: at 100 columns 100 lines, 45 options, two lines each."""
    text = inside(tmp_path, command, "--help").out
    assert len(text.splitlines()) <= 100
    assert max(map(len, text.splitlines())) <= 100
    shown = options_in(text)
    assert len(shown) <= 45
    assert [lines[0] for lines in shown if len(lines) > 2] == []


@pytest.mark.parametrize("command", SENDING)
def test_options_stand_under_their_headings(tmp_path: Path, command: str) -> None:
    text = inside(tmp_path, command, "--help").out
    headings = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    wanted = [group.value for group in Group]
    shared = [heading for heading in headings if heading in wanted]
    assert shared == [heading for heading in wanted if heading in headings]
    assert len(shared) == len(wanted)


def test_what_is_rarely_needed_is_shown_by_help_all_alone(tmp_path: Path) -> None:
    """`--help-all`; `--time-zone` stays in sight."""
    short = inside(tmp_path, "apply", "--help").out
    everything = inside(tmp_path, "apply", "--help-all").out
    rarely = {row.option for row in rows_of("apply") if row.advanced}
    named = {"--burst", "--max-attempts", "--retry-for", "--connect-timeout", "--grace"}
    named |= {"--halt-first", "--durability", "--verify-again-after", "--guid-ca-file"}
    assert named <= rarely
    for row in rows_of("apply"):
        if row.is_argument:
            continue
        line = re.compile(rf"^  (?:-\w, )?{row.option}\b", re.MULTILINE)
        assert bool(line.search(short)) is not row.advanced, row.option
        assert line.search(everything), row.option
    assert "--time-zone" in short
    assert "--help-all" in short


@pytest.mark.parametrize("width", [60, 80, 140])
def test_help_has_the_width_of_the_terminal(tmp_path: Path, width: int) -> None:
    text = inside(tmp_path, "apply", "--help", surroundings={"COLUMNS": str(width)}).out
    longest = max(map(len, text.splitlines()))
    assert width - 12 <= longest <= width


def test_what_a_person_looks_for_first_stands_first_in_its_group(tmp_path: Path) -> None:
    """`--max-agents` among guardrails, `--ca-file` of TLS; `--scenario` is in sight."""
    text = inside(tmp_path, "apply", "--help").out
    first = {
        heading: lines.split()[0]
        for heading, lines in re.findall(r"(?m)^(\S.*):\n((?:  .*\n)+)", text)
    }
    assert first["Guardrails"] == "--max-agents"
    assert first["TLS"] == "--ca-file"
    assert "\n  --scenario TOML" in text


@pytest.mark.parametrize(
    ("command", "option"),
    [(("prune",), "older-than"), (("report",), "to"), (("session", "hold"), "sessions")],
)
def test_an_option_that_a_command_needs_says_so(
    tmp_path: Path, command: tuple[str, ...], option: str
) -> None:
    text = " ".join(inside(tmp_path, *command, "--help").out.split())
    assert re.search(rf" --{option} [A-Z]+ [^\[]*\[required\]", text)


def test_options_of_a_run_that_is_gone_on_with_say_so(tmp_path: Path) -> None:
    """`--override` and `--max-age` of `apply` matter with `--or-resume`."""
    for command in ("apply", "resume"):
        text = " ".join(inside(tmp_path, command, "--help").out.split())
        assert "--override REASON Go on with a halted run (resume, --or-resume)" in text
        assert "--max-age TIME Do not go on with a run (resume, --or-resume)" in text


@pytest.mark.parametrize("command", ["resume", "revert"])
def test_the_default_of_what_a_run_keeps_is_what_it_had(tmp_path: Path, command: str) -> None:
    text = inside(tmp_path, command, "--help-all", surroundings={"COLUMNS": "200"}).out
    for row in rows_of(command):
        if not row.is_argument:
            (line,) = re.findall(rf"(?m)^  (?:-\w, )?{row.option}(?![\w-]).*(?:\n {{9}}.*)*", text)
            assert line.endswith("[as the run had it]") is row.kept, row.name
    assert "as the run had it" not in inside(tmp_path, "apply", "--help-all").out


@pytest.mark.parametrize("words", [(), ("apply",), ("runs",), ("session", "hold"), ("help",)])
def test_help_fits_a_narrow_window(tmp_path: Path, words: tuple[str, ...]) -> None:
    text = inside(tmp_path, *words, "--help", surroundings={"COLUMNS": "30"}).out
    assert [line for line in text.splitlines() if len(line) > 30] == []


@pytest.mark.parametrize("words", [(), ("session",), ("config",)])
def test_no_command_is_told_in_half_a_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    told = inside(tmp_path, *words, "--help", surroundings={"COLUMNS": "80"}).out
    assert not re.search(r"\w\.\.\.$", told, re.MULTILINE)
    assert max(map(len, told.splitlines())) <= 80
    if not words:
        assert "write a report with one line per\n           row.\n" in told


def test_help_is_a_command_too(tmp_path: Path) -> None:
    """`bulkagent help`, `bulkagent help apply`, `bulkagent help session hold`."""
    for words in ((), ("apply",), ("session",), ("session", "hold"), ("config", "init")):
        assert inside(tmp_path, "help", *words).out == inside(tmp_path, *words, "--help").out
    wrong = inside(tmp_path, "help", "aply")
    assert wrong.code == 2
    assert "there is no command 'aply' of bulkagent; did you mean apply?" in wrong.err


def test_help_refuses_a_word_that_is_left_over(tmp_path: Path) -> None:
    wrong = inside(tmp_path, "help", "apply", "nonsense")
    assert (wrong.code, wrong.out) == (2, "")
    assert "there is a word too many: 'nonsense'; bulkagent apply has no commands" in wrong.err
    assert inside(tmp_path, "help", "session", "nope").code == 2


def test_help_all_is_known_wherever_help_is(tmp_path: Path) -> None:
    """`bulkagent help apply --help-all`; `bulkagent --help-all`, `session --help-all`."""
    everything = inside(tmp_path, "apply", "--help-all").out
    assert "--burst" in everything
    assert inside(tmp_path, "help", "apply", "--help-all").out == everything
    assert inside(tmp_path, "help", "--help-all", "apply").out == everything
    for words in ((), ("session",), ("config",)):
        asked = inside(tmp_path, *words, "--help-all")
        assert asked.code == 0
        assert asked.out == inside(tmp_path, *words, "--help").out
    assert inside(tmp_path, "help", "--help").out.count("--help-all") == 1


def test_the_environment_is_one_rule(tmp_path: Path) -> None:
    text = inside(tmp_path, "apply", "--help").out
    told = " ".join(text.splitlines()[-4:])
    assert "An environment variable can set an option, as BULKAGENT_HALT sets --halt. No " in told
    assert "BULKAGENT_" in told
    assert text.count("BULKAGENT_") == 1
    for row in rows_of("apply"):
        assert row.variable in {"", f"BULKAGENT_{row.name.upper()}"}
        if not row.is_argument and not row.variable:
            assert row.option in told


def test_a_row_says_all_that_its_kind_needs() -> None:
    for row in ROWS:
        assert row.help.endswith("."), row.name
        valued = row.kind not in {Kind.SWITCH, Kind.PAIR}
        assert not valued or row.metavar or row.words or not row.commands, row.name


HEAVY = {
    *("typer", "pydantic", "aiohttp", "asyncio", "anyio", "ssl", "jinja2", "cryptography"),
    *("bulkagent.engine", "bulkagent.emulator", "bulkagent.run.run", "bulkagent.sessions"),
    *("tenacity", "psutil", "openpyxl", "zipfile", "subprocess", "rich.console"),
}
LIGHT = {
    *HEAVY,
    *("bulkagent.run", "bulkagent.ledger", "bulkagent.roster", "bulkagent.gateway"),
    "bulkagent.language",
}


def imported_by(folder: Path, *words: object, environment: str = "") -> set[str]:
    """What a command imports, in a process of its own."""
    script = (
        "import json, os, sys\n"
        f"{environment}\n"
        f"sys.argv = ['bulkagent', *{[str(word) for word in words]!r}]\n"
        "from bulkagent.cli import app\n"
        "try:\n    app(prog_name='bulkagent')\n"
        "except SystemExit as left:\n    assert not left.code, left.code\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("words", [("--help",), ("apply", "--help"), ("help", "resume")])
def test_help_imports_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    """README, start-up."""
    assert imported_by(tmp_path, *words) & LIGHT == set()


def test_completion_imports_nothing_heavy(tmp_path: Path) -> None:
    said = (
        "os.environ.update(_BULKAGENT_COMPLETE='complete_bash', COMP_CWORD='2',"
        " COMP_WORDS='bulkagent apply --conc')"
    )
    found = imported_by(tmp_path, environment=said)
    assert found & (LIGHT - {"subprocess"}) == set()


def test_check_imports_what_it_needs_alone(tmp_path: Path) -> None:
    """No network, no loop, no engine; and no pydantic in any start."""
    found = imported_by(tmp_path, "check", SAMPLES / "evening_shift.csv")
    assert found & HEAVY == set()


def test_every_name_of_a_face_is_found() -> None:
    """A face imports a name when it is first used; so each is used here once."""
    from bulkagent import ledger, reports, run, settings

    for face in (run, ledger, reports, settings):
        names: list[str] = face.__all__
        homes = {name for each in face._HOMES.values() for name in each}
        assert homes == set(names)
        assert not homes & {each.stem for each in Path(str(face.__file__)).parent.iterdir()}, (
            "once such a module is imported, its package has it in the place of the name"
        )
        assert [name for name in names if not hasattr(face, name)] == []
