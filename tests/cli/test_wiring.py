"""Every option of apply, resume and revert arrives: typed, from the environment, from the file.

An option that is declared and not handed on is obeyed by nobody, and no other test need notice.
So each is given alone, and what the command asks for is read back: the field that it is for has
the value, and no other field has changed. A new option without a row here fails.
"""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from bulkagent.cli import app
from bulkagent.cli.commands import run_flow as carrying
from bulkagent.cli.options.progress_mode import Showing
from bulkagent.model import Cause
from bulkagent.run import EMULATED, Request, Revert
from bulkagent.settings import ConfigFile, GuidService, SessionsFile, Settings
from bulkagent.settings.table import RUN_ROWS, TOP_ROWS
from bulkagent.units import HaltAtCount

GROUP: Any = app

GUID_URL = "https://g.example/{agentid}"
COMMANDS = ("apply", "resume", "revert")

# Option -> what is typed behind it, and the fields that then have these values. Fields of the
# settings stand beside those of the request, and what the conversation takes beside both.
ROWS: Mapping[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "--gateway": (("https://other.example",), {"gateway": "https://other.example"}),
    "--flag": (("1",), {"flag": 1}),
    "--yes": ((), {"yes": True}),
    "--report": (("/r/a.csv",), {"reports": (Path("/r/a.csv"),)}),
    "--json": ((), {"as_json": True}),
    "--progress": (("plain",), {"showing": Showing.PLAIN}),
    "--quiet": ((), {"quiet": True}),
    "--max-agents": (("7",), {"max_agents": 7}),
    "--protect": (("/p/vip.csv",), {"protect": (Path("/p/vip.csv"),)}),
    "--job": (("morning",), {"job": "morning"}),
    "--note": (("a ticket",), {"note": "a ticket"}),
    "--on-behalf-of": (("rota 812",), {"on_behalf_of": "rota 812"}),
    "--take-over": (("2026", "--take-over", "all"), {"take_over": ("2026", "all")}),
    "--concurrency": (("5",), {"concurrency": 5}),
    "--rate": (("7/s",), {"per_second": 7.0}),
    "--burst": (("3",), {"burst": 3}),
    "--max-attempts": (("4",), {"max_attempts": 4}),
    "--retry-for": (("9s",), {"retry_for_s": 9.0}),
    "--give-up-after": (("11s",), {"give_up_after_s": 11.0}),
    "--resend-after-switchover": ((), {"resend_after_switchover": True}),
    "--timeout": (("21s",), {"timeout_s": 21.0}),
    "--connect-timeout": (("2s",), {"connect_timeout_s": 2.0}),
    "--deadline": (("40m",), {"deadline_s": 2400.0}),
    "--grace": (("6s",), {"grace_s": 6.0}),
    "--halt": (("fail=12",), {"halt": HaltAtCount(12)}),
    "--halt-first": (("8",), {"halt_first": 8}),
    "--max-age": (("3h",), {"max_age_s": 10_800.0}),
    "--trust-state": (("5h",), {"trust_state_s": 18_000.0}),
    "--group-by": (("team",), {"group_by": "team"}),
    "--no-handover": ((), {"handover": False}),
    "--gate": (("70%",), {"gate": 0.7}),
    "--floor": (("60%",), {"floor": 0.6}),
    "--allow-closing": ((), {"allow_closing": True}),
    "--canary": (("4",), {"canary": 4}),
    "--wait-for-sign-in": (("20m",), {"wait_for_sign_in_s": 1200.0}),
    "--up-means": (("available",), {"up_means": "available"}),
    "--absent-ok": ((), {"absent_ok": True}),
    "--sessions": (("/s/s.jsonl",), {"guids": SessionsFile(Path("/s/s.jsonl"))}),
    "--guid-url": ((GUID_URL,), {"guids": GuidService(GUID_URL)}),
    "--guid-ca-file": (("/g/ca.pem",), {"guids": GuidService(GUID_URL, Path("/g/ca.pem"))}),
    "--verify-with": (("105:7",), {"verify_with": ("105:7",)}),
    "--verify-again-after": (("4s",), {"verify_again_after_s": 4.0}),
    "--ca-file": (("/t/ca.pem",), {"ca_file": Path("/t/ca.pem")}),
    "--tls-server-name": (("name.example",), {"tls_server_name": "name.example"}),
    "--client-cert": (("/t/c.pem",), {"client_cert": Path("/t/c.pem")}),
    "--insecure": ((), {"insecure": True}),
    "--encoding": (("latin-1",), {"encoding": "latin-1"}),
    "--delimiter": ((";",), {"delimiter": ";"}),
    "--agent-column": (("who",), {"agent_column": "who"}),
    "--agent-id-range": (("101-999999",), {"agent_id_range": (101, 999_999)}),
    "--ledger": (("/l/l.sqlite3",), {"ledger": Path("/l/l.sqlite3")}),
    "--durability": (("full",), {"durability": "full"}),
    "--log-file": (("/o/log",), {"log_file": Path("/o/log")}),
    "--events": (("/o/events",), {"events": Path("/o/events")}),
    "--metrics-file": (("/o/metrics",), {"metrics_file": Path("/o/metrics")}),
    "--scenario": (("/s/faults.toml",), {"scenario": Path("/s/faults.toml")}),
    "--or-resume": ((), {"or_resume": True}),
    "--override": (("looked at it",), {"override": "looked at it"}),
    "--skip-invalid": (("12",), {"skip_invalid": 12}),
    "--only": (("timeout",), {"only": frozenset({Cause.TIMEOUT})}),
    "--roster": (("/fresh.csv",), {"roster": "/fresh.csv"}),
    "--assume-opposite": ((), {"assume_opposite": True}),
}

