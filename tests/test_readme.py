"""README and guide are true: their tables are the program's, their code is the samples'."""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from bulkagent.cli import app
from bulkagent.cli.options import rows_of
from bulkagent.model import Status
from bulkagent.reports import ADVICE, COLUMNS
from bulkagent.settings import ConfigFile, GatewaySection, load_config
from bulkagent.settings.row import Kind, Row
from tests.documents import DOCUMENTS, README, REPOSITORY, blocks, tables_after


def rows_after(heading: str) -> dict[str, list[str]]:
    """The rows of a table, by their first cell; where it stands twice, it says the same."""
    first, *others = [_rows(table) for table in tables_after(heading)]
    assert all(other == first for other in others), f"{heading} says two things"
    return first


def _rows(table: str) -> dict[str, list[str]]:
    rows = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in table.splitlines()
        if line.startswith("| ")
    ]
    return {row[0].strip("`"): row[1:] for row in rows if set(row[0]) != {"-"}}


def options_of(command: str) -> list[Row]:
    return [row for row in rows_of(command) if not row.is_argument]


def shown_as(row: Row) -> str:
    """An option as the README's tables have it: with a star where only --help-all shows it."""
    plain = row.kind in {Kind.SWITCH, Kind.PAIR}
    value = "" if plain else f" {row.metavar or '|'.join(row.words)}"
    return f"{row.option}{value}" + ("` *" if row.advanced else "")


def line_of(row: Row) -> tuple[str, list[str]]:
    return shown_as(row), [row.told or "-", row.help]


def test_every_cause_is_explained_as_the_summary_explains_it() -> None:
    shown = rows_after("| cause | what it means | what to do |")
    assert shown == {cause.value: [*words] for cause, words in ADVICE.items()}


def test_every_status_is_there() -> None:
    shown = rows_after("| status | means |")
    assert list(shown) == [status.value for status in Status]


def test_every_option_is_there_under_its_heading_with_its_default() -> None:
    there = rows_after("| option of `apply` (*: only `--help-all` shows it) | default | |")
    wanted: list[tuple[str, list[str]]] = []
    for group, members in groupby(options_of("apply"), key=lambda row: row.group):
        wanted += [(f"**{group.value}**", ["", ""]), *map(line_of, members)]
    assert list(there.items()) == wanted


@pytest.mark.parametrize("command", ["resume", "revert", "emulate"])
def test_every_option_that_apply_has_not_is_there_with_its_default(command: str) -> None:
    shared = {row.name for row in options_of("apply")} if command != "emulate" else set()
    there = rows_after(f"| option of `{command}` | default | |")
    assert list(there.items()) == [
        line_of(row) for row in options_of(command) if row.name not in shared
    ]


OTHERS = (
    *("check", "report", "runs", "show", "prune", "explain", "doctor"),
    *("config show", "config init"),
)


def test_every_option_of_the_other_commands_is_there_but_those_that_they_share() -> None:
    shared = {row.name: row.help for row in options_of("apply")}
    for table in tables_after("| command | option | |"):
        there = re.findall(r"(?m)^\| `([^`]+)` \| `(--[a-z-]+)[^`]*` \| (.*) \|$", table)
        assert there == [
            (command, row.option, row.help)
            for command in OTHERS
            for row in options_of(command)
            if shared.get(row.name) != row.help
        ]


def test_no_command_is_forgotten() -> None:
    def walk(group: Any, before: str = "") -> list[str]:
        found: list[str] = []
        for name, command in group.commands.items():
            inner = hasattr(command, "commands")
            found += walk(command, f"{name} ") if inner else [f"{before}{name}"]
        return found

    tables = {"apply", "resume", "revert", "emulate", "session hold", "guide", "help", *OTHERS}
    assert set(walk(app)) == tables


def test_every_option_of_a_hold_is_there_but_those_that_it_shares() -> None:
    there = rows_after("| option of `session hold` | default | |")
    shared = {row.name: row.help for row in options_of("apply")}
    assert list(there.items()) == [
        line_of(row) for row in options_of("session hold") if shared.get(row.name) != row.help
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("yes", "insecure", "status", "auto_answer"),
        *("force_sign_in", "sign_in_unknown", "sign_in_refused"),
    ],
)
def test_what_decides_about_people_at_desks_has_no_environment_variable(name: str) -> None:
    group: Any = app
    hold = group.commands["session"].commands["hold"]
    (option,) = [parameter for parameter in hold.params if parameter.name == name]
    assert option.envvar is None
    assert not [one for one in hold.params if "password" in one.name]


def test_the_configuration_has_every_key_that_there_is(tmp_path: Path) -> None:
    words: set[str] = set()
    for shown in blocks("toml"):
        if "[gateways" in shown or "[jobs" in shown:
            path = tmp_path / "bulkagent.toml"
            path.write_text(shown)
            load_config(path)
            words |= set(re.findall(r"[a-z_]+", shown))
    assert words >= {*ConfigFile.__struct_fields__, *GatewaySection.__struct_fields__}


def test_the_columns_are_the_reports() -> None:
    assert any(",".join(COLUMNS) in text for text in DOCUMENTS.values())


def test_a_python_example_is_of_a_sample_or_run_by_its_page() -> None:
    """One that is run is a file, `# NAME.py`, and a console block below it runs it."""
    samples = [path.read_text() for path in (REPOSITORY / "samples").glob("*.py")]
    assert blocks("python")
    for text in DOCUMENTS.values():
        for shown in re.finditer(r"(?ms)^```python\n(.*?)^```$", text):
            of_sample = any(shown[1] in sample for sample in samples)
            named = re.match(r"# (\w+\.py)\n", shown[1])
            run = named and f"\n$ python {named[1]}\n" in text[shown.end() :]
            assert of_sample or run, shown[1]


def test_the_first_screen_has_the_two_commands() -> None:
    first_screen = README.splitlines()[:22]
    commands = [line for line in first_screen if line.startswith("python3 -m venv ")]
    assert len(commands) == 2
    assert "bulkagent apply samples/evening_shift.csv --flag 0 --gateway emulated" in commands[0]
    assert commands[1].endswith(".venv/bin/pytest")


def test_ci_runs_the_commands_of_the_readme() -> None:
    assert "and run its tests" in README
    assert "README.md" in (REPOSITORY / ".ci/run").read_text()


@pytest.mark.parametrize(
    "name", ["yes", "flag", "insecure", "override", "only", "roster", "start_at", "finish_by"]
)
def test_consent_and_intent_have_no_environment_variable(name: str) -> None:
    group: Any = app
    for command in group.commands.values():
        for parameter in command.params:
            if parameter.name == name:
                assert parameter.envvar is None


def test_the_top_level_is_what_it_should_be() -> None:
    allowed = {"README.md", "bulkagent", "pyproject.toml", "samples", "tests"}
    built = {"build", "dist", "venv"}  # what .gitignore names
    there = {
        path.name
        for path in REPOSITORY.iterdir()
        # Somebody may have run the README's first command here.
        if not path.name.startswith(".") and ".report." not in path.name
    }
    assert there - built == allowed
