"""After a crash at any moment the ledger says what is known, and nothing more.

README: No byte of a request leaves before the ledger has a mark of it on disk.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from bulkagent.errors import RunNotFound
from bulkagent.ledger import (
    Database,
    Journal,
    RunRecord,
    begin_leg,
    find_run,
    lines,
    open_ledger,
    prefetch,
    summarise,
)
from bulkagent.model import Assignment, Cause, Disposition, Status
from tests.dispositions import BUSY, DONE, LOST, REFUSED, UNREACHED, ended
from tests.examples import examples
from tests.ledger.ledgers import (
    FLAGS,
    OFF,
    ON,
    StillClock,
    history,
    journal,
    plan,
    planner,
    report,
)

Facts = tuple[Status, Cause | None, int, int]
"""Of one row: status, cause, attempts that may have left, and those that sent nothing."""

NOT_ATTEMPTED: Facts = (Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 0, 0)
LEFT = frozenset({Status.NOT_ATTEMPTED, Status.FAILED, Status.UNKNOWN})


def outcome(told: list[Disposition], past: Facts = NOT_ATTEMPTED) -> Facts:
    """What a row's attempts come to: only success clears a doubt, also one of an earlier leg."""
    status, cause, sent, not_sent = past
    not_sent += told.count(UNREACHED)
    sent += len(told) - told.count(UNREACHED)
    if told[-1] is DONE:
        return (DONE.status, None, sent, not_sent)
    if LOST in told:
        return (LOST.status, LOST.cause, sent, not_sent)
    if status is Status.UNKNOWN:
        return (status, cause, sent, not_sent)
    return (told[-1].status, told[-1].cause, sent, not_sent)


class _Going(msgspec.Struct):
    """An assignment in the hands of a worker."""

    item: Assignment
    ends: list[Disposition]


