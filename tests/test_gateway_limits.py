"""What holds at each gateway: the layers, and what a resume keeps of them.

Proves --concurrency, --rate, --burst, --retry-for, --agent-id-range; guide "Rate and concurrency".
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.settings import ConfigFile, GatewayLimits, GatewaySection, Settings
from bulkagent.units import Adaptive


def limits(
    concurrency: int | Adaptive,
    per_second: float | None,
    burst: int,
    agent_id_range: tuple[int, int],
) -> GatewayLimits:
    return GatewayLimits(
        concurrency=concurrency,
        per_second=per_second,
        burst=burst,
        agent_id_range=agent_id_range,
    )


FLAG_8 = {"concurrency": 8}
FLAG_AUTO = {"concurrency": Adaptive(4, 256)}
WIDE = (101, 999_999)


class TestGateways:
    """What holds at the gateway east, whose section is one of these layers."""

    @pytest.mark.parametrize(
        ("explicit", "section", "top", "held"),
        [
            # Nothing said, said at the top, in the section, and explicitly.
            ({}, {}, {}, 16),
            ({}, {}, {"concurrency": 4}, 4),
            ({}, {"concurrency": 2}, {"concurrency": 4}, 2),
            (FLAG_8, {"concurrency": 2}, {"concurrency": 4}, 8),
            # The adaptive limit and the fixed one are one choice, in each layer.
            ({}, {}, {"concurrency": "auto"}, Adaptive(4, 256)),
            ({}, {"concurrency": 2}, {"concurrency": "auto"}, 2),
            ({}, {"concurrency": "auto:2-9"}, {"concurrency": 4}, Adaptive(2, 9)),
            ({}, {"concurrency": "auto:2-9"}, {"concurrency": "auto"}, Adaptive(2, 9)),
            (FLAG_8, {}, {"concurrency": "auto"}, 8),
            (FLAG_8, {"concurrency": "auto"}, {}, 8),
            (FLAG_8, {"concurrency": "auto"}, {"concurrency": "auto:1-2"}, 8),
            (FLAG_AUTO, {}, {"concurrency": 4}, Adaptive(4, 256)),
            (FLAG_AUTO, {"concurrency": 2}, {}, Adaptive(4, 256)),
            (FLAG_AUTO, {"concurrency": "auto:2-9"}, {}, Adaptive(4, 256)),
        ],
    )
    def test_the_concurrency_is_of_the_highest_layer_that_says_one(
        self,
        explicit: dict[str, Any],
        section: dict[str, Any],
        top: dict[str, Any],
        held: int | Adaptive,
    ) -> None:
        file = ConfigFile(**top, gateways={"east": GatewaySection("https://gw", **section)})
        at = Settings.resolve(explicit, file).limits("east")
        assert at.concurrency == held

    @pytest.mark.parametrize(
        ("explicit", "section", "top", "field", "held"),
        [
            ({}, {}, {}, "per_second", 100.0),
            ({}, {}, {"rate": "5/s"}, "per_second", 5.0),
            ({}, {"rate": "6/s"}, {"rate": "5/s"}, "per_second", 6.0),
            ({}, {"rate": "none"}, {"rate": "5/s"}, "per_second", None),
            ({"per_second": 7.0}, {"rate": "6/s"}, {"rate": "5/s"}, "per_second", 7.0),
            ({"per_second": None}, {"rate": "6/s"}, {"rate": "5/s"}, "per_second", None),
            ({}, {}, {"burst": 2}, "burst", 2),
            ({}, {"burst": 3}, {"burst": 2}, "burst", 3),
            ({"burst": 4}, {"burst": 3}, {"burst": 2}, "burst", 4),
            ({"per_second": 7.0}, {"burst": 3}, {}, "burst", 3),
            ({}, {"agent_id_range": "101-200"}, {}, "agent_id_range", (101, 200)),
            (
                {"agent_id_range": WIDE},
                {"agent_id_range": "101-200"},
                {"agent_id_range": "101-300"},
                "agent_id_range",
                WIDE,
            ),
        ],
    )
    def test_so_is_every_other_limit(
        self,
        explicit: dict[str, Any],
        section: dict[str, Any],
        top: dict[str, Any],
        field: str,
        held: object,
    ) -> None:
        file = ConfigFile(**top, gateways={"east": GatewaySection("https://gw", **section)})
        assert getattr(Settings.resolve(explicit, file).limits("east"), field) == held

    def test_a_section_speaks_of_its_gateway_alone(self) -> None:
        sections = {
            "east": GatewaySection("https://e", concurrency=2, agent_id_range="101-200"),
            "west": GatewaySection("https://w", rate="5/s"),
        }
        settings = Settings.resolve({}, ConfigFile(gateways=sections))
        assert settings.limits("east") == limits(2, 100.0, 1, (101, 200))
        assert settings.limits("west") == limits(16, 5.0, 1, (101, 59_999))
        assert settings.limits("north") == limits(16, 100.0, 1, (101, 59_999))
        assert settings.agent_id_ranges == {"east": (101, 200)}

    def test_sections_given_by_a_program_count_too(self) -> None:
        section = GatewaySection("https://gw", concurrency="auto:2-9")
        at = Settings(concurrency=3, gateways={"east": section}).limits("east")
        assert (at.concurrency, at.most_in_flight) == (Adaptive(2, 9), 9)
        assert Settings(concurrency=3).limits("east").most_in_flight == 3

    def test_they_do_not_hold_the_emulated_gateway_back_but_say_which_agents_it_has(self) -> None:
        section = GatewaySection("https://gw", "", "", "", 2, "5/s", 3, "101-200")
        file = ConfigFile(concurrency="auto", burst=9, gateways={"east": section})
        at = Settings.resolve({}, file, emulated=True).limits("east")
        assert at == limits(64, None, 1, (101, 200))

    @pytest.mark.parametrize(
        ("section", "says"),
        [
            ({"concurrency": 0}, "concurrency must be 1 to 10000, not 0"),
            ({"burst": 100_001}, "burst must be 1 to 100000, not 100001"),
            ({"rate": "0.00001/s"}, "the rate a second must be"),
            ({"rate": "soon"}, "'soon' is not a rate"),
        ],
    )
    def test_a_limit_out_of_its_range_is_refused_with_its_section(
        self, section: dict[str, Any], says: str
    ) -> None:
        gateways = {"east": GatewaySection("https://gw", **section)}
        with pytest.raises(SettingsRefused) as refused:
            Settings(gateways=gateways)
        assert str(refused.value).startswith(f"[gateways.east] {says}")
        with pytest.raises(SettingsRefused) as resolved:
            Settings.resolve({}, ConfigFile(gateways=gateways))
        assert str(resolved.value) == str(refused.value)


class TestResuming:
    """A run's own settings, as its ledger gives them back, between the other layers."""

    section = GatewaySection("https://gw", "", "", "", "auto:2-9", "5/s", 3, "101-200")

    def own(self, settings: Settings) -> dict[str, Any]:
        return Settings.own_of(msgspec.json.decode(msgspec.json.encode(settings.own)))

    def test_come_through_json_as_they_were(self) -> None:
        settings = Settings.resolve(
            {"concurrency": Adaptive(3, 7)}, ConfigFile(gateways={"east": self.section})
        )
        again = Settings.resolve({}, ConfigFile(), own=self.own(settings))
        for name in ("east", "west"):
            assert again.limits(name) == settings.limits(name)
        assert again.own == settings.own

    def test_keep_each_gateways_limits_whatever_the_file_and_the_environment_say_now(self) -> None:
        own = self.own(Settings.resolve({}, ConfigFile(gateways={"east": self.section})))
        now = {
            "east": GatewaySection("https://gw", concurrency=7, rate="none", burst=8),
            "west": GatewaySection("https://gw2", concurrency=7, agent_id_range="101-300"),
        }
        environment = {"concurrency": 9, "per_second": 9.0, "burst": 9, "agent_id_range": WIDE}
        settings = Settings.resolve(
            {}, ConfigFile(concurrency=5, gateways=now), environment=environment, own=own
        )
        assert settings.limits("east") == limits(Adaptive(2, 9), 5.0, 3, (101, 200))
        assert settings.limits("west") == limits(16, 100.0, 1, (101, 59_999))

    @pytest.mark.parametrize(
        ("explicit", "held"),
        [
            ({"concurrency": 8}, limits(8, 5.0, 3, (101, 200))),
            ({"concurrency": Adaptive(1, 2)}, limits(Adaptive(1, 2), 5.0, 3, (101, 200))),
            ({"per_second": None}, limits(Adaptive(2, 9), None, 3, (101, 200))),
            ({"burst": 4, "agent_id_range": WIDE}, limits(Adaptive(2, 9), 5.0, 4, WIDE)),
        ],
    )
    def test_what_is_explicit_now_goes_over_them(
        self, explicit: dict[str, Any], held: GatewayLimits
    ) -> None:
        own = self.own(Settings.resolve({}, ConfigFile(gateways={"east": self.section})))
        assert Settings.resolve(explicit, ConfigFile(), own=own).limits("east") == held

    def test_of_an_older_run_hold_as_far_as_they_go(self) -> None:
        newer = {
            *("auto", "burst", "retry_for_s", "give_up_after_s"),
            *("resend_after_switchover", "at_gateways"),
        }
        recorded = {n: v for n, v in Settings(concurrency=5).own.items() if n not in newer}
        file = ConfigFile(
            concurrency="auto", retry_for="1m", gateways={"east": self.section}, burst=2
        )
        own = Settings.own_of(msgspec.json.decode(msgspec.json.encode(recorded)))
        settings = Settings.resolve({}, file, environment=FLAG_AUTO, own=own)
        assert settings.limits("east") == limits(5, 100.0, 2, (101, 59_999))
        assert settings.retry_for_s == 60.0
