"""A run that would fail everybody halts, says what to check, and goes on when a person says so.

Proves --halt, --halt-first, --deadline, --override; guide "Halting".
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Emulated, Ended, bulkagent, emulated, report_of

CONCURRENCY = 16

# Everything that a run can halt over is a range of agents of one gateway.
STALE = range(1001, 1201)  # with the GUID of another session in `stale`
SIGNED_OUT = range(1201, 1321)
PAGES = range(1321, 1441)
ONE_WELL = range(1441, 1561)  # the first of them is well
TENTH = range(1561, 1761)  # every tenth is refused
REFUSED = range(1761, 1961)
SLOW = range(1961, 2011)
SCENARIO = f"""
[agents]
signed_out = "{SIGNED_OUT[0]}-{SIGNED_OUT[-1]}"
[[faults]]
kind = "html"
share = 1
agents = "{PAGES[0]}-{PAGES[-1]}"
[[faults]]
kind = "retcode"
retcode = "000-003"
share = 1
agents = "{ONE_WELL[1]}-{ONE_WELL[-1]}"
[[faults]]
kind = "retcode"
retcode = "100-009"
share = 1
agents = "{",".join(str(number) for number in TENTH[::10])},{REFUSED[0]}-{REFUSED[-1]}"
[[faults]]
kind = "slow"
milliseconds = 300
share = 1
agents = "{SLOW[0]}-{SLOW[-1]}"
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    folder = tmp_path_factory.mktemp("halting")
    (folder / "halting.toml").write_text(SCENARIO)
    everybody = f"{STALE[0]}-{SLOW[-1]}"
    with emulated(folder, everybody, "--scenario", "halting.toml") as running:
        yield running


class Halting:
    """Runs of some agents of the gateway, and how many requests each has cost it."""

    def __init__(self, folder: Path, gateway: Emulated) -> None:
        self.folder = folder
        self.gateway = gateway
        self.roster = folder / "r.csv"

    def write(self, agents: range, *, stale: bool = False) -> None:
        """Write the roster; where it is stale, each agent has the GUID of the one before."""
        with self.gateway.roster.open(newline="") as file:
            guids = {int(row["agent_id"]): row["guid"] for row in csv.DictReader(file)}
        rows = [f"{n},{guids[agents[at - 1] if stale else n]}" for at, n in enumerate(agents)]
        self.roster.write_text("\n".join(["agent_id,guid", *rows]))

    def apply(self, *more: object) -> tuple[Ended, int]:
        address = ["--gateway", self.gateway.url, "--ca-file", self.gateway.ca_file]
        limits = ["--concurrency", CONCURRENCY, "--rate", "none"]
        return self.run("apply", self.roster, "--flag", 0, *address, *limits, "--yes", *more)

    def run(self, *arguments: object) -> tuple[Ended, int]:
        before = self.requests
        ended = bulkagent(self.folder, *arguments, "--json")
        return ended, self.requests - before

    @property
    def requests(self) -> int:
        return int(self.gateway.judge("stats")["requests"])

    def are_set(self, agents: range) -> int:
        """How many of these agents the gateway has set to 0."""
        return len({str(number) for number in agents} & set(self.gateway.set_to(0)))


@pytest.fixture
def halting(tmp_path: Path, gateway: Emulated) -> Halting:
    return Halting(tmp_path, gateway)


def assert_halted(ended: Ended) -> None:
    """Exit 6; rows that were not sent say so, nothing was cut off, and a resume is named."""
    assert ended.code == ended.json["exit_code"] == 6, ended.err
    assert ended.json["state"] == "halted"
    assert ended.json["totals"]["not_attempted"] == ended.json["causes"]["halted"] > 0
    assert sum(ended.json["totals"].values()) == ended.json["rows"]
    assert "interrupted" not in ended.json["causes"]
    assert ended.json["next"].startswith(f"bulkagent resume {ended.json['run_id']}")
    assert ended.json["next"] in ended.err


