"""`config`: where each setting comes from, and a file that has every word.

Proves --job, --config; guide "The configuration file", "Jobs", "Guardrails of a job", "Which value
counts", "Say where the gateway is".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bulkagent.settings import (
    ConfigFile,
    GatewaySection,
    Policy,
    Settings,
    commented_file,
    load_config,
)
from bulkagent.settings.table import BY_NAME, RUN_ROWS, SECTION_ROWS, TOP_ROWS
from tests.cli.command import inside

FILE = """
rate = "40/s"
gate = "90%"
sessions = "sessions.jsonl"
protect = ["all.csv"]

[gateways.east]
url = "https://agw-east.example:8043"
rate = "20/s"
protect = ["east.csv"]

[jobs.morning]
gate = "80%"
rate = "30/s"
absent_ok = true
"""


def _show(folder: Path, *arguments: object, **surroundings: str) -> dict[str, tuple[str, str]]:
    ended = inside(folder, "config", "show", "--json", *arguments, surroundings=surroundings)
    assert ended.code == 0, ended.err
    return {at["name"]: (at["value"], at["source"]) for at in ended.json["settings"]}


def test_each_setting_is_shown_with_the_layer_that_decides_it(tmp_path: Path) -> None:
    (tmp_path / "bulkagent.toml").write_text(FILE)
    top = _show(tmp_path)
    assert top["concurrency"] == ("16", "default")
    assert top["rate"] == ("40/s", "bulkagent.toml")
    assert top["sessions"] == ("sessions.jsonl", "bulkagent.toml")
    assert "url" not in top
    job = _show(tmp_path, "--job", "morning")
    assert job["rate"] == ("30/s", "bulkagent.toml, [jobs.morning]")
    assert job["gate"] == ("80%", "bulkagent.toml, [jobs.morning]")
    assert job["absent_ok"] == ("true", "bulkagent.toml, [jobs.morning]")
    both = _show(tmp_path, "--job", "morning", "--gateway", "east")
    assert both["rate"] == ("20/s", "bulkagent.toml, [gateways.east]")
    assert both["url"] == ("https://agw-east.example:8043", "bulkagent.toml, [gateways.east]")
    assert both["protect"][0] == "all.csv, east.csv", "each layer protects more"
    exported = _show(tmp_path, "--gateway", "east", BULKAGENT_RATE="10/s", BULKAGENT_JOB="morning")
    assert exported["rate"] == ("10/s", "BULKAGENT_RATE")
    assert exported["gate"] == ("80%", "bulkagent.toml, [jobs.morning]")


def test_guids_come_from_one_place_and_a_password_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "bulkagent.toml").write_text(FILE)
    url = "https://batch:hunter2@guids.example/{agentid}"
    shown = _show(tmp_path, BULKAGENT_GUID_URL=url)
    assert shown["guid_url"] == ("https://***@guids.example/{agentid}", "BULKAGENT_GUID_URL")
    assert shown["sessions"] == ("", "given up for guid_url")


def test_what_holds_is_what_a_run_would_have(tmp_path: Path) -> None:
    """The layers are looked through here and laid over one another there: they must agree."""
    path = tmp_path / "bulkagent.toml"
    path.write_text(FILE)
    shown = _show(tmp_path, "--job", "morning", "--gateway", "east")
    settings = Settings.resolve({"job": "morning"}, load_config(path))
    assert f"{settings.limits('east').per_second:g}/s" == shown["rate"][0]
    assert f"{settings.gate:.0%}" == shown["gate"][0]
    assert settings.absent_ok == (shown["absent_ok"][0] == "true")


def test_it_is_a_table_for_people_and_says_where_the_file_is(tmp_path: Path) -> None:
    ended = inside(tmp_path, "config", "show")
    heads, *rows = ended.out.splitlines()
    assert heads.split() == ["setting", "value", "from"]
    assert [row.split()[0] for row in rows] == [word.name for word in (*TOP_ROWS, *RUN_ROWS)]
    assert ended.err == "file    none; bulkagent config init writes one\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--gateway", "north"), "no [gateways.north] in the configuration; known are east"),
        (("--job", "evening"), "no [jobs.evening]"),
    ],
)
def test_what_the_file_does_not_have_is_said(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "bulkagent.toml").write_text(FILE)
    ended = inside(tmp_path, "config", "show", *arguments)
    assert ended.code == 2
    assert said in ended.err


def test_the_table_of_words_is_that_of_the_file() -> None:
    policy = set(Policy.__struct_fields__)
    assert {word.name for word in RUN_ROWS} == policy
    assert {word.name for word in TOP_ROWS} == (
        set(ConfigFile.__struct_fields__) - policy - {"gateways", "jobs"}
    )
    assert {word.name for word in SECTION_ROWS} == set(GatewaySection.__struct_fields__)


def test_defaults_are_said_as_they_are() -> None:
    """What stands for the default, read as a file, changes nothing."""
    for word in RUN_ROWS:
        if not word.default:
            continue
        plain = word.default.isdigit() or word.default in {"true", "false"}
        text = f"{word.name} = {word.default if plain else repr(word.default)}"
        file = msgspec.toml.decode(text, type=ConfigFile)
        assert Settings.resolve({}, file) == Settings.resolve({}, ConfigFile()), word.name


def test_a_new_file_has_every_word_commented_out_and_valid(tmp_path: Path) -> None:
    written = inside(tmp_path, "config", "init")
    assert written.code == 0
    path = tmp_path / "bulkagent.toml"
    text = path.read_text()
    assert msgspec.toml.decode(text) == {}
    path.write_text(re.sub(r"(?m)^# (\w+ = .*|\[(?:gateways|jobs)\.\w+\])$", r"\1", text))
    loaded: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    names = {word.name for word in (*TOP_ROWS, *RUN_ROWS)}
    assert loaded.keys() == names | {"gateways", "jobs"}
    assert loaded["gateways"]["east"].keys() == {word.name for word in SECTION_ROWS}
    load_config(path)
    again = inside(tmp_path, "config", "init")
    assert again.code == 2
    assert "nothing was written" in again.err


WORDS_OF_A_FILE = [(row, row.in_file) for row in (*TOP_ROWS, *RUN_ROWS, *SECTION_ROWS)]


def test_the_file_says_what_a_person_needs_and_nothing_of_the_command_line() -> None:
    """`config init`: values as a file has them, in quotes; no options, no exit codes."""
    text = commented_file()
    for foreign in ("--", "(exit", "repeatable", "incoming", "outgoing"):
        assert foreign not in text.lower()
    assert not re.search(r"\d,\d", text)
    assert max(map(len, text.splitlines())) <= 96
    for row, said in WORDS_OF_A_FILE:
        assert said.endswith("."), row.name
        assert not row.takes_none or '"none"' in said, row.name
        for word in row.words:
            assert f'With "{word}", ' in said, row.name
        assert not re.search(r'(?<!")\bnone\b', said), row.name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("concurrency", '1 to 10000, "auto" or "auto:4-256".'),
        ("rate", 'With "none", there is no limit.'),
        ("halt", '"fail=N%", "fail=N" or "none".'),
        ("burst", " From 1 to 100000."),
        ("max_attempts", " From 1 to 1000."),
        ("agent_id_range", "Since AICC 25.200 they are 101-999999."),
        ("timeout", "bove connect_timeout."),
        ("give_up_after", "30s holds for a gateway that never answered"),
        ("canary", "up to 100000. Set the others only if these went well."),
        ("job", "The job of a run that names no other. Its section is [jobs.NAME]."),
        ("handover", "Whether "),
        ("ca_file", "Without it, the system's CAs are trusted."),
    ],
)
def test_the_file_says_each_form_and_bound(name: str, said: str) -> None:
    assert said in BY_NAME[name].in_file


def test_the_floor_of_a_job_may_lift_the_floor_of_the_top(tmp_path: Path) -> None:
    """`floor = "none"` in [jobs.NAME] goes over `floor = "80%"` at the top, as it is shown."""
    path = tmp_path / "bulkagent.toml"
    path.write_text('floor = "80%"\n\n[jobs.night]\nfloor = "none"\n')
    assert _show(tmp_path, "--job", "night")["floor"][0] == "none"
    file = load_config(path)
    assert Settings.resolve({"job": "night"}, file).floor is None
    assert Settings.resolve({}, file).floor == 0.8
    assert Settings.resolve({"job": "night", "floor": 0.5}, file).floor == 0.5
