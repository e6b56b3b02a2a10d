"""Several processes at once on one ledger; the judge is the gateway's record.

One round of each kind, over sockets and with real kills. Hundreds are in tests/simulation.

Proves --or-resume, --take-over; guide "A resume without a person", "A person's
correction", "A person's setting stays".
"""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bulkagent.ledger import RunRecord
from bulkagent.reports.columns import COLUMNS
from tests.cli.command import COMMAND, Emulated, Ended, bulkagent, emulated, environment
from tests.cli.terminal import at_a_terminal, shown_until
from tests.waiting import HANG_S

AGENTS = 60
LAST_AGENT = 100 + AGENTS
SOME = 12
"""Agents whom a person sets otherwise."""


class Rounds:
    """Rounds of commands against one gateway, each with a ledger of its own."""

    def __init__(self, gateway: Emulated) -> None:
        self.gateway = gateway
        self.folder = gateway.folder
        self.number = 0
        self.ledger = Path()
        self.since = 0

    def begin(self) -> None:
        self.number += 1
        self.ledger = self.folder / f"{self.number}.sqlite3"
        self.since = len(self.gateway.judge("history"))

    def apply(self, flag: int, *more: object, roster: Path | None = None) -> list[object]:
        address = ["--gateway", self.gateway.url, "--ca-file", self.gateway.ca_file]
        report = self.folder / f"{self.number}.{flag}.csv"
        own = ["--ledger", self.ledger, "--report", report, "--progress", "none"]
        return ["apply", roster or self.gateway.roster, "--flag", flag, *address, *own, *more]

    def job(self, flag: int = 1, rate: str = "250/s") -> list[object]:
        """As an orchestrator starts it, and starts it again."""
        limits = ["--concurrency", 4, "--rate", rate, "--burst", 4]
        return self.apply(flag, "--or-resume", "--yes", "--json", *limits)

    def start(self, command: list[object]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *map(str, command)],
            cwd=self.folder,
            env=environment(self.folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def together(self, times: int) -> list[Ended]:
        """The job, so many times at once, to all their ends."""
        processes = [self.start(self.job()) for _ in range(times)]
        ended = []
        for process in processes:
            out, err = process.communicate(timeout=HANG_S)
            ended.append(Ended(process.returncode, out, err))
        return ended

    def history(self) -> list[tuple[str, int]]:
        """The agents that were set in this round and their flags, in order."""
        changes = self.gateway.judge("history")[self.since :]
        return [(x["agent_id"], x["flag"]) for x in changes if x["event"] == "talk_right"]

    def runs(self) -> list[dict[str, object]]:
        listed = bulkagent(self.folder, "runs", "--ledger", self.ledger, "--json")
        found: list[dict[str, object]] = listed.json["runs"]
        return found

    def wait_for(self, process: subprocess.Popen[str], requests: int) -> None:
        """Until so many were set in this round, or it is over."""
        while process.poll() is None and len(self.history()) < requests:
            pass

    def two_at_once(self) -> None:
        """On a fresh ledger exactly one begins; the others are exit 5, never 2."""
        self.begin()
        ended = self.together(2)
        assert sorted(end.code for end in ended) == [0, 5], [end.err for end in ended]
        (other,) = (end for end in ended if end.code)
        assert other.json["state"] == "refused"
        assert Counter(agent for agent, _ in self.history()) == Counter(
            str(agent) for agent in range(101, LAST_AGENT + 1)
        )
        assert len(list_of_runs(self.ledger)) == 1, "its throw-away plan is gone"

    def three_after_a_kill(self, chance: random.Random) -> None:
        """Exactly one goes on with it, and nobody who was applied is sent again."""
        over = True
        while over:  # before it was killed
            self.begin()
            process = self.start(self.job(rate="60/s"))
            self.wait_for(process, chance.randint(1, AGENTS // 2))
            process.kill()
            process.communicate(timeout=HANG_S)
            over = process.returncode != -signal.SIGKILL or is_done(self.ledger)
        while self.gateway.judge("stats")["in_flight"]:
            pass
        killed = list_of_runs(self.ledger)
        before = Counter(agent for agent, _ in self.history())
        applied = applied_in(self.ledger)
        assert applied <= set(before)
        ended = self.together(3)
        codes = sorted(end.code for end in ended)
        assert codes == [0, 5, 5], [end.err for end in ended]
        after_all = Counter(agent for agent, _ in self.history())
        assert len(after_all) == AGENTS
        again = {agent for agent, times in after_all.items() if times > 1}
        assert not again & applied
        assert all(after_all[agent] <= 2 for agent in again)
        assert list_of_runs(self.ledger) == killed, "none began a second run"

    def person_between(self, way: str, chance: random.Random) -> None:
        """What a person sets in mid-run stands, whatever the job's restart does."""
        self.begin()
        some = self.some(chance)
        process = self.start(self.job(rate="60/s"))
        self.wait_for(process, chance.randint(3, AGENTS // 2))
        over = [] if way == "correction" else ["--take-over", "all"]
        command = self.apply(0, "--rate", "none", *over, roster=some)
        if way == "take-over with --yes":
            done = bulkagent(self.folder, *command, "--yes")
            assert done.code == 0, done.err
        else:
            code, shown = self.agreed(command)
            assert code == 0, shown
        out, err = process.communicate(timeout=HANG_S)
        wanted = {row["agent_id"] for row in rows_of(some)}
        if process.returncode == 6:
            assert json.loads(out)["state"] == "halted", err
        else:
            # Corrected, or over before it was taken over.
            assert process.returncode in {0, 4}, err
        requests = len(self.history())
        again = bulkagent(self.folder, *self.job())
        if process.returncode == 6:
            assert again.code == 6, again.err
            assert len(self.history()) == requests, "nothing was sent"
        rights = {x["agent_id"]: x["talk_right"] for x in self.gateway.judge("agents")}
        assert {rights[agent] for agent in wanted} == {0}, (way, again.err)

    def some(self, chance: random.Random) -> Path:
        """A roster of a few of the agents."""
        rows = rows_of(self.gateway.roster)
        path = self.folder / f"some{self.number}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(chance.sample(rows, SOME))
        return path

    def agreed(self, command: list[object]) -> tuple[int, str]:
        """A command that a person agrees to at the terminal."""
        process, ours = at_a_terminal(self.folder, command)
        shown = shown_until(ours, b"[y/N]")
        os.write(ours, b"y\n")
        shown += shown_until(ours, b"")
        code = process.wait(HANG_S)
        os.close(ours)
        return code, shown


def rows_of(roster: Path) -> list[dict[str, str]]:
    with roster.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def list_of_runs(ledger: Path) -> list[str]:
    from bulkagent.ledger import list_runs, open_ledger

    with open_ledger(ledger) as database:
        return [facts.id for facts in list_runs(database, 99)]


def is_done(ledger: Path) -> bool:
    """Whether the run came to its end before it was killed."""
    from bulkagent.ledger import find_run, open_ledger

    with open_ledger(ledger) as database:
        return find_run(database, "last").exit_code is not None


def applied_in(ledger: Path) -> set[str]:
    from bulkagent.ledger import find_run, lines, open_ledger
    from bulkagent.run.history.report import FLAGS

    with open_ledger(ledger) as database:
        run = find_run(database, "last").run
        return {x.agent_id for x in lines(RunRecord(database, run), FLAGS) if x.status == "applied"}


@pytest.fixture
def rounds(tmp_path: Path) -> Iterator[Rounds]:
    with emulated(tmp_path, f"101-{LAST_AGENT}") as gateway:
        yield Rounds(gateway)


def test_two_or_resume_at_once(rounds: Rounds) -> None:
    rounds.two_at_once()


@pytest.mark.matrix
def test_three_or_resume_at_once_after_a_kill(rounds: Rounds) -> None:
    rounds.three_after_a_kill(random.Random(1))


@pytest.mark.matrix
@pytest.mark.parametrize("way", ["correction", "take-over", "take-over with --yes"])
def test_what_a_person_sets_in_mid_run_stands(rounds: Rounds, way: str) -> None:
    rounds.person_between(way, random.Random(1))


@pytest.mark.soak
def test_a_suspended_run_is_not_taken_over_in_silence(rounds: Rounds) -> None:
    """SIGSTOP: said at once what is waited for, refused in seconds, and its run has it back."""
    rounds.begin()
    process = rounds.start(rounds.job(rate="20/s"))
    rounds.wait_for(process, 3)
    process.send_signal(signal.SIGSTOP)
    try:
        while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
            pass
        some = rounds.some(random.Random(1))
        taker = rounds.apply(0, "--take-over", "all", "--yes", roster=some)
        report = Path(str(taker[taker.index("--report") + 1]))
        report.write_text(f"{','.join(COLUMNS)}\n2,101,east,1,applied\n")
        refused = bulkagent(rounds.folder, *taker)
        assert refused.code == 6
        assert report.read_text().startswith("REFUSED,")
        assert "this run waits until it has stopped sending" in refused.err
        assert f"its process {process.pid} hangs or is suspended" in refused.err
    finally:
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=HANG_S)
    assert process.returncode == 0, err
