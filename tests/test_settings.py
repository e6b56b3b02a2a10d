"""Settings: which layer wins, what is refused, and what a configuration file may say.

Proves --agent-id-range, --rate, --burst, --max-attempts, --retry-for, --connect-timeout, --grace,
--halt, --max-age; guide "The configuration file", "Which value counts".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import platformdirs
import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.settings import (
    ConfigFile,
    GatewaySection,
    GuidService,
    SessionsFile,
    Settings,
    accept_former,
    find_config,
    load_config,
)
from bulkagent.units import Adaptive, HaltAtCount, HaltAtShare


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command was started; the platform's folder is beside it."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(platformdirs, "user_config_path", lambda *_, **__: tmp_path / "platform")
    return here


def loaded(folder: Path, text: str) -> ConfigFile:
    path = folder / "bulkagent.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


class TestLayers:
    def test_the_defaults_are_the_documented_gentle_ones(self) -> None:
        settings = Settings.resolve({}, ConfigFile())
        assert settings == Settings()
        assert (settings.concurrency, settings.per_second) == (16, 100.0)
        assert (settings.connect_timeout_s, settings.timeout_s) == (3.0, 10.0)
        assert (settings.max_attempts, settings.max_agents) == (8, None)
        assert settings.agent_id_range == (101, 59_999)
        assert settings.ledger is None
        assert settings.gateways == {}
        assert (settings.deadline_s, settings.grace_s) == (None, 15.0)
        assert (settings.halt, settings.halt_first) == (None, 50)
        assert (settings.durability, settings.max_age_s) == ("normal", 7_200.0)
        assert settings.trust_state_s == 28_800.0
        assert (settings.burst, settings.concurrency) == (1, 16)
        assert (settings.retry_for_s, settings.give_up_after_s) == (120.0, 300.0)
        assert settings.resend_after_switchover is False

    def test_the_file_lies_over_the_defaults(self) -> None:
        file = ConfigFile(
            ledger="/var/ledger.sqlite3",
            concurrency=4,
            rate="300/m",
            max_attempts=2,
            connect_timeout="1s",
            timeout="2500ms",
            agent_id_range="101-999999",
            max_agents=500,
            gateways={"east": GatewaySection(url="https://gw")},
        )
        assert Settings.resolve({}, file) == Settings(
            ledger=Path("/var/ledger.sqlite3"),
            concurrency=4,
            per_second=5.0,
            max_attempts=2,
            connect_timeout_s=1.0,
            timeout_s=2.5,
            agent_id_range=(101, 999_999),
            max_agents=500,
            gateways={"east": GatewaySection(url="https://gw")},
        )

    def test_what_was_given_explicitly_lies_over_the_file(self) -> None:
        file = ConfigFile(concurrency=4, rate="300/m", timeout="30s")
        settings = Settings.resolve({"concurrency": 7, "per_second": None}, file)
        assert (settings.concurrency, settings.per_second, settings.timeout_s) == (7, None, 30.0)

    def test_the_files_limits_do_not_hold_the_emulated_gateway_back(self) -> None:
        file = ConfigFile(concurrency=4, rate="300/m", timeout="30s")
        settings = Settings.resolve({}, file, emulated=True)
        assert (settings.concurrency, settings.per_second, settings.timeout_s) == (64, None, 30.0)

    def test_explicit_limits_hold_also_for_the_emulated_gateway(self) -> None:
        explicit = {"concurrency": 3, "per_second": 9.0}
        settings = Settings.resolve(explicit, ConfigFile(concurrency=4), emulated=True)
        assert (settings.concurrency, settings.per_second) == (3, 9.0)

    def test_the_file_may_lift_the_rate(self) -> None:
        assert Settings.resolve({}, ConfigFile(rate="none")).per_second is None


class TestRanges:
    @pytest.mark.parametrize(
        ("name", "least", "most"),
        [
            ("concurrency", 1, 10_000),
            ("max_attempts", 1, 1_000),
            ("burst", 1, 100_000),
            ("max_agents", 1, 1_000_000_000),
            ("per_second", 0.0001, 1_000_000),
        ],
    )
    def test_both_ends_pass_and_what_is_beyond_does_not(
        self, name: str, least: float, most: float
    ) -> None:
        for value in (least, most):
            assert getattr(Settings.resolve({name: value}, ConfigFile()), name) == value
        for value in (0, -1, most + 1, float("nan")):
            with pytest.raises(SettingsRefused, match=f"must be {least} to {most}, not"):
                Settings.resolve({name: value}, ConfigFile())

    @pytest.mark.parametrize(
        ("connect_s", "whole_s"), [(3.0, 3.0), (3.0, 2.0), (10.0, 10.0), (0.002, 0.001)]
    )
    def test_the_timeout_is_longer_than_the_connect_timeout(
        self, connect_s: float, whole_s: float
    ) -> None:
        explicit = {"connect_timeout_s": connect_s, "timeout_s": whole_s}
        with pytest.raises(SettingsRefused, match="must be longer than the connect timeout"):
            Settings.resolve(explicit, ConfigFile())

    def test_the_timeouts_are_compared_after_all_layers_are_laid(self) -> None:
        file = ConfigFile(connect_timeout="20s")
        assert Settings.resolve({"timeout_s": 21.0}, file).connect_timeout_s == 20.0
        with pytest.raises(
            SettingsRefused, match=r"the timeout \(10 s\).*connect timeout \(20 s\)"
        ):
            Settings.resolve({}, file)

    @pytest.mark.parametrize(
        ("name", "label"),
        [
            ("timeout_s", "timeout"),
            ("connect_timeout_s", "timeout"),
            ("give_up_after_s", "give-up-after"),
        ],
    )
    @pytest.mark.parametrize("value", [0.0, -1.0, 86_401.0, float("inf"), float("nan")])
    def test_times_are_a_millisecond_to_a_day(self, name: str, label: str, value: float) -> None:
        with pytest.raises(SettingsRefused, match=rf"{label} in seconds must be 0\.001 to 86400"):
            Settings.resolve({name: value}, ConfigFile())

    @pytest.mark.parametrize("value", [-1.0, 86_401.0, float("inf"), float("nan")])
    def test_trying_again_may_be_for_no_time_at_all(self, value: float) -> None:
        assert Settings.resolve({"retry_for_s": 0.0}, ConfigFile()).retry_for_s == 0
        with pytest.raises(SettingsRefused, match=r"retry-for in seconds must be 0 to 86400"):
            Settings.resolve({"retry_for_s": value}, ConfigFile())

    @pytest.mark.parametrize("bounds", [(0, 4), (4, 4), (9, 4), (4, 10_001), (-1, 4)])
    def test_bounds_of_an_adaptive_limit_are_a_lower_and_a_higher_one(
        self, bounds: tuple[int, int]
    ) -> None:
        with pytest.raises(SettingsRefused, match="is not a concurrency"):
            Settings(concurrency=Adaptive(*bounds))

    @pytest.mark.parametrize("ids", [(100, 200), (300, 200), (101, 1_000_000)])
    def test_a_range_of_agent_ids_is_one_that_a_gateway_can_have(
        self, ids: tuple[int, int]
    ) -> None:
        with pytest.raises(SettingsRefused, match="range of agent IDs"):
            Settings(agent_id_range=ids)

    def test_settings_made_by_a_program_are_held_to_the_same(self) -> None:
        with pytest.raises(SettingsRefused, match="concurrency must be 1 to 10000, not 0"):
            Settings(concurrency=0)
        with pytest.raises(SettingsRefused, match="the rate a second must be"):
            Settings(per_second=0)
        wrong: Any = {"burst": "4"}
        with pytest.raises(SettingsRefused, match="burst must be a number from 1 to 100000, not"):
            Settings(**wrong)


class TestFile:
    def test_everything_that_can_be_set_is_read(self, folder: Path) -> None:
        file = loaded(
            folder,
            """
            ledger = "/var/ledger.sqlite3"
            concurrency = 4
            rate = "50/s"
            burst = 5
            max_attempts = 3
            retry_for = "90s"
            give_up_after = "10m"
            resend_after_switchover = true
            connect_timeout = "1s"
            timeout = "5s"
            agent_id_range = "101-999999"
            max_agents = 500
            deadline = "10m"
            grace = "5s"
            halt = "fail=5%"
            halt_first = 20
            durability = "full"
            max_age = "1h"
            trust_state = "4h"
            [gateways.east-1]
            url = "https://gw:8043"
            ca_file = "/etc/ca.pem"
            client_cert = "/etc/client.pem"
            tls_server_name = "gateway.example"
            concurrency = "auto:2-8"
            rate = "20/s"
            burst = 2
            agent_id_range = "101-5000"
            """,
        )
        section = GatewaySection(
            *("https://gw:8043", "/etc/ca.pem", "/etc/client.pem", "gateway.example"),
            *("auto:2-8", "20/s", 2, "101-5000"),
        )
        assert file == ConfigFile(
            concurrency=4,
            rate="50/s",
            burst=5,
            max_attempts=3,
            retry_for="90s",
            give_up_after="10m",
            resend_after_switchover=True,
            connect_timeout="1s",
            timeout="5s",
            agent_id_range="101-999999",
            max_agents=500,
            deadline="10m",
            grace="5s",
            halt="fail=5%",
            halt_first=20,
            durability="full",
            max_age="1h",
            trust_state="4h",
            ledger="/var/ledger.sqlite3",
            gateways={"east-1": section},
        )
        settings = Settings.resolve({}, file)
        assert (settings.deadline_s, settings.grace_s) == (600.0, 5.0)
        assert (settings.halt, settings.halt_first) == (HaltAtShare(0.05), 20)
        assert (settings.durability, settings.max_age_s) == ("full", 3_600.0)
        assert settings.trust_state_s == 14_400.0
        assert (settings.retry_for_s, settings.give_up_after_s) == (90.0, 600.0)
        assert settings.resend_after_switchover is True
        at = settings.limits("east-1")
        assert (at.concurrency, at.per_second, at.burst) == (Adaptive(2, 8), 20.0, 2)
        assert at.agent_id_range == (101, 5_000)
        at = settings.limits("west")
        assert (at.concurrency, at.per_second, at.burst) == (4, 50.0, 5)

    def test_no_file_is_an_empty_file(self, folder: Path) -> None:
        assert load_config(None) == loaded(folder, "") == ConfigFile()

    @pytest.mark.parametrize(
        ("text", "near"),
        [
            ("concurency = 4", "concurrency"),
            ("time_out = '4s'", "timeout"),
            ("max-agents = 4", "max_agents"),
            ("connect_timeout_s = 3", "connect_timeout"),
            ("retry_for_s = 3", "retry_for"),
            ("give_up = '3m'", "give_up_after"),
            ("resend_after = true", "resend_after_switchover"),
            ("[gateways.east]\nurl = 'https://gw'\nconcurency = 4", "concurrency"),
            ("[gateways.east]\nurl = 'https://gw'\nrates = '4/s'", "rate"),
            ("[gateways.east]\nurl = 'https://gw'\nbursts = 4", "burst"),
            ("[gateways.east]\nurl = 'https://gw'\nagent-id-range = 'x'", "agent_id_range"),
            ("[gateway.east]\nurl = 'https://gw'", "gateways"),
            ("[gateways.east]\nurl = 'https://gw'\nca-file = 'x'", "ca_file"),
            ("[gateways.east]\nurl = 'https://gw'\nserver_name = 'x'", "tls_server_name"),
        ],
    )
    def test_an_unknown_key_is_refused_with_the_nearest_known_one(
        self, folder: Path, text: str, near: str
    ) -> None:
        with pytest.raises(SettingsRefused) as refused:
            loaded(folder, text)
        assert str(folder / "bulkagent.toml") in str(refused.value)
        assert str(refused.value).endswith(f"did you mean {near}?")

    @pytest.mark.parametrize(
        "text",
        [
            "concurrency",
            "concurrency = ",
            "concurrency = '4x'",
            "concurrency = 'auto:8'",
            "burst = '4'",
            "resend_after_switchover = 'yes'",
            "[gateways.east]\nurl = 'https://gw'\nconcurrency = 4.5",
            "concurrency = 4.5",
            "concurrency = true",
            "rate = 100",
            "gateways = 'east'",
            "[gateways.east]",
            "[gateways.east]\nurl = 5",
            "a = " + "[" * 5_000,
            "concurrency = " + "9" * 5_000,
            "[gateways.east]\nurl = 'https://gw'\n[gateways.east]\nurl = 'https://gw'",
        ],
    )
    def test_what_is_no_such_file_is_refused_by_its_name(self, folder: Path, text: str) -> None:
        with pytest.raises(SettingsRefused) as refused:
            loaded(folder, text)
        assert str(refused.value).startswith(str(folder / "bulkagent.toml"))

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("rate = 100", 'line 2, rate: 100 is not a text, such as rate = "100/s"; did you mean rate = "100/s"?'),  # noqa: E501
            ("timeout = 10", 'did you mean timeout = "10s"?'),
            ("gate = 0.95", 'did you mean gate = "95%"?'),
            ("halt = 5", 'did you mean halt = "fail=5"?'),
            ("burst = '4'", 'burst: "4" is not a whole number from 1 to 100,000; did you mean burst = 4?'),  # noqa: E501
            ("burst = 2.0", "did you mean burst = 2?"),
            ("burst = true", "true is not a whole number"),
            ("burst = 0", "line 2, burst: burst must be 1 to 100000, not 0"),
            ("absent_ok = 'yes'", "true or false; did you mean absent_ok = true?"),
            ("absent_ok = 0", "did you mean absent_ok = false?"),
            ("protect = 'vip.csv'", 'did you mean protect = ["vip.csv"]?'),
            ("verify_with = ['105']", "line 2, verify_with: '105' is not an observer"),
            ("durability = 'ful'", "did you mean full?"),
            ("concurrency = 4.5", 'a whole number from 1 to 10,000, "auto" or "auto:4-256"'),
            ("rate = '100'", "line 2, rate: '100' is not a rate; write it like 100/s, 300/m or none; did you mean 100/s?"),  # noqa: E501
            ("yes = true", "line 2, yes: --yes agrees to what one run does, so it is not taken from a file"),  # noqa: E501
            ("skip_invalid = 5", "--skip-invalid is what one run is meant to do"),
            ("flag = 0", "--flag is what one run is meant to do"),
            ("gateways = 'east'", "is not a table; write [gateways.NAME]"),
            ("[jobs.night]\nrate = 5", "line 3, rate of [jobs.night]: 5 is not a text"),
            ("[jobs.night]\nledger = 'x'", "line 3, ledger of [jobs.night]: it holds for all jobs"),
            ("[gateways.east]\nurl = 'https://a'\ntimeout = '3s'", "it holds for all gateways"),
            ("[gateways.east]\nurl = 'https://a'\nburst = 0", "line 4, burst of [gateways.east]: burst must be"),  # noqa: E501
            ("[gateways.east]\nburst = 2", "line 2, east of [gateways]: it has no url"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_told_with_its_line_and_what_was_meant(
        self, folder: Path, line: str, told: str
    ) -> None:
        """`rate = 100` answered in msgspec's words."""
        with pytest.raises(SettingsRefused) as refused:
            loaded(folder, f"# settings\n{line}\n")
        said = str(refused.value)
        assert said.startswith(f"{folder / 'bulkagent.toml'}, line ")
        assert told in said
        assert "Expected" not in said

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"ledger = '\xe9'", b"\x00"])
    def test_bytes_that_are_no_toml_are_refused(self, folder: Path, content: bytes) -> None:
        path = folder / "odd.toml"
        path.write_bytes(content)
        with pytest.raises(SettingsRefused, match=r"odd\.toml"):
            load_config(path)

    def test_a_file_that_cannot_be_read_is_refused_by_its_name(self, folder: Path) -> None:
        for path in (folder / "absent.toml", folder):
            with pytest.raises(SettingsRefused, match="check --config") as refused:
                load_config(path)
            assert str(path) in str(refused.value)

    @pytest.mark.parametrize(
        "text",
        [
            "rate = '100'",
            "rate = '0/s'",
            "timeout = '0s'",
            "connect_timeout = 'soon'",
            "agent_id_range = '1-2'",
            "ledger = '~nobody-of-that-name/x'",
            "[gateways.east]\nurl = 'https://gw'\nca_file = '~nobody-of-that-name/x'",
        ],
    )
    def test_a_value_that_makes_no_sense_is_refused_with_the_files_name(
        self, folder: Path, text: str
    ) -> None:
        with pytest.raises(SettingsRefused) as refused:
            loaded(folder, text)
        assert str(refused.value).startswith(f"{folder / 'bulkagent.toml'}, line ")

    @pytest.mark.parametrize(
        "name",
        [
            "emulated",
            "Emulated",
            "EMULATED",
            "",
            "a b",
            "https://gw",
            "a/b",
            "-a",
            "x" * 65,
            "\u00e4",
        ],
    )
    def test_a_gateway_cannot_be_called_like_something_else(self, folder: Path, name: str) -> None:
        with pytest.raises(SettingsRefused, match="cannot be a gateway's name") as refused:
            loaded(folder, f'[gateways."{name}"]\nurl = "https://gw"')
        assert repr(name) in str(refused.value)

    @pytest.mark.parametrize("name", ["east", "East-1", "a.b_c", "7", "x" * 64, "emulated2"])
    def test_other_names_are_free(self, folder: Path, name: str) -> None:
        assert set(loaded(folder, f'[gateways."{name}"]\nurl = "https://gw"').gateways) == {name}

    def test_relative_paths_are_beside_the_file_and_not_where_the_command_started(
        self, folder: Path
    ) -> None:
        elsewhere = folder.parent / "etc"
        elsewhere.mkdir()
        file = loaded(
            elsewhere,
            """
            ledger = "state/ledger.sqlite3"
            [gateways.east]
            url = "https://gw"
            ca_file = "ca.pem"
            client_cert = "../client.pem"
            [gateways.west]
            url = "https://gw"
            ca_file = "/etc/ca.pem"
            client_cert = "~/client.pem"
            """,
        )
        assert file.ledger == str(elsewhere / "state/ledger.sqlite3")
        assert Settings.resolve({}, file).ledger == elsewhere / "state/ledger.sqlite3"
        east, west = file.gateways["east"], file.gateways["west"]
        assert east.ca_file == str(elsewhere / "ca.pem")
        assert east.client_cert == str(elsewhere / "../client.pem")
        assert west.ca_file == "/etc/ca.pem"
        assert west.client_cert == str(folder.parent / "home" / "client.pem")

    def test_paths_that_are_not_given_stay_empty(self, folder: Path) -> None:
        file = loaded(folder, '[gateways.east]\nurl = "https://gw"')
        assert file == ConfigFile(gateways={"east": GatewaySection("https://gw")})
        assert Settings.resolve({}, file).ledger is None

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("concurrency = 'auto:8-4'", "'auto:8-4' is not a concurrency"),
            ("rate = '5'", "'5' is not a rate"),
            ("agent_id_range = '1-2'", "'1-2' is not a range of agent IDs"),
        ],
    )
    def test_a_limit_that_makes_no_sense_is_refused_with_its_section(
        self, folder: Path, line: str, says: str
    ) -> None:
        with pytest.raises(SettingsRefused) as refused:
            loaded(folder, f"[gateways.east]\nurl = 'https://gw'\n{line}")
        path = folder / "bulkagent.toml"
        assert str(refused.value).startswith(
            f"{path}, line 3, {line.partition(' ')[0]} of [gateways.east]: {says}"
        )