class Crashing(RuleBasedStateMachine):
    """One run, crashed before, within and after every transaction.

    A crash is a copy of the files as they are, opened elsewhere: all that is left of a process
    that was killed. What is expected of the copy is kept here row by row, and changes exactly
    when a transaction was committed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="crashing"))
        self.runner = asyncio.Runner()
        self.database = open_ledger(self.folder / "ledger.sqlite3")
        self.expected: dict[int, Facts] = {}
        self.lanes: dict[int, list[int]] = {}
        self.handed_out: set[int] = set()
        self.going: list[_Going] = []
        self.pasts: dict[int, Facts] = {}
        self.leg = 0
        self.requests = 0
        self.copies = 0
        self.book: Journal | None = None

    @initialize(
        kinds=st.lists(
            st.sampled_from(["on", "off", "on", "off", "invalid", "duplicate", "retracted"]),
            min_size=5,
            max_size=12,
        )
    )
    def planned(self, kinds: list[str]) -> None:
        made = planner(self.database)
        lane_of: dict[str, int] = {}
        for row, kind in enumerate(kinds, 2):
            if kind in {"invalid", "duplicate"}:
                status = Status(kind)
                cause = Cause.BAD_ROW if kind == "invalid" else Cause.REPEATED_ROW
                made.reject(row, "1", "east", ON, (), status=status, reason=kind)
                self.expected[row] = (status, cause, 0, 0)
                continue
            arguments = ON if kind == "on" else OFF
            lane = lane_of.setdefault(arguments, len(lane_of))
            made.assign(row, str(1000 + row), "east", arguments, ())
            if kind == "retracted":
                made.retract(row, "contradicted")
                self.expected[row] = (Status.INVALID, Cause.BAD_ROW, 0, 0)
            else:
                self.expected[row] = NOT_ATTEMPTED
                self.lanes.setdefault(lane, []).append(row)
        self.crash(None)
        made.planned(1)
        self.crash(self.expected)
        self.run = made.run
        # Nothing is sent before the run's first leg is in the ledger.
        self.leg = begin_leg(
            RunRecord(self.database, self.run), command="apply", only=(), override="", now_ms=1
        )
        self.crash(self.expected)
        self.begin()

    def begin(self) -> None:
        async def enter() -> Journal:
            return await journal(
                self.database,
                self.run,
                leg=self.leg,
                lanes=tuple(self.lanes),
                clock=StillClock(),
            ).__aenter__()

        self.book = self.runner.run(enter())

    def end(self) -> None:
        if self.book is not None:
            self.runner.run(self.book.__aexit__(None, None, None))
            self.book = None

    def teardown(self) -> None:
        self.end()
        self.runner.close()
        self.database.close()
        shutil.rmtree(self.folder)

    def crash(self, expected: dict[int, Facts] | None) -> None:
        """See what a copy of the files says: exactly what is expected, None for no run at all."""
        self.copies += 1
        copy = self.folder / f"copy{self.copies}" / "ledger.sqlite3"
        copy.parent.mkdir()
        for suffix in ("", "-wal"):
            file = self.folder / f"ledger.sqlite3{suffix}"
            if file.exists():
                shutil.copyfile(file, copy.with_name(file.name))
        with open_ledger(copy) as opened:
            assert opened.all("PRAGMA integrity_check") == [("ok",)]
            if expected is None:
                with pytest.raises(RunNotFound):
                    find_run(opened, "last")
            else:
                run = find_run(opened, "last").run
                not_sent = dict(opened.all("SELECT row, not_sent FROM stories"))
                rows = list(lines(RunRecord(opened, run), FLAGS))
                found = {
                    line.row: (line.status, line.cause, line.attempts, not_sent[line.row])
                    for line in rows
                }
                assert found == expected
                # Empty until a byte may have left.
                assert all((line.first_sent_at is None) == (line.attempts == 0) for line in rows)
                summary = summarise(RunRecord(opened, run))
                assert sum(summary.totals.values()) == summary.rows == len(expected)
                counts = [sent for _, _, sent, _ in expected.values()]
                assert summary.requests == sum(counts)
                assert summary.not_sent == sum(facts[3] for facts in expected.values())
                assert summary.retries == sum(count - 1 for count in counts if count)
        shutil.rmtree(copy.parent)

    def turn(self, record: Callable[[Journal], None], after: dict[int, Facts]) -> None:
        """Record something, and crash before, within and after its transaction."""
        book = self.book
        assert book is not None
        before = dict(self.expected)
        commits: list[str] = []

        def within(statement: str) -> None:
            if statement in {"BEGIN IMMEDIATE", "COMMIT"}:
                commits.append(statement)
                self.crash(before)

        async def one_turn() -> None:
            book._commits.writer._connection.set_trace_callback(within)
            try:
                record(book)
                await asyncio.sleep(0)  # a mark's task begins
                await book.flushed()
            finally:
                book._commits.writer._connection.set_trace_callback(None)

        self.runner.run(one_turn())
        assert commits == ["BEGIN IMMEDIATE", "COMMIT"]
        self.expected.update(after)
        self.crash(self.expected)

    def before(self, row: int) -> Facts:
        """How earlier legs have left a row."""
        return self.pasts.get(row, NOT_ATTEMPTED)

    def dispatched(self, row: int, told: Sequence[Disposition] = (), *, sending: int = 1) -> Facts:
        """A row whose attempt of this leg, after others, has no end yet."""
        _, _, sent, not_sent = self.before(row)
        nothing = list(told).count(UNREACHED)
        sent += len(told) - nothing + sending
        return (Status.UNKNOWN, Cause.INTERRUPTED, sent, not_sent + nothing)

    def count(self, end: Disposition) -> None:
        """An attempt has come to its end."""
        if end is UNREACHED:
            self.requests -= 1

    def mark(self, item: Assignment, attempt: int) -> Callable[[Journal], None]:
        def record(book: Journal) -> None:
            marking = asyncio.get_running_loop().create_task(book.mark(item, attempt))
            marking.add_done_callback(lambda done: done.result())

        return record

    def taken(self, number: int) -> Assignment | None:
        """What one lane hands out next, which has to be its first row that is left."""
        lanes = sorted(self.lanes)
        if not lanes:
            return None
        lane = lanes[number % len(lanes)]
        assert self.book is not None
        item = self.runner.run(self.book.take(lane))
        left = [row for row in self.lanes[lane] if row not in self.handed_out]
        assert (item.row if item else None) == (left[0] if left else None)
        if item is not None:
            self.handed_out.add(item.row)
        return item

    @rule(number=st.integers(0, 1))
    def take_and_send(self, number: int) -> None:
        item = self.taken(number)
        if item is not None:
            self.turn(self.mark(item, 1), {item.row: self.dispatched(item.row)})
            self.requests += 1
            self.going.append(_Going(item, []))

    @precondition(lambda self: self.going)
    @rule(number=st.integers(0, 20), end=st.sampled_from([BUSY, LOST, UNREACHED]))
    def send_again(self, number: int, end: Disposition) -> None:
        going = self.going[number % len(self.going)]
        going.ends.append(end)
        attempts, row = len(going.ends) + 1, going.item.row
        self.turn(
            lambda book: book.attempted(going.item, attempts - 1, ended(end)),
            {row: self.dispatched(row, going.ends, sending=0)},
        )
        self.turn(self.mark(going.item, attempts), {row: self.dispatched(row, going.ends)})
        self.count(end)
        self.requests += 1

    @precondition(lambda self: self.going)
    @rule(number=st.integers(0, 20), end=st.sampled_from([DONE, REFUSED, BUSY, LOST, UNREACHED]))
    def settle(self, number: int, end: Disposition) -> None:
        going = self.going.pop(number % len(self.going))
        told = [*going.ends, end]
        row = going.item.row
        self.turn(
            lambda book: book.settle(going.item, history(*told)),
            {row: outcome(told, self.before(row))},
        )
        self.count(end)

    @precondition(lambda self: self.going)
    @rule(number=st.integers(0, 1), end=st.sampled_from([DONE, REFUSED, BUSY, LOST, UNREACHED]))
    def settle_and_send_in_one_turn(self, number: int, end: Disposition) -> None:
        item = self.taken(number)
        if item is None:
            return
        going = self.going.pop(0)
        told = [*going.ends, end]

        def record(book: Journal) -> None:
            self.mark(item, 1)(book)
            # Before the commit that the mark asks for, as its task does so only when it begins.
            asyncio.get_running_loop().call_soon(book.settle, going.item, history(*told))

        row = going.item.row
        self.turn(
            record,
            {row: outcome(told, self.before(row)), item.row: self.dispatched(item.row)},
        )
        self.count(end)
        self.requests += 1
        self.going.append(_Going(item, []))

    @rule(number=st.integers(0, 1), checkpoint=st.booleans())
    def go_on_in_another_process(self, number: int, checkpoint: bool) -> None:
        """What was taken and not sent is left; what was sent is nobody's any more."""
        self.taken(number)
        if checkpoint:
            self.database.checkpoint()
            self.crash(self.expected)
        self.end()
        self.crash(self.expected)
        self.handed_out = {
            row
            for row, (status, _, *attempts) in self.expected.items()
            if status not in LEFT or sum(attempts) > sum(self.before(row)[2:])
        }
        self.going, self.requests = [], 0
        self.begin()

    @rule()
    def resume(self) -> None:
        """A new leg hands out all that another attempt may help, and what is known stays known."""
        self.end()
        self.leg = begin_leg(
            RunRecord(self.database, self.run), command="resume", only=(), override="", now_ms=1
        )
        self.crash(self.expected)
        self.pasts = dict(self.expected)
        self.handed_out = {row for row, facts in self.expected.items() if facts[0] not in LEFT}
        self.going, self.requests = [], 0
        self.begin()

    @invariant()
    def counts_what_is_on_disk(self) -> None:
        if self.book is not None:
            assert self.book.counters.requests == self.requests


