"""Crashed at every commit of a run with faults: what is left tells the truth and goes on.

A hook copies ledger, log and the gateway's state before and after each transaction of a run. Every
copy is then opened, reported and resumed, against a gateway that goes on from that very moment.
The judge is the gateway's own record of who was set to what.

Proves --durability.

README: No byte of a request leaves before the ledger has a mark of it on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from bulkagent.emulator import AgentRecord, EmulatedGateway, Snapshot
from bulkagent.emulator.faults.scenario_file import read_scenario
from bulkagent.errors import RunNotFound
from bulkagent.ledger import Database, RunRecord, find_run, lines, open_ledger
from bulkagent.model import Line, Status
from bulkagent.run import Choices, Consent, Request, Resume, Run, RunResult
from bulkagent.run.history.report import FLAGS, end_of
from bulkagent.settings import Settings
from tests.engine.upstream import CARELESS

pytestmark = pytest.mark.matrix

# Every kind of end is in it: answers, refusals, resets on either side, answers that are lost and
# followed by another code, replies of somebody else, silence of a whole attempt.
SCENARIO = """
seed = 11
[agents]
signed_out = "110-112"
[[faults]]
kind = "reset_before"
share = 0.10
[[faults]]
kind = "reset_after"
share = 0.10
[[faults]]
kind = "lost_answer"
share = 0.10
retcode = "000-003"
[[faults]]
kind = "retcode"
share = 0.10
retcode = "000-004"
[[faults]]
kind = "retcode"
share = 0.05
retcode = "100-009"
[[faults]]
kind = "unavailable"
share = 0.05
[[faults]]
kind = "truncated"
share = 0.05
"""
AGENTS = range(101, 121)
OUTSIDE = range(131, 141)
CONCURRENCY = 5


class Copy(msgspec.Struct):
    """What a crash at one moment leaves."""

    ledger: Path
    gateway: Snapshot
    when: str


class Copying:
    """Copies everything at each transaction of one ledger."""

    def __init__(self, ledger: Path, gateway: EmulatedGateway, folder: Path) -> None:
        self.copies: list[Copy] = []
        self._ledger = ledger
        self._gateway = gateway
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._locked = Database.locked
        self._one_at_a_time = threading.Lock()

    @contextlib.contextmanager
    def locked(self, database: Database) -> Iterator[None]:
        if database.path != self._ledger:
            with self._locked(database):
                yield
            return
        with self._one_at_a_time:  # another thread's commit would tear a copy
            database._connection.set_trace_callback(self._within)
            try:
                with self._locked(database):
                    yield
            finally:
                database._connection.set_trace_callback(None)
            self._copy("after")

    def _within(self, statement: str) -> None:
        if statement == "COMMIT":
            self._copy("before")

    def _copy(self, when: str) -> None:
        folder = self._folder / f"{len(self.copies):04}"
        folder.mkdir()
        for suffix in ("", "-wal"):
            file = self._ledger.with_name(self._ledger.name + suffix)
            if file.exists():
                shutil.copyfile(file, folder / file.name)
        self.copies.append(Copy(folder / self._ledger.name, self._snapshot(), when))

    def _snapshot(self) -> Snapshot:
        """The gateway as it is now; a commit in another thread asks the gateway's own for it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(self._ask(), self._loop).result()
        return self._gateway.snapshot()

    async def _ask(self) -> Snapshot:
        return self._gateway.snapshot()


def roster_of(gateway: EmulatedGateway, folder: Path) -> Path:
    """Incoming and outgoing agents, one row twice."""
    rows = [
        f"{agent},{guid},{int(agent) % 3 == 0:d}"
        for agent, guid in gateway.roster([*AGENTS, AGENTS[0]])
    ]
    path = folder / "roster.csv"
    path.write_text("\n".join(["agent,guid,flag", *rows]))
    for _ in gateway.roster(OUTSIDE):  # signed in, and none of the run's business
        pass
    return path


def found_in(ledger: Path) -> tuple[str, list[Line]]:
    with open_ledger(ledger) as database:
        facts = find_run(database, "last")
        state, _ = end_of(facts)
        return state, list(lines(RunRecord(database, facts.run), FLAGS))


def judged(found: list[Line], agents: list[AgentRecord]) -> None:
    """What a report says is what the gateway did."""
    by_id = {agent.agent_id: agent for agent in agents}
    told: dict[str, Status] = {}
    assert [line.row for line in found] == list(range(2, len(AGENTS) + 3))
    for line in found:
        if line.status is Status.DUPLICATE:
            continue
        told[line.agent_id] = line.status
        agent = by_id[line.agent_id]
        if line.status is Status.APPLIED:
            assert agent.talk_right == int(line.flag), line
            assert agent.times_set, line
        elif line.status is not Status.UNKNOWN:
            assert not agent.times_set, line
    assert len(told) == len(AGENTS)
    for outside in OUTSIDE:
        assert not by_id[str(outside)].times_set


