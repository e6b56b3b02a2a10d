"""README and guide are true: their tables are the program's, their code is the samples'."""

import re
from pathlib import Path
from typing import Any

import pytest

from bulkagent.cli import app
from bulkagent.reports import COLUMNS
from bulkagent.settings import load_config
from tests.documents import DOCUMENTS, PAGES, README, REPOSITORY, blocks


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


def test_a_configuration_that_is_shown_can_be_read(tmp_path: Path) -> None:
    """That every word is described is proved of the page of settings (tests/guide)."""
    shown = [block for block in blocks("toml") if "[gateways" in block or "[jobs" in block]
    assert shown
    for block in shown:
        path = tmp_path / "bulkagent.toml"
        path.write_text(block)
        load_config(path)


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


def test_files_can_be_copied_off_a_terminal() -> None:
    """The guide is wrapped at 80 columns, two of which are the margin; a file must not be."""
    files = re.findall(r"(?ms)^```(?:python|toml|yaml)\n(.*?)^```$", "\n".join(PAGES.values()))
    assert files
    assert [line for file in files for line in file.splitlines() if len(line) > 78] == []


def test_every_picture_is_shown_or_linked_and_every_link_to_one_is_good() -> None:
    linked = set(re.findall(r"\(\S*\.github/([\w-]+\.png)\)", "\n".join(DOCUMENTS.values())))
    assert linked == {path.name for path in (REPOSITORY / ".github").glob("*.png")}


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
