"""A command line or a variable that is wrong: which, where it was given, what it got and takes.

Proves guide "The environment", "Which value counts"; guide "Commands and options".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bulkagent.cli import app
from bulkagent.cli.options.environment import kubernetes_wrote
from bulkagent.settings.intent import INTENT
from tests.cli.command import inside

ROSTER = ["apply", "r.csv", "--gateway", "emulated"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["aply"], "there is no command 'aply' of bulkagent; did you mean apply?"),
        (["session", "hld"], "there is no command 'hld' of bulkagent session; did you mean hold?"),
        (["apply"], "no ROSTER given; `bulkagent apply --help` shows how it is used"),
        (["resume"], "no RUN given"),
        ([*ROSTER, "--rat", "5/s"], "there is no option '--rat' of bulkagent apply; did you mean --rate?"),  # noqa: E501
        ([*ROSTER, "--flag", "yes"], "--flag: 'yes' is not 1 (may take inbound calls) or 0 (may not); did you mean 1?"),  # noqa: E501
        ([*ROSTER, "--flag=off"], "did you mean 0?"),
        ([*ROSTER, "--flag", "2"], "--flag: '2' is not 1 (may take inbound calls) or 0 (may not)"),
        ([*ROSTER, "--burst", "1,000"], "--burst: '1,000' is not a whole number from 1 to 100,000; did you mean 1000?"),  # noqa: E501
        ([*ROSTER, "--progress", "plan"], "--progress: 'plan' is not bar or plain or none; did you mean plain?"),  # noqa: E501
        ([*ROSTER, "--burst"], "--burst needs a value: a whole number from 1 to 100,000"),
        ([*ROSTER, "--yes=1"], "--yes takes no value; leave out the = and the text after it"),
        ([*ROSTER, "evening"], "there is a word too many: 'evening'; put a value with spaces in quotes"),  # noqa: E501
        (["apply", "--skip-invalid", "5"], "--skip-invalid took 5 for its number"),
        (["--jason"], "there is no option '--jason' before a command"),
        (["--verson"], "there is no option '--verson' before a command; did you mean --version?"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_told_in_our_words(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    """`--flag yes` answered in pydantic's words."""
    ended = inside(tmp_path, *arguments)
    assert ended.code == 2
    assert ended.err.startswith("bulkagent: ")
    assert told in " ".join(ended.err.split())
    assert not any(word in ended.err for word in ("Usage:", "valid integer", "Invalid value"))


@pytest.mark.parametrize(
    "arguments", [["aply"], ["apply"], [*ROSTER, "--flag", "yes"], [*ROSTER, "--nothing"], ["runs", "x"]]  # noqa: E501
)  # fmt: skip
def test_a_wrong_command_line_is_data_where_data_was_asked_for(
    tmp_path: Path, arguments: list[str]
) -> None:
    """`--json` prints one JSON object for usage errors too."""
    ended = inside(tmp_path, *arguments, "--json")
    assert ended.code == ended.json["exit_code"] == 2
    assert ended.json["state"] == "refused"
    assert ended.json["error"] in ended.err.replace("\n        ", " ")


def _checked(tmp_path: Path, **variables: str) -> tuple[int, str]:
    (tmp_path / "r.csv").write_text("agent_id\n1001\n")
    ended = inside(tmp_path, "check", "r.csv", surroundings=variables)
    return ended.code, " ".join(ended.err.split())


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("BULKAGENT_RATTE", "BULKAGENT_RATE"),
        ("BULKAGENT_CONCURENCY", "BULKAGENT_CONCURRENCY"),
        ("BULKAGENT_LEGDER", "BULKAGENT_LEDGER"),
        ("BULKAGENT_GUID_HEADERS", "BULKAGENT_GUID_HEADER"),
        ("BULKAGENT_SIGNIN_PASSWORD", "BULKAGENT_SIGN_IN_PASSWORD"),
    ],
)
def test_a_variable_within_two_letters_of_a_known_one_is_refused(
    tmp_path: Path, variable: str, meant: str
) -> None:
    """BULKAGENT_RATTE was ignored."""
    code, said = _checked(tmp_path, **{variable: "secret"})
    assert code == 2
    assert f"{variable}: there is no such variable; did you mean {meant}?" in said
    assert "secret" not in said


@pytest.mark.parametrize("option", ["yes", "flag", "insecure", "override", "allow-closing",
    "take-over", "assume-opposite", "skip-invalid", "force-sign-in"])  # fmt: skip
def test_consent_and_intent_are_refused_from_the_environment(tmp_path: Path, option: str) -> None:
    variable = f"BULKAGENT_{option.replace('-', '_').upper()}"
    code, said = _checked(tmp_path, **{variable: "1"})
    assert code == 2
    assert f"{variable}: --{option} " in said
    assert "not taken from the environment; give it on the command line" in said


def test_two_settings_that_do_not_go_together_are_told_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "bulkagent.toml").write_text('connect_timeout = "8s"\n')
    ended = inside(tmp_path, *ROSTER, surroundings={"BULKAGENT_TIMEOUT": "5s"})
    assert ended.code == 2
    said = " ".join(ended.err.split())
    assert "(timeout: BULKAGENT_TIMEOUT, connect_timeout: bulkagent.toml)" in said
    typed = inside(tmp_path, *ROSTER, "--connect-timeout", "20s")
    assert "(timeout: default, connect_timeout: --connect-timeout)" in " ".join(typed.err.split())


