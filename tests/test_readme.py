"""The README is true: its tables are the program's, its code is the samples'."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from bulkagent.cli import app
from bulkagent.model import Status
from bulkagent.reports import ADVICE, COLUMNS
from bulkagent.settings import ConfigFile, GatewaySection, load_config

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def rows_after(heading: str) -> dict[str, list[str]]:
    """The rows of the first table after a text, by their first cell."""
    table = README.split(heading, 1)[1].split("\n\n", 1)[0]
    rows = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in table.splitlines()
        if line.startswith("| ")
    ]
    return {row[0].strip("`"): row[1:] for row in rows if set(row[0]) != {"-"}}


def options_of(command: str) -> dict[str, str]:
    group: Any = typer.main.get_command(app)
    for name in command.split():
        group = group.commands[name]
    parameters = group.params
    return {
        parameter.opts[0]: parameter.help or ""
        for parameter in parameters
        if parameter.opts[0].startswith("--") and parameter.opts[0] != "--help"
    }


def test_every_cause_is_explained_as_the_last_screen_explains_it() -> None:
    shown = rows_after("| cause | what it means | what to do |")
    assert shown == {cause.value: [*words] for cause, words in ADVICE.items()}


def test_every_status_is_there() -> None:
    shown = rows_after("| status | means |")
    assert list(shown) == [status.value for status in Status]


@pytest.mark.parametrize("command", ["apply", "resume", "revert", "emulate"])
def test_every_option_is_there_with_its_default(command: str) -> None:
    """Those of resume and revert are beside those of apply that they share."""
    there = rows_after(f"| option of `{command}` | default | |")
    options = options_of(command)
    if command in {"resume", "revert"}:
        shared = rows_after("| option of `apply` | default | |")
        names = {name.split()[0] for name in shared}
        options = {name: text for name, text in options.items() if name not in names}
    assert [name.split()[0] for name in there] == list(options)
    for (name, (default, text)), help_text in zip(there.items(), options.values(), strict=True):
        assert help_text.startswith(text), name
        assert default == "-" or f"[{default}]" in help_text, name


OTHERS = (
    *("check", "report", "runs", "show", "prune", "explain", "doctor"),
    *("config show", "config init"),
)


def test_every_option_of_the_other_commands_is_there_but_those_that_they_share() -> None:
    table = README.split("| command | option | |", 1)[1].split("\n\n", 1)[0]
    there = re.findall(r"(?m)^\| `([^`]+)` \| `(--[a-z-]+)[^`]*` \| (.*) \|$", table)
    shared = options_of("apply")
    wanted = [
        (command, name, text)
        for command in OTHERS
        for name, text in options_of(command).items()
        if shared.get(name) != text
    ]
    assert [row[:2] for row in there] == [row[:2] for row in wanted]
    for (_, name, shown), (_, _, text) in zip(there, wanted, strict=True):
        assert text.startswith(shown), name


def test_no_command_is_forgotten() -> None:
    def walk(group: Any, before: str = "") -> list[str]:
        found: list[str] = []
        for name, command in group.commands.items():
            inner = hasattr(command, "commands")
            found += walk(command, f"{name} ") if inner else [f"{before}{name}"]
        return found

    tables = {"apply", "resume", "revert", "emulate", "session hold", *OTHERS}
    assert set(walk(typer.main.get_command(app))) == tables


def test_every_option_of_a_hold_is_there_but_those_that_it_shares() -> None:
    there = rows_after("| option of `session hold` | default | |")
    shared = options_of("apply")
    options = {
        name: text for name, text in options_of("session hold").items() if shared.get(name) != text
    }
    assert [name.split()[0] for name in there] == list(options)
    for (name, (default, text)), help_text in zip(there.items(), options.values(), strict=True):
        assert help_text.startswith(text), name
        assert default == "-" or f"[{default}]" in help_text, name


@pytest.mark.parametrize(
    "name",
    [
        *("yes", "insecure", "status", "auto_answer"),
        *("force_sign_in", "sign_in_unknown", "sign_in_refused"),
    ],
)
def test_what_decides_about_people_at_desks_has_no_environment_variable(name: str) -> None:
    group = typer.main.get_command(app)
    hold = group.commands["session"].commands["hold"]  # type: ignore[attr-defined] # Typer groups
    (option,) = [parameter for parameter in hold.params if parameter.name == name]
    assert option.envvar is None
    assert not [one for one in hold.params if "password" in one.name]


def test_the_configuration_has_every_key_that_there_is(tmp_path: Path) -> None:
    shown = next(
        text for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[gateways" in text
    )
    path = tmp_path / "bulkagent.toml"
    path.write_text(shown)
    load_config(path)
    words = set(re.findall(r"[a-z_]+", shown))
    assert words >= {*ConfigFile.__struct_fields__, *GatewaySection.__struct_fields__}


def test_the_columns_are_the_reports() -> None:
    assert ",".join(COLUMNS) in README


def test_the_python_example_is_the_sample() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert shown in (REPOSITORY / "samples/run_from_python.py").read_text()


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
    group = typer.main.get_command(app)
    for command in group.commands.values():  # type: ignore[attr-defined] # a Typer group
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
