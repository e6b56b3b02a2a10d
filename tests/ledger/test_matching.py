"""What is left of a run, found again in another roster."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.ledger import Database, Planner, RosterMatch, RunRecord, open_ledger
from bulkagent.model import Disposition, Status
from tests.dispositions import ABSENT, DONE, LOST, REFUSED
from tests.examples import examples
from tests.ledger.ledgers import OFF, ON, history, journal, planner, took

ENDS: dict[str, Disposition | None] = {"101": DONE, "102": REFUSED, "103": LOST, "104": ABSENT}


async def _run(database: Database) -> Planner:
    """Of nine agents on two gateways, six are left: 103 to 106, and 101 and 102 in the west."""
    made = planner(database)
    for row in range(2, 8):
        made.assign(row, str(99 + row), "east", OFF, ())
    for row in range(8, 10):
        made.assign(row, str(93 + row), "west", OFF, ())
    made.reject(10, "x", "east", OFF, (), status=Status.INVALID, reason="none")
    made.planned(1)
    async with journal(database, made.run, lanes=(0, 1)) as book:
        for end in (DONE, REFUSED, LOST, ABSENT):
            item = await took(book)
            await book.mark(item, 1)
            book.settle(item, history(end))
    return made


LEFT = {
    4: ("east", "103"),
    5: ("east", "104"),
    6: ("east", "105"),
    7: ("east", "106"),
    8: ("west", "101"),
    9: ("west", "102"),
}


def _offers(arguments: str = OFF) -> list[tuple[str, str, str, int, bool]]:
    """A roster that has all who are left, at lines 100 and so on."""
    return [(gateway, agent, arguments, 100 + row, True) for row, (gateway, agent) in LEFT.items()]


async def test_every_row_that_is_left_gets_its_own_in_the_other_roster(database: Database) -> None:
    """In the run's order, whatever the other's; agents that are done with do not matter."""
    made = await _run(database)
    others = [("east", "101", OFF, 1), ("east", "999", OFF, 2), ("south", "103", ON, 3)]
    more = [(*other, True) for other in others]
    offers = [*_offers(), *more]
    random.Random(1).shuffle(offers)
    with RosterMatch(RunRecord(database, made.run), offers) as matching:
        assert matching.missing() == (0, ())
        assert list(matching.pairs()) == [(row, 100 + row) for row in LEFT]


async def test_arguments_must_be_the_runs_unless_none_are_offered(database: Database) -> None:
    made = await _run(database)
    with RosterMatch(RunRecord(database, made.run), _offers(ON)) as matching:
        assert matching.missing() == (6, ("103", "104", "105"))
        assert list(matching.pairs()) == []
    with RosterMatch(RunRecord(database, made.run), _offers("")) as matching:
        assert matching.missing() == (0, ())


async def test_the_same_number_on_another_gateway_is_another_agent(database: Database) -> None:
    made = await _run(database)
    offers = [("east", *offer[1:]) for offer in _offers()]
    with RosterMatch(RunRecord(database, made.run), offers) as matching:
        assert matching.missing() == (2, ("101", "102"))


async def test_what_is_superseded_is_not_left(database: Database) -> None:
    made = await _run(database)
    database.write(
        ("INSERT INTO set_aside VALUES (?,?,'superseded',?)", [(made.run, 4, 9), (made.run, 9, 9)])
    )
    with RosterMatch(RunRecord(database, made.run), _offers()[1:-1]) as matching:
        assert matching.missing() == (0, ())
        assert [row for row, _ in matching.pairs()] == [5, 6, 7, 8]


async def test_of_several_rows_for_an_agent_the_first_counts(database: Database) -> None:
    made = await _run(database)
    twice = [(*offer[:3], offer[3] + 500, True) for offer in _offers()]
    with RosterMatch(RunRecord(database, made.run), [*_offers(), *twice]) as matching:
        assert list(matching.pairs()) == [(row, 100 + row) for row in LEFT]


async def test_a_roster_that_cannot_be_read_to_its_end_leaves_nothing_open(
    database: Database,
) -> None:
    made = await _run(database)

    def offers() -> Iterator[tuple[str, str, str, int, bool]]:
        yield from _offers()
        raise ValueError("line 7")

    with pytest.raises(ValueError, match="line 7"):
        RosterMatch(RunRecord(database, made.run), offers())
    database.write(("UPDATE runs SET state = 'free' WHERE run = ?", [(made.run,)]))


async def test_the_other_roster_is_not_kept_in_the_ledger(database: Database) -> None:
    made = await _run(database)
    with RosterMatch(RunRecord(database, made.run), _offers()) as matching:
        list(matching.pairs())
        with sqlite3.connect(database.path) as other:
            names = {name for (name,) in other.execute("SELECT name FROM sqlite_master")}
        other.close()
        assert "offered" not in names


@settings(max_examples=examples(30))
@given(have=st.sets(st.integers(101, 130)), offered=st.lists(st.integers(95, 135), unique=True))
def test_missing_and_pairs_are_all_that_is_left(
    tmp_path_factory: pytest.TempPathFactory, have: set[int], offered: list[int]
) -> None:
    with open_ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite3") as database:
        made = planner(database)
        for agent in sorted(have):
            made.assign(agent, str(agent), "east", ON, ())
        made.planned(1)
        made.lock.release()
        offers = [("east", str(agent), "", 1000 + agent, True) for agent in offered]
        with RosterMatch(RunRecord(database, made.run), offers) as matching:
            lacking = [str(agent) for agent in sorted(have - set(offered))]
            assert matching.missing() == (len(lacking), tuple(lacking[:3]))
            both = sorted(have & set(offered))
            assert list(matching.pairs()) == [(agent, 1000 + agent) for agent in both]