def test_every_option_without_a_variable_is_known_as_intent() -> None:
    group: Any = app
    commands = group.commands
    commands = {**commands, **commands["session"].commands}
    for name in ("apply", "resume", "revert", "check", "hold"):
        left = {each.name for each in commands[name].params if not each.envvar}
        assert left - {"help", "run", "roster", "gateway"} <= INTENT
        assert not INTENT & {each.name for each in commands[name].params if each.envvar}


def test_any_other_variable_is_warned_of_once(tmp_path: Path) -> None:
    code, said = _checked(tmp_path, BULKAGENT_VERSION="7", BULKAGENT_IMAGE_DIGEST="x")
    assert code == 0
    assert said.count("WARNING") == 1
    assert "BULKAGENT_IMAGE_DIGEST, BULKAGENT_VERSION: no variables of bulkagent's" in said
    assert _checked(tmp_path, BULKAGENT_YES="", BULKAGENT_RATTE="")[0] == 0, "empty is not set"


def test_a_value_from_the_environment_names_its_variable(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("agent_id\n1001\n")
    for variable, value, told in (
        ("BULKAGENT_BURST", "x", "BULKAGENT_BURST: 'x' is not a whole number from 1 to 100,000"),
        ("BULKAGENT_JSON", "maybe", "BULKAGENT_JSON: 'maybe' is not 1 or 0"),
    ):
        ended = inside(tmp_path, *ROSTER, surroundings={variable: value})
        assert ended.code == 2
        assert told in ended.err


SERVICE = {
    "BULKAGENT_SERVICE_HOST": "10.0.171.239",
    "BULKAGENT_SERVICE_PORT": "8043",
    "BULKAGENT_SERVICE_PORT_HTTPS": "8043",
    "BULKAGENT_PORT": "tcp://10.0.171.239:8043",
    "BULKAGENT_PORT_8043_TCP": "tcp://10.0.171.239:8043",
    "BULKAGENT_PORT_8043_TCP_PROTO": "tcp",
    "BULKAGENT_PORT_8043_TCP_PORT": "8043",
    "BULKAGENT_PORT_8043_TCP_ADDR": "10.0.171.239",
    "BULKAGENT_PORT_53_UDP": "udp://10.0.171.239:53",
    "BULKAGENT_GUIDS_SERVICE_HOST": "10.0.171.240",
    "BULKAGENT_GUIDS_PORT": "tcp://10.0.171.240:443",
}


def test_what_kubernetes_writes_for_a_service_is_ignored(tmp_path: Path) -> None:
    """A Service named bulkagent: also where an option has such a name, as --port of emulate."""
    assert all(kubernetes_wrote(*variable) for variable in SERVICE.items())
    assert not kubernetes_wrote("BULKAGENT_PORT", "8043")
    assert not kubernetes_wrote("BULKAGENT_RATE", "tcp://10.0.171.239:8043")
    code, said = _checked(tmp_path, **SERVICE)
    assert (code, "WARNING" in said) == (0, False)
    wrong = inside(tmp_path, "emulate", "--agents", "x", surroundings=SERVICE)
    assert wrong.code == 2
    assert "PORT" not in wrong.err


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("rate", "fast", "'fast' is not a rate"),
        ("rate", "100", "did you mean 100/s?"),
        ("timeout", "soon", "'soon' is not a duration"),
        ("timeout", "99d", "the timeout in seconds must be 0.001 to 86400"),
        ("halt", "5%", "did you mean fail=5%?"),
        ("gate", "95", "did you mean 95%?"),
        ("agent-id-range", "101..9", "is not a range of agent IDs"),
        ("concurrency", "0", "is not a concurrency"),
        ("burst", "0", "burst must be 1 to 100000, not 0"),
        ("durability", "fulll", "did you mean full?"),
        ("verify-with", "105", "'105' is not an observer"),
    ],
)
def test_a_value_is_refused_with_the_option_or_the_variable_that_gave_it(
    tmp_path: Path, option: str, value: str, told: str
) -> None:
    """BULKAGENT_RATE=fast did not name the variable."""
    variable = f"BULKAGENT_{option.replace('-', '_').upper()}"
    typed = inside(tmp_path, *ROSTER, f"--{option}", value)
    exported = inside(tmp_path, *ROSTER, surroundings={variable: value})
    for ended, place in ((typed, f"--{option}"), (exported, variable)):
        said = " ".join(ended.err.split())
        assert ended.code == 2
        assert said.startswith(f"bulkagent: {place}: ")
        assert told in said


def test_a_wrong_zone_names_its_option_whatever_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("agent_id\n1001\n")
    wrong = inside(
        tmp_path, *ROSTER, "--start-at", "23:59", surroundings={"BULKAGENT_TIME_ZONE": "M"}
    )
    assert "BULKAGENT_TIME_ZONE: 'M' is no time zone" in wrong.err


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("BULKAGENT_GATEWAY", "ftp://agw.example", "(--gateway was given by BULKAGENT_GATEWAY)"),
        ("BULKAGENT_CA_FILE", "nofile.pem", "(--ca-file was given by BULKAGENT_CA_FILE)"),
        ("BULKAGENT_ENCODING", "ebcdic-x", "(--encoding was given by BULKAGENT_ENCODING)"),
    ],
)
def test_what_is_refused_later_names_its_variable_too(
    tmp_path: Path, variable: str, value: str, told: str
) -> None:
    (tmp_path / "r.csv").write_text("agent_id,guid\n1001,x\n")
    gateway = () if variable == "BULKAGENT_GATEWAY" else ("--gateway", "https://localhost:1")
    command = ("apply", "r.csv", "--flag", "0", *gateway)
    ended = inside(tmp_path, *command, surroundings={variable: value})
    assert ended.code == 2
    assert told in " ".join(ended.err.split())