async def resumed(ledger: Path, folder: Path) -> RunResult:
    explicit = {"ledger": ledger}
    resume = Resume(
        run="last",
        choices=Choices(explicit=explicit),
        reports=(folder / "r.csv",),
        override="whoever looks finds a gate that was closed by faults",
    )
    with Run(resume, uniform=lambda: 0.001) as run:
        prepared = await asyncio.to_thread(run.prepare)
        return (await prepared.execute(Consent.PROGRAM)).result_or_defect()


async def seen_through(copy: Copy, gateway: EmulatedGateway, folder: Path) -> str:
    """Report and resume one copy, to the end; what it was."""
    gateway.restore(copy.gateway)
    try:
        state, found = found_in(copy.ledger)
    except RunNotFound:
        assert not any(agent.times_set for agent in gateway.agents()), "no plan, nothing sent"
        with pytest.raises(RunNotFound):
            await resumed(copy.ledger, folder)
        return "not planned"
    before = {agent.agent_id: agent.times_set for agent in gateway.agents()}
    judged(found, gateway.agents())
    in_doubt = {line.agent_id for line in found if line.status is Status.UNKNOWN}
    settled = {
        line.agent_id
        for line in found
        if line.status in {Status.APPLIED, Status.REJECTED, Status.DUPLICATE}
    }
    left: set[str] = set()
    for _ in range(6):
        result = await resumed(copy.ledger, folder)
        after, now = found_in(copy.ledger)
        judged(now, gateway.agents())
        left = {line.agent_id for line in now if line.status in {Status.FAILED, Status.UNKNOWN}}
        if left <= {"110", "111", "112"}:
            break
    else:
        pytest.fail(f"{left} are left")
    assert result.exit_code == 3, "three agents are not signed in"
    assert after == "completed"
    again = {
        agent.agent_id
        for agent in gateway.agents()
        if before[agent.agent_id] and agent.times_set > before[agent.agent_id]
    }
    assert again <= in_doubt
    assert not again & (settled - in_doubt)
    return f"{state}, {copy.when} a commit"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Callable[[Copying | None], None]:
    """Puts the copying into every connection's transactions, and takes it out again."""
    original = Database.locked

    def set_to(copying: Copying | None) -> None:
        if copying is None:
            monkeypatch.setattr(Database, "locked", original)
        else:

            def locked(database: Database) -> contextlib.AbstractContextManager[None]:
                return copying.locked(database)

            monkeypatch.setattr(Database, "locked", locked)

    return set_to


@pytest.mark.parametrize("durability", ["normal", "full"])
async def test_every_copy_tells_the_truth_and_goes_on(
    tmp_path: Path,
    hook: Callable[[Copying | None], None],
    printed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    durability: str,
) -> None:
    # Every other request fails, in each copy: the throttle would take two minutes.
    monkeypatch.setattr("bulkagent.run.send.bulkheads.ThrottlePolicy", lambda **_: CARELESS)
    ledger = tmp_path / "ledger.sqlite3"
    gateway = EmulatedGateway(
        read_scenario(SCENARIO), agent_ids=range(101, 141), agent_id_range=(101, 140)
    )
    async with gateway:
        (tmp_path / "ca.pem").write_bytes(gateway.ca_pem)
        request = Request(
            roster=str(roster_of(gateway, tmp_path)),
            gateway=gateway.url,
            ca_file=tmp_path / "ca.pem",
            reports=(tmp_path / "report.csv",),
            settings=Settings(
                ledger=ledger,
                concurrency=CONCURRENCY,
                per_second=None,
                max_attempts=3,
                retry_for_s=0.0,
                durability=durability,
                gate=0.25,  # more would not come on, with these faults
            ),
        )
        copying = Copying(ledger, gateway, tmp_path)
        hook(copying)
        with Run(request, uniform=lambda: 0.001) as run:
            result = (await run.prepare().execute(Consent.PROGRAM)).result_or_defect()
        hook(None)
        assert result.rows == len(AGENTS) + 1
        judged(found_in(ledger)[1], gateway.agents())
        kinds: Counter[str] = Counter()
        for copy in copying.copies:
            kinds[await seen_through(copy, gateway, copy.ledger.parent)] += 1
            shutil.rmtree(copy.ledger.parent)
    assert kinds["not planned"] > 0
    assert kinds["interrupted, before a commit"] > CONCURRENCY
    assert kinds["interrupted, after a commit"] > CONCURRENCY
    assert kinds.total() == len(copying.copies)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    printed(
        f"crash matrix, durability {durability}: {kinds.total()} copies reported and resumed,"
        f" all true ({told})"
    )
