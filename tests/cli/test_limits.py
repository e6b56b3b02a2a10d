"""Limits by option, environment and section: what a check, a run and a resume make of them.

Proves --concurrency, --rate, --burst, --retry-for, --give-up-after, --agent-id-range; guide "Rate
and concurrency", "Let bulkagent find the concurrency".
"""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import COMMAND, SAMPLES, bulkagent, emulated, environment, report_of
from tests.waiting import HANG_S

ROSTER = SAMPLES / "evening_shift.csv"

TWO_EDITIONS = """
agent_id_range = "101-5000"
[gateways.east]
url = "https://east.example"
agent_id_range = "101-999999"
[gateways.west]
url = "https://west.example"
"""

MIXED = "agent_id,gateway\n101,east\n999999,east\n5000,west\n5001,west\n100,east\n"


def recorded(folder: Path) -> dict[str, Any]:
    """The settings of the latest run, as its ledger has them."""
    ledger = sqlite3.connect(folder / "state/bulkagent/ledger.sqlite3")
    try:
        ((settings,),) = ledger.execute("SELECT settings FROM runs ORDER BY run DESC LIMIT 1")
    finally:
        ledger.close()
    found: dict[str, Any] = json.loads(settings)
    return found


def test_a_check_judges_each_row_by_the_range_of_its_gateway(tmp_path: Path) -> None:
    (tmp_path / "bulkagent.toml").write_text(TWO_EDITIONS)
    (tmp_path / "mixed.csv").write_text(MIXED)
    ended = bulkagent(tmp_path, "check", "mixed.csv", "--flag", 0, "--json")
    assert ended.code == 2
    assert [(bad["row"], bad["reason"]) for bad in ended.json["errors"]] == [
        (5, "'5001' is not from 101 to 5000, the agent IDs of west"),
        (6, "'100' is not from 101 to 999999, the agent IDs of east"),
    ]
    assert "line 5, agent_id: '5001' is not from 101 to 5000, the agent IDs of west" in ended.err


@pytest.mark.parametrize("typed", [True, False])
def test_a_range_given_explicitly_goes_over_those_of_all_gateways(
    tmp_path: Path, *, typed: bool
) -> None:
    (tmp_path / "bulkagent.toml").write_text(TWO_EDITIONS)
    (tmp_path / "mixed.csv").write_text(MIXED)
    more, surroundings = ["--agent-id-range", "101-6000"], {"BULKAGENT_AGENT_ID_RANGE": "101-6000"}
    ended = bulkagent(
        *(tmp_path, "check", "mixed.csv", "--json", *(more if typed else ())),
        surroundings={} if typed else surroundings,
    )
    assert [(bad["row"], bad["reason"]) for bad in ended.json["errors"]] == [
        (3, "'999999' is not from 101 to 6000"),
        (6, "'100' is not from 101 to 6000"),
    ]


def test_a_rehearsal_has_the_agents_of_each_gateway(tmp_path: Path) -> None:
    """How hard a section lets its gateway be pushed is meant for the real one alone."""
    (tmp_path / "bulkagent.toml").write_text(f"{TWO_EDITIONS}concurrency = 1\n")
    (tmp_path / "good.csv").write_text("agent_id,gateway\n101,east\n999999,east\n5000,west\n")
    command = ["apply", "good.csv", "--flag", 0, "--gateway", "emulated", "--json"]
    ended = bulkagent(tmp_path, *command)
    assert ended.code == 0, ended.err
    assert ended.json["totals"]["applied"] == 3
    assert recorded(tmp_path)["at_gateways"] == {"east": {"agent_id_range": [101, 999_999]}}
    assert recorded(tmp_path)["concurrency"] == 64


TYPED = {
    "--concurrency": "auto:2-9",
    "--rate": "50/s",
    "--burst": "5",
    "--retry-for": "90s",
    "--give-up-after": "10m",
}
HELD = {
    "auto": [2, 9],
    "per_second": 50.0,
    "burst": 5,
    "retry_for_s": 90.0,
    "give_up_after_s": 600.0,
    "resend_after_switchover": True,
}


@pytest.mark.parametrize("typed", [True, False])
def test_every_limit_is_an_option_and_in_the_environment(tmp_path: Path, *, typed: bool) -> None:
    words = [word for option in TYPED.items() for word in option]
    exported = {
        f"BULKAGENT_{name[2:].replace('-', '_').upper()}": value
        for name, value in {**TYPED, "--resend-after-switchover": "1"}.items()
    }
    ended = bulkagent(
        *(tmp_path, "apply", ROSTER, "--flag", 0, "--gateway", "emulated"),
        *([*words, "--resend-after-switchover"] if typed else ()),
        surroundings={} if typed else exported,
    )
    assert ended.code == 0, ended.err
    assert {name: recorded(tmp_path)[name] for name in HELD} == HELD


