"""Legs: what each leaves for the next, what it must not touch, and what later runs have taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from bulkagent.ledger import (
    Database,
    EndpointRecord,
    Journal,
    Leg,
    Planner,
    Portion,
    RunRecord,
    attempts_of,
    begin_leg,
    find_run,
    finish_leg,
    legs_of,
    portions_of,
    set_otherwise,
    supersede,
)
from bulkagent.ledger.batches import outcome_batches
from bulkagent.ledger.open_requests import requests_at_work
from bulkagent.model import Cause, Disposition, Status
from tests.dispositions import ABSENT, BUSY, DONE, LOST, REFUSED, UNREACHED, ended
from tests.ledger.ledgers import (
    OFF,
    ON,
    StillClock,
    begun,
    history,
    journal,
    planner,
    report,
    statuses,
    took,
    took_all,
)

EAST = EndpointRecord("east", "https://east", {})
WEST = EndpointRecord("west", "https://west", {})

ENDS: Mapping[str, Disposition | None] = {
    "101": DONE,
    "102": REFUSED,
    "103": LOST,
    "104": ABSENT,
    "105": None,
}
"""And nothing for 106."""


async def _sent(book: Journal, ends: Collection[Disposition | None], lane: int = 0) -> None:
    """Dispatch as many as there are ends; None: killed before its end."""
    for end in ends:
        item = await took(book, lane)
        await book.mark(item, 1)
        if end is not None:
            book.settle(item, history(end))


async def _ran(
    database: Database,
    ends: Sequence[Disposition | None] = tuple(ENDS.values()),
    *,
    agents: Sequence[int] = range(101, 107),
    at: EndpointRecord = EAST,
    arguments: str = OFF,
) -> Planner:
    """A run that is killed after so many."""
    made = planner(database)
    for row, agent in enumerate(agents, start=2):
        made.assign(row, str(agent), at.gateway, arguments, ())
    made.planned(5, endpoints=[at])
    begun(database, made, now_ms=5)
    async with journal(database, made.run) as book:
        await _sent(book, ends)
    return made


def _only(database: Database, made: Planner, leg: int, only: Collection[Cause]) -> Journal:
    operation, clock = "settalkright", StillClock()
    return Journal(
        RunRecord(database, made.run),
        leg=leg,
        only=only,
        operation=operation,
        lanes=(0,),
        clock=clock,
    )


def _begun(database: Database, made: Planner, *only: Cause, override: str = "") -> int:
    return begin_leg(
        RunRecord(database, made.run), command="resume", only=only, override=override, now_ms=2_000
    )


async def test_a_leg_takes_what_another_attempt_may_help_and_nothing_else(
    database: Database,
) -> None:
    made = await _ran(database)
    leg = _begun(database, made)
    async with journal(database, made.run, leg=leg) as book:
        assert [item.agent_id for item in await took_all(book)] == ["103", "104", "105", "106"]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ([Cause.RESET], ["103"]),
        ([Cause.NOT_SIGNED_IN, Cause.INTERRUPTED], ["104", "105", "106"]),
        ([Cause.REFUSED, Cause.TIMEOUT], []),
    ],
)
async def test_a_leg_for_some_causes_takes_these_alone(
    database: Database, only: list[Cause], expected: list[str]
) -> None:
    """And what the other rows ended with stays as it was told."""
    made = await _ran(database)
    finish_leg(
        *(RunRecord(database, made.run), 1),
        state="interrupted",
        exit_code=5,
        reason="",
        not_attempted={0: Cause.DEADLINE} if Cause.RESET in only else {},
        now_ms=1,
    )
    before = [(line.row, line.status, line.cause) for line in report(database)[0]]
    leg = _begun(database, made, *only)
    async with _only(database, made, leg, only) as book:
        assert [item.agent_id for item in await took_all(book)] == expected
    assert [(line.row, line.status, line.cause) for line in report(database)[0]] == before


async def test_a_leg_does_not_take_what_it_has_dispatched_itself(database: Database) -> None:
    made = await _ran(database)
    leg = _begun(database, made)
    async with journal(database, made.run, leg=leg) as book:
        await _sent(book, [LOST, None])
    async with journal(database, made.run, leg=leg) as book:
        assert [item.agent_id for item in await took_all(book)] == ["105", "106"]


async def test_attempts_are_numbered_and_kept_over_legs(database: Database) -> None:
    """Also those that an end has never been heard of."""
    made = await _ran(database, [None], agents=[101])
    for end in (LOST, ABSENT, UNREACHED):
        leg = _begun(database, made)
        clock = StillClock()
        clock.ms += leg * 1000
        async with journal(database, made.run, leg=leg, clock=clock) as book:
            item = await took(book)
            await book.mark(item, 1)
            book.attempted(item, 1, ended(BUSY))
            await book.mark(item, 2)
            book.settle(item, history(BUSY, end))
    assert [
        (step.attempt, step.disposition) for step in attempts_of(RunRecord(database, made.run), 2)
    ] == [
        (1, "interrupted"),
        (2, "busy"),
        (3, "lost"),
        (4, "busy"),
        (5, "absent"),
        (6, "busy"),
        (7, "unreached"),
    ]
    (line,), summary = report(database)
    assert (line.status, line.cause, line.attempts) == (Status.UNKNOWN, Cause.RESET, 6)
    assert line.first_sent_at == StillClock().ms + 1
    assert (summary.requests, summary.retries, summary.not_sent) == (6, 5, 1)


@pytest.mark.parametrize(
    ("ends", "status", "cause"),
    [
        ((LOST, ABSENT), Status.UNKNOWN, Cause.RESET),
        ((LOST, UNREACHED), Status.UNKNOWN, Cause.RESET),
        ((LOST, REFUSED), Status.UNKNOWN, Cause.RESET),
        ((None, ABSENT), Status.UNKNOWN, Cause.INTERRUPTED),
        ((ABSENT, None), Status.UNKNOWN, Cause.INTERRUPTED),
        ((LOST, DONE), Status.APPLIED, None),
        ((ABSENT, UNREACHED), Status.FAILED, Cause.CONNECT),
        ((ABSENT, REFUSED), Status.REJECTED, Cause.REFUSED),
        ((LOST, ABSENT, ABSENT), Status.UNKNOWN, Cause.RESET),
    ],
)
async def test_a_doubt_of_any_leg_stays_until_a_success(
    database: Database,
    ends: tuple[Disposition | None, ...],
    status: Status,
    cause: Cause | None,
) -> None:
    made = await _ran(database, ends[:1], agents=[101])
    for end in ends[1:]:
        async with journal(database, made.run, leg=_begun(database, made)) as book:
            await _sent(book, [end])
    ((line,), _) = report(database)
    assert (line.status, line.cause) == (status, cause)
    assert line.attempts == sum(end is not UNREACHED for end in ends)


async def test_groups_count_what_stands_the_same_and_say_what_is_left(database: Database) -> None:
    """In the order of the waves, without rows that were never assignments."""
    made = planner(database)
    for row in range(2, 8):
        made.assign(row, str(row + 99), "east", OFF, ())
    made.assign(8, "201", "west", ON, ())
    made.reject(9, "x", "east", OFF, (), status=Status.INVALID, reason="none")
    made.planned(1, endpoints=[EAST, WEST])
    begun(database, made)
    async with journal(database, made.run, lanes=(0, 1)) as book:
        await _sent(book, [DONE, DONE, LOST, REFUSED])
    database.write(("INSERT INTO set_aside VALUES (?,?,'superseded',?)", [(made.run, 7, 9)]))
    found = portions_of(RunRecord(database, made.run))
    assert found == (
        Portion(1, "west", 0, ON, Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 1),
        Portion(0, "east", 1, OFF, Status.APPLIED, None, 2),
        Portion(0, "east", 1, OFF, Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 1),
        Portion(0, "east", 1, OFF, Status.NOT_ATTEMPTED, Cause.SUPERSEDED, 1),
        Portion(0, "east", 1, OFF, Status.REJECTED, Cause.REFUSED, 1),
        Portion(0, "east", 1, OFF, Status.UNKNOWN, Cause.RESET, 1),
    )
    assert [group.left for group in found] == [True, False, True, False, False, True]


async def test_what_a_later_run_has_dispatched_is_left_to_it(database: Database) -> None:
    """Under whatever name; the latest of several is told."""
    made = await _ran(database)
    one = await _ran(database, [ABSENT, None, DONE], agents=[101, 103, 104])
    alias = EndpointRecord("east.example", EAST.url, {})
    two = await _ran(database, [DONE, None], agents=[104, 105, 106], at=alias)
    assert supersede(RunRecord(database, made.run)) == {one.run_id: 1, two.run_id: 2}
    assert supersede(RunRecord(database, made.run)) == {one.run_id: 1, two.run_id: 2}
    ends = ["applied", "rejected", "unknown", "failed", "unknown", "not_attempted"]
    assert statuses(database, made.run) == dict(enumerate(ends, start=2))
    causes = {line.agent_id: line.cause for line in report(database, made.run_id)[0]}
    superseded = {agent for agent, cause in causes.items() if cause is Cause.SUPERSEDED}
    assert superseded == {"103", "104", "105"}, "106 was planned, never dispatched"
    async with journal(database, made.run, leg=_begun(database, made)) as book:
        assert [item.agent_id for item in await took_all(book)] == ["106"]


async def test_agents_that_a_later_run_has_set_otherwise_are_counted_by_it(
    database: Database,
) -> None:
    """`apply --or-resume` after a revert: what it set before is not what its agents have now."""
    await _ran(database, [DONE], agents=[101], arguments=ON)
    made = await _ran(database, [DONE] * 6)
    record = RunRecord(database, made.run)
    assert set_otherwise(record) == {}, "an earlier run is none"
    back = await _ran(database, [DONE, LOST, REFUSED, DONE], agents=range(101, 105), arguments=ON)
    assert set_otherwise(record) == {back.run_id: 3}, "one in doubt counts, a refused one does not"
    await _ran(database, [DONE], agents=[104], at=EndpointRecord("e", EAST.url, {}))
    assert set_otherwise(record) == {back.run_id: 2}, "104 is set again as this run set it"
    await _ran(database, [DONE], at=EndpointRecord("east", WEST.url, {}), arguments=ON)
    assert set_otherwise(record) == {back.run_id: 2}, "at another gateway it is another agent"


async def test_earlier_runs_and_other_gateways_supersede_nothing(database: Database) -> None:
    earlier = await _ran(database)
    made = await _ran(database)
    await _ran(database, at=EndpointRecord("east", WEST.url, {}))
    assert supersede(RunRecord(database, made.run)) == {}
    assert sum(supersede(RunRecord(database, earlier.run)).values()) == 3


async def test_legs_are_told_from_the_first(database: Database) -> None:
    made = await _ran(database)
    finish_leg(
        *(RunRecord(database, made.run), 1),
        state="halted",
        exit_code=6,
        reason="50 of 50",
        not_attempted={0: Cause.HALTED},
        now_ms=1_000,
    )
    facts = find_run(database, "last")
    assert (facts.state, facts.exit_code, facts.finished_at) == ("halted", 6, 1_000)
    assert report(database)[0][5].cause is Cause.HALTED
    assert _begun(database, made, override="looked") == 2
    facts = find_run(database, "last")
    assert (facts.exit_code, facts.finished_at, facts.legs) == (None, None, 2)
    assert report(database)[0][5].cause is Cause.INTERRUPTED, "as long as the new leg has no end"
    assert legs_of(RunRecord(database, made.run)) == (
        Leg(1, "apply", 5, 1_000, "halted", 6, "50 of 50", None),
        Leg(2, "resume", 2_000, None, None, None, None, "looked"),
    )


async def test_a_leg_is_of_its_own_run_alone(database: Database) -> None:
    made, other = await _ran(database), await _ran(database, agents=range(201, 207))
    before = database.all("SELECT * FROM outcomes WHERE run = ?", (other.run,))
    assert (_begun(database, made), _begun(database, made), _begun(database, other)) == (2, 3, 2)
    assert database.all("SELECT * FROM outcomes WHERE run = ?", (other.run,)) == before
    assert database.all("SELECT DISTINCT run FROM attempts ORDER BY 1") == [(1,), (2,)]


async def test_a_row_with_an_absurd_number_keeps_no_resume_busy_for_ever(
    database: Database,
) -> None:
    """A hostile ledger: batches go by the rows that are there and not by their numbers."""
    made = planner(database)
    made.assign(2, "1002", "east", ON, ())
    made.planned(1, endpoints=[])
    absurd = (-(2**63) + 1, 2, 2**62, 2**63 - 1)
    database.write(
        (
            "INSERT INTO outcomes (run, row, attempts, first_sent_at) VALUES (?, ?, 1, 1)",
            [(made.run, row) for row in absurd],
        )
    )
    assert list(outcome_batches(RunRecord(database, made.run))) == [(absurd[0], absurd[-1])]


async def test_what_another_run_has_for_its_place_or_settings_stops_no_leg(
    database: Database,
) -> None:
    """A damaged row of an old run is no reason to set nobody in another one."""
    old, made = planner(database), planner(database)
    for each in (old, made):
        each.assign(2, "1002", "east", ON, ())
        each.planned(1, endpoints=[])
    begin_leg(RunRecord(database, old.run), command="apply", only=(), override="", now_ms=1)
    database.write(
        ("UPDATE legs SET turn = ? WHERE run = ?", [(2**63 - 1, old.run)]),
        ("UPDATE runs SET settings = '{' WHERE run = ?", [(old.run,)]),
    )
    assert (
        begin_leg(RunRecord(database, made.run), command="apply", only=(), override="", now_ms=2)
        == 1
    )
    assert (
        requests_at_work(RunRecord(database, made.run), without_answer=(), now_ms=3, timeout_s=1.0)
        == {}
    )
