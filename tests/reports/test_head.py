"""The head of a report: which roster, which gateway, what was wanted, when, by whom, the ticket.

Proves --note.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from bulkagent.model import Status
from bulkagent.reports.head import Wanted, head_of, span
from tests.reports.lines import line

BEGUN, ENDED = "2026-11-23T06:00:00.000Z", "2026-11-23T06:00:21.400Z"


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def here(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield here
    monkeypatch.undo()
    time.tzset()


def test_rows_that_ask_for_nothing_are_not_wanted() -> None:
    wanted = Wanted()
    for row in (
        *(line(flag="1"), line(flag="1"), line(flag="0")),
        *(line(flag="0", status=Status.DUPLICATE), line(flag="", status=Status.INVALID)),
    ):
        wanted.add(row)
    (fact,) = (fact for fact in head_of({}, wanted) if fact.name == "wanted")
    assert fact.text == "2 agents may take calls (flag 1), 1 agent takes no calls (flag 0)"


def test_what_is_not_known_is_left_out() -> None:
    assert head_of({}, Wanted()) == ()
    facts = {fact.name: fact.text for fact in head_of({"roster": "-"}, Wanted())}
    assert facts == {"roster": "standard input"}


def test_everybody_who_ran_a_leg_is_named_once() -> None:
    run = {
        "who": "ana@desk",
        "note": "CHG-7",
        "on_behalf_of": "cron",
        "legs": [
            {"who": "ana@desk", "note": "CHG-7", "on_behalf_of": "cron"},
            {"who": "ben@desk", "note": "called Eva", "on_behalf_of": None},
            {"who": "ana@desk", "note": None, "on_behalf_of": None},
        ],
    }
    facts = {fact.name: fact.text for fact in head_of(run, Wanted())}
    assert facts["by"] == "ana@desk, on behalf of cron (claimed), then ben@desk"
    assert facts["ticket"] == "CHG-7; called Eva"


def test_times_are_local_with_their_zone_and_in_utc(zone: Callable[[str], None]) -> None:
    zone("Europe/Berlin")
    assert span(BEGUN, ENDED) == "2026-11-23 07:00:00 to 07:00:21 CET (06:00:00 to 06:00:21 UTC)"
    assert span(BEGUN, None) == "2026-11-23 07:00:00 CET (06:00:00 UTC)"
    zone("Pacific/Auckland")
    assert span("2026-11-22T11:30:00Z", "2026-11-22T12:30:00Z") == (
        "2026-11-23 00:30:00 to 01:30:00 NZDT (2026-11-22 11:30:00 to 12:30:00 UTC)"
    )
    zone("UTC")
    assert span(BEGUN, ENDED) == "2026-11-23 06:00:00 to 06:00:21 UTC"


def test_a_run_over_the_change_of_clocks_names_both_zones(zone: Callable[[str], None]) -> None:
    zone("Europe/Berlin")
    assert span("2026-10-25T00:59:00Z", "2026-10-25T01:01:00Z") == (
        "2026-10-25 02:59:00 CEST to 2026-10-25 02:01:00 CET (00:59:00 to 01:01:00 UTC)"
    )


def test_what_is_no_time_is_shown_as_it_is() -> None:
    assert span("never", None) == "never"
    assert span(None, None) == ""
    assert span("0001-01-01T00:00:00Z", None)


def test_times_are_in_the_zone_of_the_run_where_it_has_one(zone: Callable[[str], None]) -> None:
    """`--time-zone`: the page says the times that the screen says."""
    zone("UTC")
    run = {"created_at": BEGUN, "finished_at": ENDED, "time_zone": "Asia/Shanghai"}
    facts = {fact.name: fact.text for fact in head_of(run, Wanted())}
    assert facts["when"] == "2026-11-23 14:00:00 to 14:00:21 CST (06:00:00 to 06:00:21 UTC)"
    unknown = {**run, "time_zone": "Atlantis/Harbour"}
    assert "06:00:21 UTC" in {fact.name: fact.text for fact in head_of(unknown, Wanted())}["when"]
