"""The guide: its pages are whole, in order, and in what is installed."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from bulkagent import errors
from bulkagent.emulator import load_scenario
from bulkagent.errors import GuardrailRefused, Interrupted, SettingsRefused
from bulkagent.guide import (
    TOPIC_OF_CAUSE,
    TOPIC_OF_CHECK,
    TOPIC_OF_ERROR,
    TOPIC_OF_EXIT_CODES,
    TOPIC_OF_GROUP,
    TOPIC_OF_STATUS,
    TOPICS,
    page,
    topic_for_error,
    topics,
)
from bulkagent.guide.sections import sections_of
from bulkagent.model import Cause, Status
from bulkagent.settings import load_config
from bulkagent.settings.row import Group
from tests.documents import DOCUMENTS, GUIDE, PAGES, README, REPOSITORY, blocks
from tests.guide.transcripts import reason_not_to_run
from tests.test_fitting_in import parsed


def test_every_page_is_a_topic() -> None:
    assert set(PAGES) == set(TOPICS)
    assert [each.name for each in topics()] == [*TOPICS]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_its_title_and_a_line_for_the_list(name: str) -> None:
    title, line, rest = PAGES[name].split("\n\n", 2)
    assert re.fullmatch(r"# .+", title)
    assert "\n" not in line
    assert line[0].isupper(), line
    assert rest
    assert page(name) == PAGES[name]


def test_a_page_that_there_is_not_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(SettingsRefused, match=r"no page 'hand-over'; did you mean handover\?"):
        page("hand-over")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_its_links_lead_somewhere(name: str) -> None:
    """Between pages they are relative; the README's are read on a package index, too."""
    here = REPOSITORY if name == "README" else GUIDE
    for target in re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[name]):
        if target.startswith(("https://", "http://")):
            continue
        path, _, part = target.partition("#")
        text = DOCUMENTS[name] if not path else ""
        if path:
            assert (here / path).exists(), target
            text = (here / path).read_text(encoding="utf-8") if path.endswith(".md") else ""
        if part:
            assert part in _anchors(text), target


def _anchors(text: str) -> set[str]:
    """The anchors that headings get on the web."""
    return {section.anchor for section in sections_of(text)}


def test_the_readme_leads_to_every_page_once() -> None:
    table = README.split("\n## The guide\n", 1)[1]
    named = re.findall(r"\[([\w-]+)\]\(bulkagent/guide/([\w-]+)\.md\)", table)
    assert all(shown == leads_to for shown, leads_to in named)
    assert sorted(leads_to for _, leads_to in named) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_leads_on_to_another(name: str) -> None:
    others = set(re.findall(r"\]\(([\w-]+)\.md(?:#[\w-]+)?\)", PAGES[name])) - {name}
    assert others


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_heading_stands_once_in_a_page(name: str) -> None:
    """A second one would have another anchor on the web than in the terminal."""
    headings = [section.anchor for section in sections_of(DOCUMENTS[name])]
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_topics_that_it_names_are_pages(name: str) -> None:
    named = re.findall(r"bulkagent guide ([a-z][a-z-]*)", DOCUMENTS[name])
    assert {topic for topic in named if topic != "lists"} <= set(PAGES)


def test_what_is_built_has_the_pages() -> None:
    """Hatch takes every file of a package but those that .gitignore names."""
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["only-include"] == ["bulkagent", "samples"]
    assert "bulkagent" in build["targets"]["sdist"]["include"]
    ignored = (REPOSITORY / ".gitignore").read_text().split()
    assert not [path.name for path in GUIDE.glob("*.md") for each in ignored if path.match(each)]


def test_each_cause_status_error_and_group_of_options_has_a_topic_that_helps() -> None:
    assert set(TOPIC_OF_CAUSE) == set(Cause)
    assert set(TOPIC_OF_STATUS) == set(Status)
    assert set(TOPIC_OF_GROUP) == {group.value for group in Group}
    assert set(TOPIC_OF_ERROR) == {
        getattr(errors, name) for name in errors.__all__ if name != "BadRow"
    }
    named = {
        *(*TOPIC_OF_CAUSE.values(), *TOPIC_OF_STATUS.values(), *TOPIC_OF_GROUP.values()),
        *TOPIC_OF_CHECK.values(),
        *(TOPIC_OF_EXIT_CODES, *TOPIC_OF_ERROR.values()),
    }
    assert named - {""} <= set(PAGES)


def test_every_topic_that_the_program_names_is_a_page() -> None:
    """In sentences of the code, of templates, of catalogues, and beside the samples."""
    named = {
        topic
        for folder in (GUIDE.parent, REPOSITORY / "samples", REPOSITORY / ".github")
        for path in folder.rglob("*")
        if path.suffix in {".py", ".html", ".po", ".js", ".md", ".cron", ".sh", ".yaml"}
        for topic in re.findall(r"bulkagent guide ([a-z][a-z-]*)", path.read_text("utf-8"))
    }
    assert "start" in named
    assert named - {"says", "shows", "has", "lists"} <= set(PAGES)


def test_an_error_names_the_topic_of_the_option_that_it_is_about() -> None:
    assert topic_for_error(SettingsRefused("no rate", group="Speed")) == "speed"
    assert topic_for_error(SettingsRefused("no file")) == "settings"
    assert topic_for_error(GuardrailRefused("too many")) == "guardrails"
    assert topic_for_error(GuardrailRefused("was halted", halted=True)) == "resume"
    assert topic_for_error(Interrupted("a signal")) == ""


def test_every_sample_of_a_file_can_be_read(tmp_path: Path) -> None:
    """A configuration or a scenario in TOML, a sessions file in JSON, rules in YAML."""
    for each in blocks("toml"):
        path = tmp_path / "sample.toml"
        path.write_text(each)
        load_config(path) if each.startswith("# bulkagent.toml") else load_scenario(path)
    for each in blocks("json"):
        assert all(json.loads(line) for line in each.splitlines())
    for each in blocks("yaml"):
        assert yaml.safe_load(each)


@pytest.mark.parametrize("text", [text for text in blocks("sh") if reason_not_to_run(text)])
def test_a_command_that_is_not_run_can_be_parsed(text: str) -> None:
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("bulkagent "):
            assert parsed(shlex.split(line))["gateway"]