TestCrashing = pytest.mark.matrix(Crashing.TestCase)
TestCrashing.settings = settings(
    max_examples=examples(30), stateful_step_count=20, derandomize=True
)


# Processes that are really killed.

_SENDING = """
import asyncio, sys
from pathlib import Path
from bulkagent.ledger import open_ledger
from tests.dispositions import DONE
from tests.ledger.ledgers import journal, plan, history

async def main():
    database = open_ledger(Path(sys.argv[1]))
    made = plan(database, 1_000_000 // 50)
    async with journal(
        database, made.run, settled=lambda outcome: print("ended", outcome.row, flush=True)
    ) as book:
        async def work():
            while (item := await book.take(0)) is not None:
                await book.mark(item, 1)
                print("sent", item.row, flush=True)
                await asyncio.sleep(0)
                book.settle(item, history(DONE))
        await asyncio.gather(*(work() for _ in range(16)))

asyncio.run(main())
"""

_PLANNING = """
import sys
from pathlib import Path
from bulkagent.ledger import open_ledger
from tests.ledger.ledgers import ON, planner

made = planner(open_ledger(Path(sys.argv[1])))
for row in range(2, 10_000_000):
    made.assign(row, str(row), "east", ON, ())
    if row % 10_000 == 0:
        print("assigned", row, flush=True)
"""


