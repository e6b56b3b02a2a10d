"""commands.md, settings.md and codes.md are what the tables say; nothing is missing in them.

Proves guide settings, guide codes.
"""

from __future__ import annotations

import re

import pytest

from bulkagent.cli.options import ROWS, rows_of
from bulkagent.explanations import EXIT_CODES
from bulkagent.gateway.faults import FAULTS
from bulkagent.gateway.retcodes import MEANINGS
from bulkagent.model import Status
from bulkagent.reports import ADVICE, meaning_of
from bulkagent.settings import ConfigFile, GatewaySection
from tests.command_names import commands, walked
from tests.documents import PAGES
from tests.guide.pages import generated


@pytest.mark.parametrize("topic", ["commands", "settings", "codes"])
def test_a_page_from_the_tables_is_what_they_say(topic: str) -> None:
    said = "run `python -m tests.guide --pages`, and commit what it writes"
    assert PAGES[topic] == generated()[topic], said


def _part(topic: str, heading: str) -> str:
    return PAGES[topic].split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("command", commands())
def test_every_option_of_a_command_is_there(command: str) -> None:
    """With its default, its variable and its meaning, or named as one of `apply`."""
    sending = command in {"apply", "resume", "revert"}
    options = [row for row in rows_of(command) if not row.is_argument]
    part = _part("settings", "apply, resume and revert" if sending else command) if options else ""
    for row in options:
        if not sending and row in rows_of("apply"):
            assert f"`{row.option}`" in part
            continue
        items = re.findall(rf"(?m)^- \*\*`(?:-\w, )?{row.option}[ ,`].*$", part)
        assert any(
            row.help in item
            and (not row.told or row.told in item or row.default)
            and (not row.variable or f"`{row.variable}`" in item)
            for item in items
        ), row.option


def test_every_command_is_there_with_its_arguments() -> None:
    rows = re.findall(r"(?m)^\| `bulkagent (.+?)` \| (.+) \|$", PAGES["commands"])
    assert [name for name, _ in rows] == [
        " ".join((name, *(row.metavar for row in rows_of(name) if row.is_argument)))
        for name in commands()
    ]
    for (_, told), (_, command) in zip(rows, walked(), strict=True):
        assert command.help.replace("\n", " ").startswith(told)


def test_what_help_leaves_out_is_marked() -> None:
    marked = set(
        re.findall(r"(?m)^- \*\*`(?:-\w, )?(--[\w-]+).*`\*\* \(`--help-all`\):", PAGES["settings"])
    )
    assert marked == {row.option for row in ROWS if row.advanced and row.commands}


def test_every_word_of_the_configuration_file_is_there() -> None:
    keys = set(re.findall(r"`([a-z_]+)` \(", PAGES["settings"]))
    alone = set(re.findall(r"(?m)^- \*\*`([a-z_]+)`", PAGES["settings"]))
    fields = {*ConfigFile.__struct_fields__, *GatewaySection.__struct_fields__}
    assert keys | alone == fields - {"gateways", "jobs"}


def _rows(heading: str) -> dict[str, list[str]]:
    rows = re.findall(r"(?m)^\| `([^`]+)` (.*) \|$", _part("codes", heading))
    return {code: rest.strip("| ").split(" | ") for code, rest in rows}


def test_every_cause_is_explained_as_the_summary_explains_it() -> None:
    assert _rows("Causes") == {
        cause.value: [meaning_of(cause), advice] for cause, (_, advice) in ADVICE.items()
    }


def test_every_exit_code_is_there() -> None:
    assert _rows("Exit codes") == {str(code): [*words] for code, words in EXIT_CODES.items()}


def test_every_status_retcode_and_fault_is_there() -> None:
    assert list(_rows("Statuses")) == [status.value for status in Status]
    assert list(_rows("Faults")) == [fault.value for fault in FAULTS]
    there = {code for row in _ranges() for code in row}
    assert there == set(MEANINGS)


def _ranges() -> list[list[str]]:
    """The retcodes of each line, which may be from one to another of those that there are."""
    known = [*MEANINGS]
    lines = re.findall(r"(?m)^\| `([0-9-]+)`(?: to `([0-9-]+)`)? \|", PAGES["codes"])
    return [
        known[known.index(first) : known.index(last or first) + 1]
        for first, last in lines
        if first in MEANINGS
    ]