def ends(folder: Path, ended: Ended) -> Counter[tuple[str, str]]:
    lines = report_of(folder, ended.json)
    return Counter((line["status"], line["cause"]) for line in lines)


def test_stale_guids_halt_early_and_go_on_when_a_person_says_so(halting: Halting) -> None:
    """Without an answer or a reason nothing more is sent, whatever was agreed to beforehand."""
    halting.write(STALE, stale=True)
    ended, requests = halting.apply()
    assert_halted(ended)
    assert 50 <= requests <= 50 + CONCURRENCY
    assert ends(halting.folder, ended) == {
        ("failed", "guid_refused"): requests,
        ("not_attempted", "halted"): len(STALE) - requests,
    }
    assert "use GUIDs that are kept alive" in ended.err
    assert "the first 50 on " in ended.err
    unanswered, requests = halting.run("resume", "last", "--yes")
    assert unanswered.code == unanswered.json["exit_code"] == 6, unanswered.err
    assert unanswered.json["state"] == "refused"
    assert sum(unanswered.json["totals"].values()) == unanswered.json["rows"] == len(STALE)
    assert "--override" in unanswered.err
    assert requests == halting.are_set(STALE) == 0
    halting.write(STALE)
    went_on, requests = halting.run("resume", "last", "--override", "GUIDs renewed", "--yes")
    assert went_on.code == 0, went_on.err
    assert went_on.json["run_id"] == ended.json["run_id"]
    assert went_on.json["totals"]["applied"] == len(STALE)
    assert requests == halting.are_set(STALE) == len(STALE)
    shown = bulkagent(halting.folder, "show", "last", "--json").json
    assert [leg["command"] for leg in shown["legs"]] == ["apply", "resume"]
    assert [leg["exit_code"] for leg in shown["legs"]] == [6, 0]
    assert shown["legs"][1]["override"] == "GUIDs renewed"
    assert not shown["legs"][0]["override"]
    assert "guid_refused" in shown["legs"][0]["reason"]


def test_halting_at_first_can_be_turned_off(halting: Halting) -> None:
    halting.write(STALE, stale=True)
    ended, requests = halting.apply("--halt-first", 0)
    assert ended.code == 3, ended.err
    assert ended.json["totals"]["failed"] == requests == len(STALE)


def test_fewer_can_be_enough_to_halt(halting: Halting) -> None:
    halting.write(STALE, stale=True)
    ended, requests = halting.apply("--halt-first", 3, "--concurrency", 1)
    assert_halted(ended)
    assert ended.json["totals"]["failed"] == requests == 3


def test_agents_who_are_not_signed_in_never_halt_anything(halting: Halting) -> None:
    """Not even where nobody is and the least share of failures is asked for."""
    halting.write(SIGNED_OUT)
    ended, requests = halting.apply("--halt", "fail=1%")
    assert ended.code == 3, ended.err
    assert ended.json["causes"] == {"not_signed_in": len(SIGNED_OUT)}
    assert requests == len(SIGNED_OUT)


def test_one_success_among_the_first_means_that_nothing_halts(halting: Halting) -> None:
    halting.write(ONE_WELL)
    ended, requests = halting.apply()
    assert ended.code == 3, ended.err
    assert ended.json["totals"]["applied"] == 1
    assert ended.json["totals"]["failed"] == len(ONE_WELL) - 1
    assert requests == len(ONE_WELL)


def test_a_gateway_that_answers_with_pages_halts(halting: Halting) -> None:
    """In doubt all the same: a portal says nothing of what is behind it.

    It is spared as one that is unwell, in case that it is; when it is given up, what all have
    begun with says that something is set up wrongly, so that a person must look.
    """
    halting.write(PAGES)
    ended, requests = halting.apply("--give-up-after", "1s")
    assert_halted(ended)
    assert 10 <= requests <= 50
    assert ends(halting.folder, ended)["unknown", "bad_reply"] <= requests
    assert "check that the address is the gateway's" in ended.err


