"""A gateway that is unwell is left room, as the gateway itself counts it.

Proves --give-up-after, --resend-after-switchover; guide "The circuit breaker", "Giving up", "A
failover".

README: A gateway that is down gets what was under way and a probe now and then.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import SAMPLES, Emulated, Ended, bulkagent, emulated, report_of

CONCURRENCY = 32
SHIFT = "1001-1600"


def apply_to(gateway: Emulated, *more: object) -> Ended:
    address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file]
    return bulkagent(
        gateway.folder,
        *("apply", gateway.roster, "--flag", 0, *address, "--yes", "--json"),
        *("--rate", "none", "--concurrency", CONCURRENCY, *more),
    )


def resume(gateway: Emulated, *more: object) -> Ended:
    return bulkagent(gateway.folder, "resume", "last", "--yes", "--json", *more)


def write(folder: Path, scenario: str) -> list[object]:
    (folder / "scenario.toml").write_text(scenario)
    return ["--scenario", "scenario.toml"]


def assert_given_up(ended: Ended, agents: int) -> None:
    assert ended.code == ended.json["exit_code"] == 5, ended.err
    assert ended.json["state"] == "interrupted"
    assert sum(ended.json["totals"].values()) == ended.json["rows"] == agents
    assert ended.json["causes"]["breaker_open"] > 0
    assert "was given up: there was no good answer for 1 s" in ended.err
    assert ended.json["next"] in ended.err


def test_a_gateway_that_dies_in_the_middle_is_asked_no_more(tmp_path: Path) -> None:
    """Each agent's own attempts would be thousands; it gets what was under way, and probes."""
    dead = ["--scenario", SAMPLES / "scenarios" / "dead.toml"]
    with emulated(tmp_path, SHIFT, *dead) as gateway:
        ended = apply_to(gateway, "--give-up-after", "1s")
        assert_given_up(ended, 600)
        assert 300 <= gateway.judge("stats")["requests"] <= 700
        assert gateway.judge("stats")["peak_in_flight"] <= CONCURRENCY
    assert ended.json["totals"]["applied"] == 299
    assert ended.json["causes"].keys() == {"breaker_open", "reset"}


@pytest.mark.matrix
def test_a_gateway_that_is_gone_is_resumed_when_it_is_back(tmp_path: Path) -> None:
    for_a_while = write(
        tmp_path,
        "seed = 1\n[latency]\nmilliseconds = 20\n[[outages]]\nfrom_request = 300\nseconds = 4\n",
    )
    with emulated(tmp_path, SHIFT, *for_a_while) as gateway:
        # What was in doubt uses slots of the resume for twice the time-out.
        quick = ("--timeout", "1", "--connect-timeout", "0.9")
        ended = apply_to(gateway, "--give-up-after", "1s", *quick)
        assert_given_up(ended, 600)
        finished = resume(gateway, "--give-up-after", "1m")
        assert finished.code == 0, finished.err
        assert gateway.judge("stats")["requests"] <= 700
        assert len(gateway.set_to(0)) == 600
    assert finished.json["totals"]["applied"] == 600
    assert finished.json["run_id"] == ended.json["run_id"]


@pytest.mark.matrix
def test_a_switch_over_ends_with_everybody_set_and_nobody_asked(tmp_path: Path) -> None:
    """Those before it may have lost the right, which the summary says."""
    switch_over = write(
        tmp_path,
        "seed = 1\n[latency]\nmilliseconds = 5\n"
        "[[switch_overs]]\nfrom_request = 100\nseconds = 2\nkeeps_talk_rights = false\n",
    )
    with emulated(tmp_path, SHIFT, *switch_over) as gateway:
        ended = apply_to(gateway)
        assert ended.code == 0, ended.err
        assert ended.json["totals"]["applied"] == 600
        said = re.search(r"note    (\d+) agents set before the gateway failed over", ended.err)
        assert said is not None, ended.err
        lost = int(said[1])
        assert 100 - CONCURRENCY <= lost <= 100 + CONCURRENCY
        assert len(gateway.set_to(0)) < 600, "the emulated gateway has forgotten some"
        requests = gateway.judge("stats")["requests"]
        assert requests <= 600 + 10 + CONCURRENCY + 10, "probes are few"
        again = resume(gateway, "--resend-after-switchover")
        assert again.code == 0, again.err
        assert f"will set {lost} of 600 agents: {lost} once more" in again.err
        assert "failed over" not in again.err
        assert len(gateway.set_to(0)) == 600
        assert gateway.judge("stats")["requests"] == requests + lost
        nothing = resume(gateway, "--resend-after-switchover")
        assert nothing.code == 0, nothing.err
        assert gateway.judge("stats")["requests"] == requests + lost, "once is enough"
    attempts = sum(int(line["attempts"]) for line in report_of(tmp_path, again.json))
    assert attempts == requests + lost == again.json["requests"]


@pytest.mark.matrix
def test_those_before_a_switch_over_are_sent_once_more_in_one_go(tmp_path: Path) -> None:
    switch_over = write(
        tmp_path,
        "seed = 1\n[latency]\nmilliseconds = 5\n"
        "[[switch_overs]]\nfrom_request = 100\nseconds = 1\nkeeps_talk_rights = false\n",
    )
    with emulated(tmp_path, "1001-1300", *switch_over) as gateway:
        ended = apply_to(gateway, "--resend-after-switchover")
        assert ended.code == 0, ended.err
        assert len(gateway.set_to(0)) == 300
        assert gateway.judge("stats")["requests"] == ended.json["requests"] > 300
    assert ended.json["totals"]["applied"] == 300
    assert "failed over" not in ended.err
    agent = report_of(tmp_path, ended.json)[0]["agent_id"]
    shown = bulkagent(tmp_path, "show", "last", "--agent", agent, "--json").json
    assert [attempt["ended"] for attempt in shown["rows"][0]["attempts"]] == ["0", "0"]