def test_the_environment_can_take_back_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "bulkagent.toml").write_text("resend_after_switchover = true\n")
    command = ["apply", ROSTER, "--flag", 0, "--gateway", "emulated"]
    assert bulkagent(tmp_path, *command).code == 0
    assert recorded(tmp_path)["resend_after_switchover"] is True
    no = {"BULKAGENT_RESEND_AFTER_SWITCHOVER": "0"}
    assert bulkagent(tmp_path, *command, surroundings=no).code == 0
    assert recorded(tmp_path)["resend_after_switchover"] is False


def test_a_gateway_with_a_name_has_its_limits_by_its_address_too(tmp_path: Path) -> None:
    """Else a slip of the hand would lift them."""
    (tmp_path / "bulkagent.toml").write_text(
        '[gateways.east]\nurl = "https://LOCALHOST:1/"\nconcurrency = 2\nrate = "5/s"\n'
    )
    (tmp_path / "r.csv").write_text("agent_id,guid\n101,g\n")
    ended = bulkagent(
        tmp_path,
        *("apply", "r.csv", "--flag", 0, "--gateway", "https://localhost:1"),
        *("--yes", "--json", "--give-up-after", "1s"),
    )
    (line,) = report_of(tmp_path, ended.json)
    assert line["gateway"] == "east"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--concurrency", "auto:9-2"], "'auto:9-2' is not a concurrency; write a number from 1"),
        (["--burst", "0"], "burst must be 1 to 100000, not 0"),
        (["--retry-for", "soon"], "'soon' is not a duration"),
        (["--give-up-after", "25h"], "the give-up-after in seconds must be 0.001 to 86400"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(tmp_path: Path, more: list[str], says: str) -> None:
    ended = bulkagent(tmp_path, "apply", ROSTER, "--flag", 0, "--gateway", "emulated", *more)
    assert ended.code == 2
    assert says in ended.err


@pytest.mark.parametrize(("concurrency", "code"), [("auto:4-100", 2), ("auto:1-4", 0)])
def test_room_is_made_for_the_most_that_an_adaptive_limit_allows(
    tmp_path: Path, concurrency: str, code: int
) -> None:
    script = (
        'ulimit -n 64; exec "$0" apply "$1" --flag 0 --gateway emulated'
        f" --concurrency {concurrency}"
    )
    ended = subprocess.run(
        ["/bin/bash", "-c", script, COMMAND, ROSTER],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert ended.returncode == code, ended.stderr


# Nobody is signed in, so that all are left for a resume; each answer takes its time.
NOBODY = """
[latency]
distribution = "fixed"
milliseconds = 40
[agents]
signed_out = "101-130"
"""


def sections(folder: Path, urls: dict[str, str], limits: dict[str, str]) -> None:
    """A configuration with these gateways."""
    (folder / "bulkagent.toml").write_text(
        "\n".join(
            f'[gateways.{name}]\nurl = "{url}"\nca_file = "{name}/ca.pem"\n{limits[name]}'
            for name, url in urls.items()
        )
    )


@pytest.mark.matrix
def test_a_resume_keeps_what_each_gateway_had_and_gives_way_to_what_is_typed(
    tmp_path: Path,
) -> None:
    folders = {name: tmp_path / name for name in ("east", "west")}
    for folder in folders.values():
        folder.mkdir()
        (folder / "nobody.toml").write_text(NOBODY)
    with (
        emulated(folders["east"], "101-130", "--scenario", "nobody.toml") as east,
        emulated(folders["west"], "101-130", "--scenario", "nobody.toml") as west,
    ):
        both = {"east": east, "west": west}
        urls = {name: gateway.url for name, gateway in both.items()}
        with (tmp_path / "both.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["agent_id", "guid", "gateway"])
            for name, gateway in both.items():
                for line in gateway.roster.read_text().splitlines()[1:]:
                    writer.writerow([*line.split(","), name])

        def peaks() -> tuple[int, int]:
            east_peak, west_peak = (at.judge("stats")["peak_in_flight"] for at in both.values())
            return east_peak, west_peak

        lifted = 'rate = "none"\nconcurrency = '
        sections(tmp_path, urls, {"east": f"{lifted}2\n", "west": f"{lifted}5\nburst = 3\n"})
        ended = bulkagent(tmp_path, "apply", "both.csv", "--flag", 0, "--yes", "--json")
        assert (ended.code, ended.json["causes"]) == (3, {"not_signed_in": 60})
        assert peaks() == (2, 5)
        kept = recorded(tmp_path)["at_gateways"]
        assert kept == {
            "east": {"per_second": None, "concurrency": 2},
            "west": {"per_second": None, "concurrency": 5, "burst": 3},
        }
        sections(tmp_path, urls, {"east": f"{lifted}20\n", "west": f"{lifted}20\n"})
        ended = bulkagent(
            *(tmp_path, "resume", "last", "--yes", "--json"),
            surroundings={"BULKAGENT_CONCURRENCY": "20"},
        )
        assert ended.json["requests"] == 120
        assert peaks() == (2, 5), "the run's own, over environment and file"
        ended = bulkagent(tmp_path, "resume", "last", "--yes", "--json", "--concurrency", 7)
        assert ended.json["requests"] == 180
        assert peaks() == (7, 7), "what was typed"