class TestFinding:
    def test_the_one_asked_for_goes_before_all_even_where_it_is_not_there(
        self, folder: Path
    ) -> None:
        (folder / "bulkagent.toml").touch()
        assert find_config(Path("asked.toml")) == Path("asked.toml")

    def test_the_folders_goes_before_the_platforms(self, folder: Path) -> None:
        platform = folder.parent / "platform"
        assert find_config(None) is None
        platform.mkdir()
        (platform / "bulkagent.toml").touch()
        assert find_config(None) == platform / "bulkagent.toml"
        (folder / "bulkagent.toml").touch()
        found = find_config(None)
        assert found is not None
        assert found.resolve() == (folder / "bulkagent.toml").resolve()

    def test_a_folder_of_that_name_is_no_configuration(self, folder: Path) -> None:
        (folder / "bulkagent.toml").mkdir()
        assert find_config(None) is None


class TestFormerNames:
    """`Settings(auto=...)`, `halt_share`, `sessions` and so on: they work, with a warning."""

    @pytest.mark.parametrize(
        ("name", "value", "now"),
        [
            ("auto", (4, 99), Settings(concurrency=Adaptive(4, 99))),
            ("auto", None, Settings()),
            ("halt_share", 0.2, Settings(halt=HaltAtShare(0.2))),
            ("halt_count", 7, Settings(halt=HaltAtCount(7))),
            ("sessions", Path("s.jsonl"), Settings(guids=SessionsFile(Path("s.jsonl")))),
            ("guid_url", "https://g/{agentid}", Settings(guids=GuidService("https://g/{agentid}"))),
            ("sessions", None, Settings()),
            ("guid_url", "", Settings()),
            ("guid_ca_file", None, Settings()),
        ],
    )
    def test_a_former_name_is_taken_and_read(self, name: str, value: Any, now: Settings) -> None:
        with pytest.warns(DeprecationWarning, match=name):
            former = Settings(**{name: value})
        assert former == now
        with pytest.warns(DeprecationWarning, match=name):
            assert getattr(former, name) == value

    def test_the_settings_of_a_resume_are_taken_by_their_former_names(self) -> None:
        """`bulkagent.resume(run, settings={"guid_url": ...})`: the caller is told."""
        given = {"guid_url": "https://g", "guid_ca_file": Path("ca.pem"), "gate": 0.5}
        with pytest.warns(DeprecationWarning, match="guid_url") as told:
            accepted = accept_former(given, by=3)
        assert accepted == {"gate": 0.5, "guids": GuidService("https://g", Path("ca.pem"))}
        assert told[0].filename == __file__
        assert accept_former({"gate": 0.5}, by=3) == {"gate": 0.5}

    def test_two_halts_are_refused_as_before(self) -> None:
        with (
            pytest.warns(DeprecationWarning, match="halt_"),
            pytest.raises(SettingsRefused, match="not at both"),
        ):
            Settings(halt_share=0.2, halt_count=3)  # type: ignore[call-arg]

    def test_two_sources_of_guids_are_refused_as_before(self) -> None:
        with (
            pytest.warns(DeprecationWarning, match="guid_url"),
            pytest.raises(SettingsRefused, match="give one of the two"),
        ):
            Settings(sessions=Path("s"), guid_url="https://g")  # type: ignore[call-arg]

    def test_a_source_of_guids_of_another_kind_is_refused(self) -> None:
        with pytest.raises(SettingsRefused, match="guids is"):
            Settings(guids=Path("s"))  # type: ignore[arg-type]

    def test_a_halt_of_another_kind_is_refused(self) -> None:
        with pytest.raises(SettingsRefused, match="halt is"):
            Settings(halt=0.2)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "settings",
        [
            Settings(),
            Settings(concurrency=Adaptive(4, 99), halt=HaltAtShare(0.2)),
            Settings(
                halt=HaltAtCount(9),
                gateways={"east": GatewaySection("https://e", concurrency="auto:2-9")},
            ),
            Settings(gateways={"east": GatewaySection("https://e", concurrency=3)}),
            Settings(guids=SessionsFile(Path("/srv/s.jsonl"))),
            Settings(guids=GuidService("https://g/{agentid}", Path("/srv/ca.pem"))),
        ],
    )
    def test_a_ledger_keeps_them_so_that_both_versions_understand_a_run(
        self, settings: Settings
    ) -> None:
        """README, resume: what is recorded has the names that the version before read."""
        recorded = msgspec.json.decode(msgspec.json.encode(settings.own))
        assert recorded.keys() >= {"concurrency", "auto", "halt_share", "halt_count"}
        assert recorded.keys() >= {"sessions", "guid_url"}
        assert not recorded.keys() & {"halt", "guids"}
        assert isinstance(recorded["concurrency"], int)
        again = Settings.resolve({}, ConfigFile(), own=Settings.own_of(recorded))
        assert (again.concurrency, again.halt) == (settings.concurrency, settings.halt)
        assert again.guids == settings.guids
        assert again.limits("east") == settings.limits("east")
