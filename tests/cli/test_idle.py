"""Options that would do nothing beside the others are refused, never accepted and ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bulkagent.cli import app, idle
from bulkagent.errors import SettingsRefused
from bulkagent.settings import ConfigFile, GatewaySection, Settings, refuse_idle_settings
from tests.cli.test_outlets import ROSTER

APPLY = ("apply", str(ROSTER), "--gateway", "https://east.example", "--yes")
EMULATED = ("apply", str(ROSTER), "--gateway", "emulated", "--yes", "--flag", "0")
DOCTOR = ("doctor", "--gateway", "https://east.example")

IDLE = [
    ((*DOCTOR, "--agent", "101", "--verify-with", "105:7"), "--verify-with"),
    ((*DOCTOR, "--pilot", "101", "--agent", "101"), "--agent"),
    ((*DOCTOR, "--guid-ca-file", "ca.pem"), "--guid-ca-file"),
    ((*DOCTOR, "--insecure", "--ca-file", "ca.pem"), "--ca-file"),
    (("doctor", "--gateway", "emulated", "--sessions", "s.jsonl"), "--sessions"),
    (("doctor", "--gateway", "emulated", "--roster", "r.csv"), "--roster"),
    (("doctor", "--gateway", "emulated", "--ca-file", "ca.pem"), "--ca-file"),
    *(
        ((*EMULATED, *option), option[0])
        for option in (
            ("--ca-file", "ca.pem"),
            ("--client-cert", "c.pem"),
            ("--tls-server-name", "east"),
            ("--insecure",),
            ("--burst", "4"),
        )
    ),
    *(
        ((*APPLY, "--flag", "0", *option), option[0])
        for option in (
            ("--gate", "90%"),
            ("--floor", "90%"),
            ("--allow-closing",),
            ("--up-means", "available"),
            ("--time-zone", "UTC"),
            ("--verify-again-after", "5s"),
            ("--guid-ca-file", "ca.pem"),
        )
    ),
    ((*APPLY, "--no-handover", "--gate", "90%"), "--gate"),
    ((*APPLY, "--no-handover", "--floor", "90%"), "--floor"),
    ((*APPLY, "--flag", "1", "--absent-ok"), "--absent-ok"),
    ((*APPLY, "--flag", "0", "--rate", "none", "--burst", "4"), "--burst"),
    ((*APPLY, "--flag", "0", "--insecure", "--ca-file", "ca.pem"), "--ca-file"),
    ((*APPLY, "--flag", "0", "--quiet", "--progress", "plain"), "--progress"),
    (("check", str(ROSTER), "--flag", "0", "--gate", "90%"), "--gate"),
    (("resume", "last", "--time-zone", "UTC"), "--time-zone"),
    (("revert", "last", "--quiet", "--progress", "bar"), "--progress"),
    (("revert", "last", "--insecure", "--ca-file", "ca.pem"), "--ca-file"),
]


@pytest.mark.parametrize(("words", "option"), IDLE, ids=lambda value: " ".join(value)[-40:])
def test_an_option_that_would_change_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    ended = CliRunner().invoke(app, [*words])
    assert ended.exit_code == 2, ended.output
    assert f"{option} would change nothing: " in ended.stderr
    assert list(tmp_path.glob("**/*.sqlite3")) == [], "nothing was begun"


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
    import typer

    group: Any = typer.main.get_command(app)
    return group.commands[name]


def test_a_resume_asks_by_the_settings_that_the_run_has() -> None:
    named = Settings(guid_url="https://desk.example/{agentid}", verify_with=("105:7",))
    refuse_idle_settings({"guid_ca_file", "verify_again_after_s", "burst", "gate"}, named)
    sections = {"east": GatewaySection(url="https://east.example", rate="5/s")}
    one = Settings.resolve({}, ConfigFile(rate="none", gateways=sections))
    refuse_idle_settings({"burst"}, one)
    with pytest.raises(SettingsRefused, match="--burst"):
        refuse_idle_settings({"burst"}, Settings(per_second=None))
    with pytest.raises(SettingsRefused, match="--gate"):
        refuse_idle_settings({"gate"}, Settings(handover=False))
