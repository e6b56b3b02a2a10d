"""Processes that are really killed, and the gateway's own record of what they did.

The gateway counts requests; a run is killed when the count has come to a number. One is resumed,
and one is applied once more, as an orchestrator would. Hundreds of kills are in tests/simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bulkagent.ledger import RunRecord, find_run, lines, open_ledger
from bulkagent.model import Line, Status
from bulkagent.run.history.report import FLAGS, end_of
from tests.cli.command import Emulated, bulkagent, emulated, started
from tests.waiting import HANG_S

AGENTS = 300
CONCURRENCY = 16
LAST_AGENT = 100 + AGENTS
MOMENTS = (70, 150)

# Resets before and after the agent is set: answers are lost at any time, not only by kills.
SCENARIO = """
seed = 5
[latency]
distribution = "fixed"
milliseconds = 4
[[faults]]
kind = "reset_after"
share = 0.02
[[faults]]
kind = "reset_before"
share = 0.02
[[faults]]
kind = "retcode"
share = 0.02
retcode = "100-007"
"""


class Killing:
    """Runs against one gateway that are killed, one after the other, with alternating flags."""

    def __init__(self, gateway: Emulated) -> None:
        self.gateway = gateway
        self.folder = gateway.folder
        self.ledger = self.folder / "state/bulkagent/ledger.sqlite3"
        limits = ["--rate", "none", "--concurrency", CONCURRENCY]
        # What a kill leaves in doubt uses slots for twice the time-out.
        limits += ["--timeout", "1", "--connect-timeout", "0.9"]
        self.options = [*limits, "--yes", "--json"]
        self.kills = self.in_doubt = self.set_twice = self.too_late = 0

    def set_by(self, since: int) -> dict[str, list[int]]:
        """Which talk rights the gateway has given to whom since a point of its history."""
        found: dict[str, list[int]] = {}
        for change in self.gateway.judge("history")[since:]:
            if change["event"] == "talk_right":
                found.setdefault(change["agent_id"], []).append(change["flag"])
        return found

    def kill(self, flag: int, after: int) -> None:
        """Apply a flag, kill it after so many requests, see what is left, and go on."""
        since = len(self.gateway.judge("history"))
        requests = self.gateway.judge("stats")["requests"]
        roster, url = self.gateway.roster, self.gateway.url
        address = ["--gateway", url, "--ca-file", self.gateway.ca_file]
        apply = ["apply", roster, "--flag", flag, *address, *self.options]
        with started(self.folder, *apply) as process:
            while self.gateway.judge("stats")["requests"] - requests < after:
                if process.poll() is not None:
                    break  # it was faster than the count could be read
            else:
                assert psutil.Process(process.pid).children() == [], "nobody to go on sending"
            process.kill()
            process.communicate(timeout=HANG_S)
        found = self.look(flag, since)
        self.go_on(flag, since, found, apply)

    def look(self, flag: int, since: int) -> list[Line]:
        """The report of what a killed run has left, and whether the gateway agrees."""
        while self.gateway.judge("stats")["in_flight"]:
            pass  # its last requests, on their way when it died
        with open_ledger(self.ledger) as database:
            facts = find_run(database, "last")
            found = list(lines(RunRecord(database, facts.run), FLAGS))
            state, _ = end_of(facts)
        self.kills += state == "interrupted"
        self.too_late += state != "interrupted"
        changed = self.set_by(since)
        assert len(found) == AGENTS
        for line in found:
            did = changed.pop(line.agent_id, [])
            if line.status is Status.APPLIED:
                assert set(did) == {flag}, line
            elif line.status is not Status.UNKNOWN:
                assert not did, line
        assert not changed, "nobody outside the roster"
        return found

    def go_on(self, flag: int, since: int, found: list[Line], apply: list[object]) -> None:
        """Resume it, in one way or the other, and see that everybody is set in the end."""
        before = {agent: len(did) for agent, did in self.set_by(since).items()}
        in_doubt = {line.agent_id for line in found if line.status is Status.UNKNOWN}
        again = [*apply, "--or-resume"] if after_half(self.kills) else ["resume", "last", "--yes"]
        if "--json" not in again:
            again = [*again, "--json"]
        ended = bulkagent(self.folder, *again)
        assert ended.code == 0, ended.err
        assert ended.json["totals"]["applied"] == AGENTS
        after = self.set_by(since)
        twice = {agent for agent, did in after.items() if before.get(agent, 0) < len(did)}
        twice &= set(before)
        assert twice <= in_doubt
        assert all(set(did) == {flag} for did in after.values())
        assert len(after) == AGENTS
        self.in_doubt += len(in_doubt)
        self.set_twice += len(twice)
        rights = {agent["agent_id"]: agent["talk_right"] for agent in self.gateway.judge("agents")}
        assert set(rights.values()) == {flag}


def after_half(kills: int) -> bool:
    """Every other time by `apply --or-resume`, as an orchestrator would."""
    return kills % 2 == 0


def told(killing: Killing) -> str:
    return (
        f"{killing.kills} killed of {AGENTS} agents each (and {killing.too_late} over before the"
        f" kill): all reports true, {killing.in_doubt} agents in doubt, {killing.set_twice} of"
        " them set a second time, nobody else; all resumed to exit 0"
    )


@pytest.mark.matrix
def test_two_kills(tmp_path: Path, printed: Callable[[str], None]) -> None:
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    with emulated(tmp_path, f"101-{LAST_AGENT}", "--scenario", tmp_path / "scenario.toml") as far:
        killing = Killing(far)
        for flag, after in enumerate(MOMENTS):
            killing.kill(flag, after)
    assert killing.kills, "one at least is quicker than its run"
    assert killing.set_twice <= killing.in_doubt
    printed(f"kills: {told(killing)}")
