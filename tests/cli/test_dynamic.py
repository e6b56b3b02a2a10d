"""Dynamic authentication: GUIDs that die, sessions that others own, nodes behind a balancer.

Proves --auth, --guid-interval, --guid-timeout, --nodes, --sessions-out; guide "Static and dynamic
authentication", "Sessions of others are left alone", "Agents, GUIDs and nodes", "A gateway to try
it on", "When a GUID is refused or missing".
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Emulated, Ended, bulkagent, emulated
from tests.cli.test_holding import judged
from tests.waiting import until

QUICK = ("--auth", "dynamic", "--guid-interval", "1000", "--guid-timeout", "2000")
COUNTED = ("polls", "heartbeats", "guid_updates", "syncs")


@contextlib.contextmanager
def desks(folder: Path, *more: object, agents: str = "101-160") -> Iterator[Emulated]:
    """Agents at their desks, and the site's own file of their GUIDs."""
    with emulated(folder, agents, *QUICK, "--sessions-out", "live.jsonl", *more) as gateway:
        rows = gateway.roster.read_text().splitlines()
        text = "".join(f"{row.split(',')[0]}\n" for row in rows)
        (folder / "a.csv").write_text(text)
        yield gateway


def apply_to(gateway: Emulated, roster: str, *more: object) -> Ended:
    address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file, "--flag", 0]
    return bulkagent(gateway.folder, "apply", roster, *address, "--yes", "--json", *more)


def sessions_in(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def outdated(gateway: Emulated) -> bool:
    """Whether no GUID of the roster is good any more."""
    old = {row.split(",")[1] for row in gateway.roster.read_text().splitlines()}
    now = sessions_in(gateway.folder / "live.jsonl")
    return not any(line["guid"] in old for line in now)


def nobodys_session_was_used(agents: dict[str, Any]) -> bool:
    return all(agent["session"]["at_desktop"] for agent in agents.values()) and not any(
        agent[counted] for agent in agents.values() for counted in COUNTED
    )


@pytest.mark.matrix
def test_sessions_of_others_are_set_and_otherwise_left_alone(tmp_path: Path) -> None:
    """No poll, no heartbeat, no updateGuid, no synchronising: each would disturb a desktop."""
    with desks(tmp_path) as gateway:
        until(lambda: outdated(gateway))
        # Long enough for every GUID to be renewed in between.
        ended = apply_to(gateway, "a.csv", "--sessions", "live.jsonl", "--rate", "20/s")
        assert (ended.code, ended.json["totals"]["applied"]) == (0, 60), ended.err
        agents = judged(gateway)
        assert nobodys_session_was_used(agents)
        assert {agent["times_set"] for agent in agents.values()} == {1}
        assert {change["event"] for change in gateway.judge("history")} == {
            "sign_in",
            "talk_right",
        }


@pytest.mark.matrix
def test_a_column_that_has_died_is_a_wrong_set_up_and_said_to_be_stale(tmp_path: Path) -> None:
    with desks(tmp_path, "--guid-timeout", "1100") as gateway:
        until(lambda: outdated(gateway))
        ended = apply_to(gateway, "r.csv", "--rate", "none")
        assert (ended.code, ended.json["state"]) == (6, "halted")
        assert "a dynamic one dies after two minutes" in ended.err
        assert "--sessions" in ended.err
        ended = apply_to(gateway, "r.csv", "--rate", "none", "--halt-first", 0)
        assert (ended.code, ended.json["causes"]) == (3, {"guid_refused": 60})
        assert gateway.set_to(0) == []
        # The same run, with GUIDs that are kept alive.
        again = bulkagent(tmp_path, "resume", "last", "--sessions", "live.jsonl", "--yes", "--json")
        assert (again.code, again.json["totals"]["applied"]) == (0, 60), again.err


def test_through_a_balancer_the_cookie_goes_with_the_guid(tmp_path: Path) -> None:
    with desks(tmp_path, "--nodes", 4) as gateway:
        ended = apply_to(gateway, "a.csv", "--sessions", "live.jsonl")
        assert (ended.code, ended.json["totals"]["applied"]) == (0, 60), ended.err
        assert gateway.judge("stats")["answered"] == {"0": 60}
        bare = [{**line, "cookie": ""} for line in sessions_in(tmp_path / "live.jsonl")]
        (tmp_path / "bare.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in bare))
        # Without a rate there are as many connections as requests at once, not one for all.
        many = ("--halt-first", 0, "--rate", "none")
        ended = apply_to(gateway, "a.csv", "--sessions", "bare.jsonl", *many)
        assert ended.code == 3
        assert ended.json["causes"].keys() == {"guid_refused"}
        # Three of four connections lead to another node than the session's, but which of them
        # carries how many requests is up to who answers first.
        assert 0 < ended.json["causes"]["guid_refused"] <= 60
        assert "They came without cookies, which a load balancer may need" in ended.err