def test_only_the_gateway_that_is_wrong_is_halted(halting: Halting) -> None:
    """The others' agents are all set, and a person must look."""
    right = halting.folder / "right"
    right.mkdir()
    halting.write(STALE, stale=True)
    with emulated(right, "1001-1120") as other:
        (halting.folder / "bulkagent.toml").write_text(
            f'[gateways.east]\nurl = "{halting.gateway.url}"\n'
            f'ca_file = "{halting.gateway.ca_file}"\n'
            f'[gateways.west]\nurl = "{other.url}"\nca_file = "{other.ca_file}"\n'
        )
        stale = [f"{row},east" for row in halting.roster.read_text().splitlines()[1:]]
        fresh = [f"{row},west" for row in other.roster.read_text().splitlines()[1:]]
        # Side by side in the roster, so that both are at work when the one is halted.
        mixed = [row for pair in zip(stale, fresh, strict=False) for row in pair]
        rows = [*mixed, *stale[len(fresh) :]]
        halting.roster.write_text("\n".join(["agent_id,guid,gateway", *rows]))
        ended, requests = halting.run(
            *("apply", halting.roster, "--flag", 0, "--gateway", "east", "--yes"),
            *("--rate", "none", "--concurrency", CONCURRENCY),
        )
        assert len(other.set_to(0)) == 120
    assert_halted(ended)
    assert 50 <= requests <= 50 + CONCURRENCY
    assert ended.json["totals"]["applied"] == 120
    assert ended.json["totals"]["failed"] == requests
    found = {(line["gateway"], line["status"]) for line in report_of(halting.folder, ended.json)}
    assert found == {("west", "applied"), ("east", "failed"), ("east", "not_attempted")}


def test_a_share_of_failures_halts(halting: Halting) -> None:
    """Requests in flight may finish then: nothing is unknown, and the gateway agrees."""
    halting.write(TENTH)
    ended, requests = halting.apply("--halt", "fail=5%")
    assert_halted(ended)
    found = ends(halting.folder, ended)
    assert found.keys() == {
        ("applied", ""),
        ("rejected", "not_permitted"),
        ("not_attempted", "halted"),
    }
    assert 50 <= requests <= 50 + CONCURRENCY
    assert found["applied", ""] == halting.are_set(TENTH)
    assert "the limit is 5%" in ended.err


def test_a_number_of_failures_halts(halting: Halting) -> None:
    halting.write(REFUSED)
    ended, requests = halting.apply("--halt", "fail=60")
    assert_halted(ended)
    assert 60 <= requests <= 60 + CONCURRENCY
    assert ends(halting.folder, ended) == {
        ("rejected", "not_permitted"): requests,
        ("not_attempted", "halted"): len(REFUSED) - requests,
    }
    assert "the limit is 60" in ended.err


def test_a_deadline_stops_admission_and_a_resume_without_one_sets_the_rest(
    halting: Halting,
) -> None:
    """Requests in flight are let finish, so whom the gateway has set is whom the report says."""
    halting.write(SLOW)
    ended, requests = halting.apply("--deadline", "1s", "--concurrency", 4)
    assert ended.code == ended.json["exit_code"] == 5, ended.err
    assert ended.json["state"] == "interrupted"
    assert requests < len(SLOW)
    assert ends(halting.folder, ended) == Counter(
        {("applied", ""): requests, ("not_attempted", "deadline"): len(SLOW) - requests}
    )
    assert halting.are_set(SLOW) == requests
    assert ended.json["next"] == f"bulkagent resume {ended.json['run_id']}"
    rest, more = halting.run("resume", "last", "--yes", "--deadline", "none", "--concurrency", 64)
    assert rest.code == 0, rest.err
    assert rest.json["totals"]["applied"] == len(SLOW) == requests + more
    assert halting.are_set(SLOW) == len(SLOW)
