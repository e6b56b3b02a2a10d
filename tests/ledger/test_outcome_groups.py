"""What the rows of a group have in common: only what holds for each of them is said of all."""

from __future__ import annotations

import pytest

from bulkagent.ledger import CommonEnding, ConnectionFailure, OutcomeGroup
from bulkagent.ledger.outcome_groups import GroupTally
from bulkagent.reports import told_of_connections

REFUSED = "connection refused"


def _group(*rows: tuple[str, str, str]) -> OutcomeGroup:
    """Of rows with gateway, retcode and what was said of the connection."""
    tally = GroupTally("failed", "connect")
    for number, (gateway, retcode, said) in enumerate(rows, 1001):
        tally.add(str(number), gateway, retcode, said)
    return tally.group()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("east", REFUSED)] * 3, "connection refused by east"),
        ([("east", REFUSED), *[("west", REFUSED)] * 2], "connection refused by east and west"),
        (
            [("east", REFUSED), ("west", "no route to host")],
            "connection refused by east; west: no route to host",
        ),
        ([(f"gateway{number}", REFUSED) for number in range(9)], REFUSED),
        ([("east", REFUSED), ("west", "")], ""),
        ([("east", f"reason {number}") for number in range(9)], ""),
        ([("east", "")], ""),
    ],
)
def test_a_gateway_is_named_where_what_is_said_holds_for_all(
    rows: list[tuple[str, str]], told: str
) -> None:
    group = _group(*((gateway, "", said) for gateway, said in rows))
    failures = [(each.said, each.gateways) for each in group.common.failures]
    assert told_of_connections(failures, str) == told
    assert (group.count, group.reason) == (len(rows), rows[0][1])


def test_a_retcode_is_said_where_all_rows_have_that_one() -> None:
    assert _group(*[("east", "100-007", "")] * 9).common.retcode == "100-007"
    assert _group(("east", "100-007", ""), ("east", "000-000", "")).common.retcode == ""
    assert _group(("east", "100-007", ""), ("east", "", "")).common.retcode == ""
    assert _group(("east", "", "")).common == CommonEnding()


def test_the_first_three_agents_stand_for_all() -> None:
    group = _group(*[("east", "", REFUSED)] * 9)
    assert group.agents == ("1001", "1002", "1003")
    assert group.common.failures == (ConnectionFailure(REFUSED, ("east",)),)
