"""Options that would do nothing beside the others are refused or said, never dropped in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bulkagent.cli import app
from bulkagent.cli.options import without_effect as idle
from bulkagent.errors import SettingsRefused
from bulkagent.settings import (
    ConfigFile,
    GatewaySection,
    GuidService,
    Settings,
    harmless_settings,
    refuse_idle_settings,
)
from tests.cli.test_outlets import ROSTER

APPLY = ("apply", str(ROSTER), "--gateway", "https://east.example", "--yes")
EMULATED = ("apply", str(ROSTER), "--gateway", "emulated", "--yes", "--flag", "0")
DOCTOR = ("doctor", "--gateway", "https://east.example")

REFUSED = [
    ((*DOCTOR, "--agent", "101", "--verify-with", "105:7"), "--verify-with"),
    ((*DOCTOR, "--pilot", "101", "--agent", "101"), "--agent"),
    (("doctor", "--gateway", "emulated", "--sessions", "s.jsonl"), "--sessions"),
    (("doctor", "--gateway", "emulated", "--roster", "r.csv"), "--roster"),
    *(
        ((*APPLY, "--flag", "0", *option), option[0])
        for option in (
            ("--gate", "90%"),
            ("--floor", "90%"),
            ("--allow-closing",),
            ("--up-means", "available"),
        )
    ),
    ((*APPLY, "--no-handover", "--gate", "90%"), "--gate"),
    ((*APPLY, "--no-handover", "--floor", "90%"), "--floor"),
    ((*APPLY, "--flag", "1", "--absent-ok"), "--absent-ok"),
    (("check", str(ROSTER), "--flag", "0", "--gate", "90%"), "--gate"),
]

# The last option makes each end before anything is begun, whatever else it says.
ENDS = ("--config", "nowhere.toml")
SAID = [
    *(((*EMULATED, *option), option[0]) for option in (("--ca-file", "ca.pem"), ("--insecure",))),
    ((*APPLY, "--insecure", "--ca-file", "ca.pem"), "--ca-file"),
    ((*DOCTOR, "--insecure", "--ca-file", "ca.pem"), "--ca-file"),
    (("revert", "last", "--insecure", "--ca-file", "ca.pem"), "--ca-file"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.parametrize(("words", "option"), REFUSED, ids=lambda value: " ".join(value)[-40:])
def test_a_guard_or_a_check_that_would_do_nothing_is_refused(
    tmp_path: Path, words: tuple[str, ...], option: str
) -> None:
    ended = CliRunner().invoke(app, [*words])
    assert ended.exit_code == 2, ended.output
    assert f"{option} would change nothing: " in ended.stderr
    assert list(tmp_path.glob("**/*.sqlite3")) == [], "nothing was begun"


@pytest.mark.parametrize(("words", "option"), SAID, ids=lambda value: " ".join(value)[-40:])
def test_what_is_harmless_and_would_do_nothing_is_said_in_a_note(
    words: tuple[str, ...], option: str
) -> None:
    ended = CliRunner().invoke(app, [*words, *ENDS])
    assert "nowhere.toml" in ended.stderr
    assert f"note    {option} would change nothing: " in ended.stderr
    quiet = CliRunner().invoke(app, [*words, *ENDS, "--quiet"])
    assert "note" not in quiet.stderr


def test_settings_that_are_harmless_are_said_and_hold_up_nobody() -> None:
    given = {"guid_ca_file", "verify_again_after_s", "burst"}
    assert [said.split()[0] for said in harmless_settings(given, Settings(per_second=None))] == [
        "--guid-ca-file",
        "--verify-again-after",
        "--burst",
    ]
    refuse_idle_settings(given, Settings(per_second=None))


def test_what_the_environment_says_is_for_many_commands_and_refused_in_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BULKAGENT_CA_FILE", "nowhere.pem")
    monkeypatch.setenv("BULKAGENT_BURST", "4")
    monkeypatch.setenv("BULKAGENT_VERIFY_AGAIN_AFTER", "3s")
    monkeypatch.setenv("BULKAGENT_TIME_ZONE", "UTC")
    ended = CliRunner().invoke(app, ["doctor", "--gateway", "emulated", "--json"])
    assert "would change nothing" not in ended.output
    ended = CliRunner().invoke(app, ["check", str(ROSTER), "--flag", "0"])
    assert ended.exit_code == 0, ended.output


def test_every_rule_is_about_options_that_its_command_has() -> None:
    for command, rules in idle._RULES.items():
        parameters = {each.name for each in _command(command).params}
        for rule in rules:
            assert set(rule.options) <= parameters, command


def _command(name: str) -> Any:
    group: Any = app
    return group.commands[name]


def test_a_resume_asks_by_the_settings_that_the_run_has() -> None:
    named = Settings(guids=GuidService("https://desk.example/{agentid}"), verify_with=("105:7",))
    refuse_idle_settings({"guid_ca_file", "verify_again_after_s", "burst", "gate"}, named)
    sections = {"east": GatewaySection(url="https://east.example", rate="5/s")}
    one = Settings.resolve({}, ConfigFile(rate="none", gateways=sections))
    assert harmless_settings({"burst"}, one) == ()
    with pytest.raises(SettingsRefused, match="--gate"):
        refuse_idle_settings({"gate"}, Settings(handover=False))