@pytest.mark.matrix
def test_transient_faults_cost_few_requests_more(tmp_path: Path) -> None:
    faults = ["--scenario", SAMPLES / "scenarios" / "transient_faults.toml"]
    with emulated(tmp_path, "1001-3000", *faults) as gateway:
        ended = apply_to(gateway)
        assert ended.code == 0, ended.err
        assert gateway.judge("stats")["requests"] <= 2_000 * 1.15
        assert len(gateway.set_to(0)) == 2_000


def test_a_wish_to_be_left_alone_is_heeded_by_the_whole_run(tmp_path: Path) -> None:
    wish = write(
        tmp_path,
        '[[faults]]\nkind = "too_many"\nshare = 1\nretry_after = "1"\nper_agent = 1\n'
        'agents = "1001"\n',
    )
    with emulated(tmp_path, "1001-1300", *wish) as gateway:
        ended = apply_to(gateway, "--concurrency", 1, "--log-file", "run.log")
        assert ended.code == 0, ended.err
        assert ended.json["elapsed_s"] >= 1.0, "the first agent is refused, and all wait"
    events = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    (pause,) = (event for event in events if event["event"] == "gateway.paused")
    assert pause["reason"] == "it asked for 1 s without requests"


@pytest.mark.matrix
@pytest.mark.parametrize(("burst", "most"), [(1, 40), (20, 60)])
def test_no_second_has_more_requests_than_the_rate(tmp_path: Path, burst: int, most: int) -> None:
    """Faults or not: retries count. A few may come a little late and meet those after them."""
    faults = write(tmp_path, '[[faults]]\nkind = "reset_before"\nshare = 0.2\nper_agent = 1\n')
    with emulated(tmp_path, "1001-1090", *faults) as gateway:
        limits = ["--rate", "40/s", "--burst", burst, "--concurrency", 4]
        ended = apply_to(gateway, *limits)
        assert ended.code == 0, ended.err
        assert gateway.judge("stats")["peak_per_second"] <= most + 4


def test_one_gateways_trouble_is_not_anothers(tmp_path: Path) -> None:
    """All agents of the live one are set, and once each, while the dead one is given up."""
    folders = {name: tmp_path / name for name in ("east", "west")}
    for folder in folders.values():
        folder.mkdir()
    dead = write(folders["west"], '[[faults]]\nkind = "unavailable"\nshare = 1\n')
    with (
        emulated(folders["east"], "1001-1200") as east,
        emulated(folders["west"], "2001-2200", *dead) as west,
    ):
        sections = {
            name: f'[gateways.{name}]\nurl = "{at.url}"\nca_file = "{at.ca_file}"\n{limits}\n'
            for name, at, limits in (("east", east, "concurrency = 3"), ("west", west, ""))
        }
        (tmp_path / "bulkagent.toml").write_text("".join(sections.values()))
        rows = [
            f"{row},{name}"
            for name, at in (("west", west), ("east", east))
            for row in at.roster.read_text().splitlines()[1:]
        ]
        (tmp_path / "r.csv").write_text("\n".join(["agent_id,guid,gateway", *rows]))
        command = ["apply", "r.csv", "--flag", 0, "--yes", "--json", "--rate", "none"]
        ended = bulkagent(tmp_path, *command, "--give-up-after", "1s")
        counted: dict[str, Any] = {"east": east.judge("stats"), "west": west.judge("stats")}
        assert len(east.set_to(0)) == 200
    assert ended.code == 5, ended.err
    assert "west was given up" in ended.err
    assert "east" not in ended.err.partition("was given up")[2]
    assert counted["east"]["requests"] == 200
    assert counted["east"]["peak_in_flight"] <= 3, "its own limit"
    assert counted["west"]["requests"] <= 10 + 16 + 10
    by_gateway = {line["gateway"]: line["status"] for line in report_of(tmp_path, ended.json)}
    assert by_gateway["east"] == "applied"


@pytest.mark.matrix
def test_an_adaptive_limit_is_learned_and_logged(tmp_path: Path) -> None:
    with emulated(tmp_path, "1001-3000", *write(tmp_path, "[latency]\nmilliseconds = 20\n")) as at:
        ended = apply_to(at, "--concurrency", "auto:2-24", "--log-file", "run.log")
        assert ended.code == 0, ended.err
        assert at.judge("stats")["peak_in_flight"] <= 24
    events = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    limits = [event["reason"] for event in events if event["event"].startswith("limit.")]
    assert limits, "each window is judged"


@pytest.mark.soak
def test_a_switch_over_of_half_a_minute(tmp_path: Path) -> None:
    scenario = ["--scenario", SAMPLES / "scenarios" / "switch_over.toml"]
    with emulated(tmp_path, SHIFT, *scenario) as gateway:
        ended = apply_to(gateway)
        assert ended.code == 0, ended.err
        assert ended.json["totals"]["applied"] == 600
        assert gateway.judge("stats")["requests"] <= 700