def killed(script: str, path: Path, lines_before: int) -> list[list[str]]:
    """Run a script, kill it after so many lines of output; all whole lines that it wrote."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines_before)]
        process.kill()
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [line.split() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("lines_before", [1, 300, 2_500])
def test_a_killed_run_has_every_mark_and_outcome_that_it_announced(
    tmp_path: Path, lines_before: int
) -> None:
    path = tmp_path / "ledger.sqlite3"
    said = killed(_SENDING, path, lines_before)
    sent = {int(row) for word, row in said if word == "sent"}
    over = {int(row) for word, row in said if word == "ended"}
    assert len(sent) + len(over) >= lines_before
    with open_ledger(path) as database:
        found, summary = report(database)
        assert len(found) == summary.rows == sum(summary.totals.values()) == 20_000
        told = {status: {x.row for x in found if x.status is status} for status in Status}
        assert over <= told[Status.APPLIED]
        assert sent <= told[Status.APPLIED] | told[Status.UNKNOWN]
        # On disk and not announced any more: no more than was in the hands of 16 workers.
        dispatched = told[Status.APPLIED] | told[Status.UNKNOWN]
        assert len(dispatched - sent) <= 16
        assert len(told[Status.UNKNOWN]) <= 2 * 16
        plan(database, 3)
        assert report(database)[1].rows == 3


def test_what_is_left_of_a_killed_plan_is_no_run_and_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    assert killed(_PLANNING, path, 3)[-1][0] == "assigned"
    with open_ledger(path) as database:
        assert database.all("SELECT count(*) > 20000 FROM assignments") == [(1,)]
        with pytest.raises(RunNotFound):
            find_run(database, "last")
        made = plan(database, 3)
        assert find_run(database, "last").id == made.run_id


def test_rows_that_a_killed_run_left_are_handed_out_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    said = killed(_SENDING, path, 500)
    sent = {int(row) for word, row in said if word == "sent"}

    async def rest(database: Database) -> list[int]:
        rows: list[int] = []
        async with journal(database, find_run(database, "last").run) as book:
            while (item := await book.take(0)) is not None:
                rows.append(item.row)
        return rows

    with open_ledger(path) as database:
        left = asyncio.run(rest(database))
    assert left == sorted(set(left))
    assert not sent & set(left)
    assert 20_000 - len(sent) - 16 <= len(left) <= 20_000 - len(sent)
    assert len(left) > prefetch._CHUNK