# What an option needs beside it, because it would be refused as of no effect.
BESIDE = {
    "--guid-ca-file": ("--guid-url", GUID_URL),
    "--verify-again-after": ("--verify-with", "105:7"),
}

# Read from a file or a clock, so they have tests of their own below.
APART = {"--config", "--start-at", "--finish-by", "--time-zone", "--language"}

# A run has its own of these: the environment's are for new runs.
OWN = {"--report", "--scenario", "--ca-file", "--tls-server-name", "--client-cert"}

# Said of what was typed, for the commands that the summary shows.
SAID = {"place", "repeat"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Asked":
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return Asked(monkeypatch)


class Asked:
    """What a command line asks for, as one flat mapping of fields."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seen: dict[str, Any] = {}
        self._monkeypatch = monkeypatch
        # In the place of a run, which would look for the files that options name.
        monkeypatch.setattr("bulkagent.run.Run", lambda request: request)
        monkeypatch.setattr(carrying, "converse", self._converse)

    def _converse(self, request: Any, _opening: object, talk: carrying.Talk) -> SimpleNamespace:
        settings = request.settings if isinstance(request, Request) else None
        if settings is None:
            settings = request.choices.settings({})
        fields = {
            name: getattr(request, name)
            for name in request.__struct_fields__
            if name not in {"settings", "choices", "tls"}
        }
        tls = {} if isinstance(request, Request) else dict(request.tls)
        # The file as it was read is no setting of its own.
        held = {name: getattr(settings, name) for name in settings.__struct_fields__}
        self._seen = {**held, **fields, **tls, **talk._asdict()}
        return SimpleNamespace(exit_code=0)

    def by(
        self, command: str, *words: str, environment: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        line = [command, "shift.csv" if command == "apply" else "20260101", *words]
        with self._monkeypatch.context() as patch:
            for name, value in (environment or {}).items():
                patch.setenv(name, value)
            assert GROUP.main(line, prog_name="bulkagent", standalone_mode=False) == 0
        return self._seen


def options_of(command: str) -> list[Any]:
    found = GROUP.commands[command].params
    return [each for each in found if each.param_type_name == "option" and each.name != "help"]


def row_of(option: Any) -> str:
    names = (*option.opts, *option.secondary_opts)
    return next((str(name) for name in names if name in ROWS), str(names[0]))


CASES = [
    (command, option)
    for command in COMMANDS
    for option in options_of(command)
    if not set(option.opts) & APART
]
NAMED = [f"{command} {row_of(option)}" for command, option in CASES]


@pytest.mark.parametrize(("command", "option"), CASES, ids=NAMED)
def test_a_typed_option_arrives_where_it_belongs_and_nowhere_else(
    asked: Asked, command: str, option: Any
) -> None:
    name = row_of(option)
    words, expected = ROWS[name]
    beside = BESIDE.get(name, ())
    plain, with_it = asked.by(command, *beside), asked.by(command, *beside, name, *words)
    assert {field: with_it.get(field) for field in expected} == expected
    assert changed(plain, with_it) == set(expected)


def changed(plain: Mapping[str, Any], with_it: Mapping[str, Any]) -> set[str]:
    names = (plain.keys() | with_it.keys()) - SAID
    return {name for name in names if plain.get(name) != with_it.get(name)}


BY_ENVIRONMENT = [case for case in CASES if case[1].envvar]


@pytest.mark.parametrize(
    ("command", "option"),
    BY_ENVIRONMENT,
    ids=[f"{command} {option.envvar}" for command, option in BY_ENVIRONMENT],
)
def test_a_variable_says_what_its_option_says(asked: Asked, command: str, option: Any) -> None:
    name = row_of(option)
    words, expected = ROWS[name]
    said = words[0] if words else ("0" if name in option.secondary_opts else "1")
    beside = BESIDE.get(name, ())
    with_it = asked.by(command, *beside, environment={str(option.envvar): said})
    if command != "apply" and name in OWN:
        expected = {}
    assert changed(asked.by(command, *beside), with_it) == set(expected)
    assert {field: with_it.get(field) for field in expected} == expected


@pytest.mark.parametrize("command", COMMANDS)
def test_consent_and_intent_have_no_variable(command: str) -> None:
    """README, `BULKAGENT_...`: what some profile exported years ago agrees to nothing."""
    intent = {
        *("--yes", "--flag", "--insecure", "--override", "--allow-closing", "--take-over"),
        *("--assume-opposite", "--skip-invalid", "--only", "--roster"),
    }
    for option in options_of(command):
        if set(option.opts) & {"--start-at", "--finish-by"}:
            continue  # a moment is for one call
        if command != "apply" and "--gateway" in option.opts:
            assert not option.envvar, "an address that the ledger has is agreed to each time"
            continue
        assert bool(option.envvar) is not bool(set(option.opts) & intent), option.opts


APART_IN_FILES = {"time_zone", "language"}
IN_FILES = [word.name for word in (*RUN_ROWS, *TOP_ROWS) if word.name not in APART_IN_FILES]


@pytest.mark.parametrize("word", IN_FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_word_of_the_file_says_what_its_option_says(
    asked: Asked, command: str, word: str, tmp_path: Path
) -> None:
    name = "--no-handover" if word == "handover" else f"--{word.replace('_', '-')}"
    words, expected = ROWS[name]
    said: object = words[0] if words else word != "handover"
    if word in {"max_attempts", "max_agents", "burst", "halt_first", "canary", "concurrency"}:
        said = int(words[0])
    if word in {"verify_with", "protect"}:
        said = list(words)
    # What is JSON, of these kinds, is TOML too.
    (tmp_path / "bulkagent.toml").write_text(f"{word} = {json.dumps(said)}\n")
    beside = BESIDE.get(name, ())
    with_it = asked.by(command, *beside)
    assert {field: with_it.get(field) for field in expected} == expected
    (tmp_path / "bulkagent.toml").write_text("")
    assert changed(asked.by(command, *beside), with_it) - {"gateways"} == set(expected)


@pytest.mark.parametrize("command", COMMANDS)
def test_times_arrive_in_the_zone_that_is_asked_for(asked: Asked, command: str) -> None:
    day = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date()
    words = ("--start-at", f"{day} 06:00", "--finish-by", f"{day} 06:30")
    seen = asked.by(command, *words, "--time-zone", "Asia/Tokyo")
    apart_s = (seen["finish_by"].at_ms - seen["start_at"].at_ms) / 1000
    assert apart_s == 30 * 60
    other = asked.by(command, *words, "--time-zone", "UTC")
    assert other["start_at"].at_ms - seen["start_at"].at_ms == 9 * 3_600_000
    assert changed(asked.by(command), seen) == {"start_at", "finish_by", "zone", "time_zone"}
    tokyo = asked.by(command, "--time-zone", "Asia/Tokyo")
    assert tokyo["zone"] == tokyo["time_zone"] == "Asia/Tokyo", "for the screen, and for the page"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_configuration_that_is_named_is_the_one_that_is_read(
    asked: Asked, command: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text("burst = 77\n")
    assert asked.by(command, "--config", str(other))["burst"] == 77
    assert asked.by(command, environment={"BULKAGENT_CONFIG": str(other)})["burst"] == 77


def test_the_emulated_gateway_takes_its_scenario(asked: Asked) -> None:
    seen = asked.by("apply", "--gateway", EMULATED, "--scenario", "/s/faults.toml")
    assert (seen["gateway"], seen["scenario"]) == (EMULATED, Path("/s/faults.toml"))


ELSEWHERE = {"ledger", "gateways", "max_agents", "protect", "max_age_s", "trust_state_s"}
"""Where things are, and guards of the one who starts a leg: a run does not keep these."""


@pytest.mark.parametrize("field", sorted({*Settings.__struct_fields__} - ELSEWHERE))
def test_a_run_keeps_a_setting_and_a_resume_takes_it_over(field: str) -> None:
    """README, resume: settings are explicit options, then the run's own, then the rest."""
    (expected,) = (
        (fields[field] for _, fields in ROWS.values() if field in fields)
        if field not in IN_PLACES
        else (IN_PLACES[field],)
    )
    begun = Settings(**{field: expected})
    recorded = json.loads(msgspec.json.encode(begun.own, enc_hook=str))
    own = Settings.own_of(recorded)
    resumed = Settings.resolve({}, ConfigFile(), own=own)
    assert getattr(resumed, field) == expected
    assert getattr(Settings(), field) != expected


IN_PLACES: Mapping[str, Any] = {
    "at_gateways": {"east": {"burst": 9}},
    "guids": GuidService(GUID_URL, Path("/g/ca.pem")),
}
"""Values of fields for which the table above has another."""


@pytest.mark.parametrize("field", sorted(ELSEWHERE))
def test_what_a_run_does_not_keep_is_that_of_who_resumes_it(field: str) -> None:
    assert field not in Settings().own


def test_every_field_of_a_request_has_an_option() -> None:
    """A field that no option fills is a promise of the Python API alone, and listed here."""
    filled = {field for _, fields in ROWS.values() for field in fields} | SAID
    times = {"start_at", "finish_by", "time_zone"}
    request = set(Request.__struct_fields__) - {"roster", "settings"} - times
    assert request <= filled
    again = set(Revert.__struct_fields__) - {"run", "choices", "tls"} - times
    assert again <= filled
    assert msgspec.structs.fields(Request)
