"""From a roster to a plan: what is recorded, what is refused, and that a refusal leaves nothing."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, Unpack

import msgspec
import pytest

from bulkagent.errors import (
    BulkagentError,
    GuardrailRefused,
    LedgerUnavailable,
    RosterRefused,
    RunNotFound,
    SettingsRefused,
)
from bulkagent.gateway.operations import flag_of
from bulkagent.ledger import Database, RunRecord, find_run, lines, list_runs, open_ledger, summarise
from bulkagent.model import Assignment, Line, Status
from bulkagent.run import EMULATED, Plan, PlanPart, Request, check_roster
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.plan.apply import Planned, plan_run
from bulkagent.run.plan.counts import most_skipped
from bulkagent.settings import GatewaySection, Settings

MESSY = Path(__file__).parents[2] / "samples" / "messy.csv"
CANARY = "7f3c1b52-9d1e-4c55-8a53-0d2b6f9e4a11"
GATEWAY = "https://east.example:8043"
NAMED = {
    "east": GatewaySection(url=GATEWAY),
    "west": GatewaySection(url="https://west.example:8043"),
}
TABLES = ("runs", "lanes", "assignments", "outcomes", "attempts")


class Asked(TypedDict, total=False):
    gateway: str
    flag: int | None
    skip_invalid: bool | int
    settings: Settings


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_ledger(tmp_path / "state" / "ledger.sqlite3") as opened:
        yield opened


def planned(database: Database, content: str | bytes, **asked: Unpack[Asked]) -> Planned:
    """A plan of a roster that comes through a pipe."""
    asked.setdefault("gateway", EMULATED)
    request = Request(roster="-", **asked)
    data = content.encode() if isinstance(content, str) else content
    return plan_run(
        request,
        Gateways(request.target, request.settings),
        database,
        now_ms=1_700_000_000_000,
        stdin=io.BytesIO(data),
    )


def checked(content: str | bytes, **asked: Unpack[Asked]) -> Plan:
    data = content.encode() if isinstance(content, str) else content
    return check_roster(Request(roster="-", **asked), stdin=io.BytesIO(data))


def report(database: Database, run: int) -> list[Line]:
    return list(lines(RunRecord(database, run), {"flag=0": "0", "flag=1": "1"}))


def left(database: Database) -> dict[str, int]:
    """Tables that are not empty."""
    counts = {
        table: database.all(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - of a list above
        for table in TABLES
    }
    return {table: count for table, count in counts.items() if count}


def roster(*rows: str, header: str = "agent_id,flag") -> str:
    return "\n".join((header, *rows)) + "\n"


def many(rows: int) -> str:
    return roster(*(f"{1000 + number},1" for number in range(rows)))


# What is recorded.


def test_a_roster_becomes_a_plan(database: Database) -> None:
    made = planned(
        database, roster("1001,0,Ann", "1002,1,Ben", "1003,0,Cy", header="agent_id,flag,name")
    )
    assert (made.plan.rows, made.plan.agents, made.plan.invalid, made.plan.duplicates) == (
        3,
        3,
        0,
        0,
    )
    # Those who come first, so that callers are not left alone.
    assert made.plan.parts == (PlanPart(EMULATED, "1", 1), PlanPart(EMULATED, "0", 2))
    assert [(x.gateway, x.wave, flag_of(x.arguments), x.assignments) for x in made.lanes] == [
        (EMULATED, 0, "1", 1),
        (EMULATED, 1, "0", 2),
    ]
    facts = find_run(database, "last")
    assert (facts.id, facts.run, facts.state) == (made.plan.run_id, made.run, "planned")
    assert (facts.operation, facts.roster, facts.extra_columns) == ("settalkright", "-", ("name",))
    assert [(x.row, x.agent_id, x.flag, x.extra) for x in report(database, made.run)] == [
        (2, "1001", "0", ("Ann",)),
        (3, "1002", "1", ("Ben",)),
        (4, "1003", "0", ("Cy",)),
    ]


def test_rows_go_to_their_own_gateway_or_to_the_one_asked_for(database: Database) -> None:
    made = planned(
        database,
        roster(
            "1001,1,west,g1", "1002,1,,g2", "1003,1,east,g3", header="agent_id,flag,gateway,guid"
        ),
        gateway="east",
        settings=Settings(gateways=NAMED),
    )
    assert {x.gateway: x.assignments for x in made.lanes} == {"west": 1, "east": 2}


def test_invalid_rows_are_kept_where_they_are_to_be_skipped(database: Database) -> None:
    made = planned(database, roster("1001,1", "temp,1", "1002,maybe", "1003,0"), skip_invalid=True)
    assert (made.plan.rows, made.plan.agents, made.plan.invalid) == (4, 2, 2)
    assert [(bad.row, bad.column) for bad in made.plan.bad_rows] == [(3, "agent_id"), (4, "flag")]
    found = report(database, made.run)
    assert [(x.row, x.agent_id, x.status) for x in found] == [
        (2, "1001", Status.NOT_ATTEMPTED),
        (3, "temp", Status.INVALID),
        (4, "1002", Status.INVALID),
        (5, "1003", Status.NOT_ATTEMPTED),
    ]
    assert [x.message for x in found if x.status is Status.INVALID] == [
        bad.reason for bad in made.plan.bad_rows
    ]


def test_rows_that_contradict_each_other_are_all_invalid(database: Database) -> None:
    """The first was planned already; nobody knows which one is meant."""
    made = planned(
        database,
        roster("1001,1", "1002,1", "1001,0", "1003,0", "1001,1", "1002,1"),
        skip_invalid=True,
    )
    found = {x.row: x for x in report(database, made.run)}
    assert {row: x.status.value for row, x in found.items()} == {
        2: "invalid",
        3: "not_attempted",
        4: "invalid",
        5: "not_attempted",
        6: "invalid",
        7: "duplicate",
    }
    assert "line 4" in found[2].message
    assert "line 2" in found[4].message
    plan = made.plan
    assert (plan.rows, plan.agents, plan.invalid, plan.duplicates) == (6, 2, 3, 1)
    assert [bad.row for bad in plan.bad_rows] == [2, 4, 6]
    assert [(flag_of(x.arguments), x.assignments) for x in made.lanes] == [("1", 1), ("0", 1)]
    assert sum(summarise(RunRecord(database, made.run)).totals.values()) == 6


def test_a_lane_whose_rows_were_all_taken_back_is_none(database: Database) -> None:
    made = planned(database, roster("1001,1", "1001,0", "1002,0"), skip_invalid=True)
    assert [(flag_of(x.arguments), x.assignments) for x in made.lanes] == [("0", 1)]


def test_a_contradiction_far_apart_is_found_too(database: Database) -> None:
    content = many(9_500).removesuffix("\n") + "\n1000,0\n"
    made = planned(database, content, skip_invalid=True)
    assert [bad.row for bad in made.plan.bad_rows] == [2, 9_502]
    assert made.plan.agents == 9_499 == sum(x.assignments for x in made.lanes)


def test_duplicates_are_counted_and_follow_their_first_row(database: Database) -> None:
    made = planned(database, roster("1001,1", "1001,1", "1001,1", "1002,0"))
    assert (made.plan.rows, made.plan.agents, made.plan.duplicates) == (4, 2, 2)
    assert summarise(RunRecord(database, made.run)).totals["duplicate"] == 2


@pytest.mark.parametrize("skip_invalid", [True, 9])
def test_a_roster_without_one_assignment_is_refused(
    database: Database, skip_invalid: bool | int
) -> None:
    """--skip-invalid leaves rows out, and never all of them."""
    for content in (roster("temp,1"), roster("1001,1", "1001,0")):
        asked = Asked(gateway=EMULATED, skip_invalid=skip_invalid)
        with pytest.raises(RosterRefused, match="nobody is left to set") as refused:
            planned(database, content, **asked)
        assert refused.value.bad_rows
        with pytest.raises(RosterRefused, match="nobody is left to set"):
            checked(content, **asked)
    assert list_runs(database, 9) == []


@pytest.mark.parametrize(
    ("rows", "skip_invalid", "most"),
    [(1, True, 3), (399, True, 3), (400, True, 4), (60_000, True, 600), (9, 5, 5), (9, False, 0)],
)
def test_so_many_invalid_rows_may_be_skipped(
    rows: int, skip_invalid: bool | int, most: int
) -> None:
    """--skip-invalid without a number is 1 % of the rows, at least 3."""
    assert most_skipped(rows, skip_invalid=skip_invalid) == most


@pytest.mark.parametrize(("skip_invalid", "most"), [(True, 3), (5, 5), (0, 0)])
def test_more_invalid_rows_than_skip_invalid_allows_are_refused(
    database: Database, skip_invalid: bool | int, most: int
) -> None:
    """A ruined roster is not DONE: 38 good rows and 242 ruined ones were."""
    good = [f"{1000 + number},1" for number in range(38)]
    asked = Asked(gateway=EMULATED, skip_invalid=skip_invalid)
    most_bad = roster(*good, *["Total,1"] * most)
    assert planned(database, most_bad, **asked).plan.invalid == most
    assert checked(most_bad, **asked).invalid == most
    known = len(list_runs(database, 99))
    for ruined in (roster(*good, *["Total,1"] * (most + 1)), roster(*good, *["x,1"] * 242)):
        with pytest.raises(RosterRefused, match="invalid"):
            checked(ruined, **asked)
        with pytest.raises(RosterRefused, match="so nothing was sent") as refused:
            planned(database, ruined, **asked)
        assert refused.value.totals is not None
        assert refused.value.totals["invalid"] == len(refused.value.bad_rows)
    assert len(list_runs(database, 99)) == known


def test_every_row_of_every_kind_is_in_the_totals(database: Database) -> None:
    request = Request(roster=str(MESSY), gateway=EMULATED, skip_invalid=15)
    made = plan_run(request, Gateways(request.target, request.settings), database, now_ms=1)
    summary = summarise(RunRecord(database, made.run))
    assert summary.rows == made.plan.rows == 18
    assert summary.totals["invalid"] == made.plan.invalid
    assert summary.totals["duplicate"] == made.plan.duplicates == 1
    assert summary.totals["not_attempted"] == made.plan.agents
    assert sum(summary.totals.values()) == 18


def test_the_settings_of_a_run_are_kept(database: Database) -> None:
    planned(database, many(1), settings=Settings(concurrency=7, per_second=None))
    kept = find_run(database, "last").settings
    assert (kept["gateway"], kept["concurrency"], kept["per_second"]) == (EMULATED, 7, None)


# GUIDs.


async def test_a_guid_is_with_the_plan_and_nowhere_in_the_ledgers_files(database: Database) -> None:
    header = "agent_id,flag,guid,note"
    made = planned(
        database,
        roster(
            f"1001,1,{CANARY},a",
            f"1002,1,JSESSIONID={CANARY}.2,b",
            f"1001,1,{CANARY},repeats",
            f"temp,1,{CANARY},invalid",
            f"1003,1,{CANARY},first",
            f"1003,0,{CANARY},contradicts",
            f"1004,1,x,{CANARY}",
            f"1005,1,x,y,{CANARY}",
            header=header,
        ),
        gateway=GATEWAY,
        skip_invalid=4,
    )
    lane = made.lanes[0]
    for row, guid in ((2, CANARY), (3, f"{CANARY}.2")):
        item = Assignment(row, lane.gateway, "", "settalkright", lane.arguments)
        credential = await made.guids.credential(item)
        assert credential is not None
        assert credential.guid == guid
    files = sorted(path for path in database.path.parent.iterdir() if path.is_file())
    assert [file.name for file in files] == [
        "ledger.sqlite3",
        "ledger.sqlite3-shm",
        "ledger.sqlite3-wal",
    ]
    written = b"".join(file.read_bytes() for file in files)
    assert b"contradicts" in written
    assert CANARY.encode() not in written
    assert CANARY[:23].encode() not in written
    assert CANARY not in repr(made)


def test_emulated_agents_get_other_guids_than_the_rosters(database: Database) -> None:
    made = planned(database, roster(f"1001,1,{CANARY}", header="agent_id,flag,guid"))
    assert repr(made.guids) == "<PackedGuids of 0 rows>"


# What is refused.

BAD_BYTES = many(8_998).encode() + b"10\xff01,1\n" + b"1001,1\n"


@pytest.mark.parametrize(
    ("content", "asked", "kind", "says"),
    [
        (roster("1001,1", "temp,1"), Asked(), RosterRefused, "1 of 2 rows is invalid"),
        (roster("1001,1", "1001,0"), Asked(), RosterRefused, "2 of 2 rows are invalid"),
        (roster("1001,1", header="name,flag"), Asked(), RosterRefused, "agent"),
        (b"", Asked(), RosterRefused, "empty"),
        (BAD_BYTES, Asked(), RosterRefused, "line 9000 .* is not UTF-8"),
        (many(9_000) + '"open', Asked(), RosterRefused, "quote"),
        (many(3), Asked(settings=Settings(max_agents=2)), GuardrailRefused, "has 3 agents"),
        (many(9_001), Asked(settings=Settings(max_agents=9_000)), GuardrailRefused, "9,001"),
        (
            roster("1001,1,,g", "1002,1,east,g", header="agent_id,flag,gateway,guid"),
            Asked(gateway="", settings=Settings(gateways=NAMED)),
            SettingsRefused,
            "^1 row names no gateway; .*--gateway",
        ),
        (
            roster("1001,1,,g", "1002,1,,g", header="agent_id,flag,gateway,guid"),
            Asked(gateway="", settings=Settings(gateways=NAMED)),
            SettingsRefused,
            "^2 rows name no gateway",
        ),
        (
            roster("1001,1,north,g", header="agent_id,flag,gateway,guid"),
            Asked(
                gateway="",
                settings=Settings(
                    gateways={"north": GatewaySection(url=GATEWAY, ca_file="no.pem")}
                ),
            ),
            SettingsRefused,
            "no.pem",
        ),
    ],
)
def test_a_refused_roster_leaves_nothing_in_the_ledger(
    database: Database, content: str | bytes, asked: Asked, kind: type[BulkagentError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        planned(database, content, **asked)
    assert left(database) == {}
    with pytest.raises(RunNotFound):
        find_run(database, "last")


def test_a_refused_roster_disturbs_no_other_run(database: Database) -> None:
    made = planned(database, many(5))
    before = left(database)
    with pytest.raises(RosterRefused):
        planned(database, BAD_BYTES)
    assert left(database) == before
    assert find_run(database, "last").id == made.plan.run_id


def test_a_refusal_has_every_bad_row_in_the_rosters_order_and_all_totals(
    database: Database,
) -> None:
    with pytest.raises(RosterRefused) as refused:
        planned(database, roster("1001,1", "1002,x", "temp,1", "1001,0", "1003,1", "1003,1"))
    assert [(bad.row, bad.column) for bad in refused.value.bad_rows] == [
        (2, "flag"),
        (3, "flag"),
        (4, "agent_id"),
        (5, "flag"),
    ]
    totals = refused.value.totals
    assert totals is not None
    assert sum(totals.values()) == 6
    assert (totals["invalid"], totals["duplicate"]) == (4, 1)


def test_the_guardrail_counts_agents_that_would_be_sent(database: Database) -> None:
    """Neither duplicates nor what was taken back."""
    content = roster("1001,1", "1001,1", "1002,1", "1003,1", "1003,0", "temp,0")
    asked = Asked(settings=Settings(max_agents=2), skip_invalid=True)
    assert planned(database, content, **asked).plan.agents == 2
    with pytest.raises(GuardrailRefused, match="has 3 agents, --max-agents allows 2"):
        planned(database, content + "1004,1\n", **asked)


def test_a_contradicted_row_needs_no_gateway(database: Database) -> None:
    made = planned(
        database,
        roster("1001,1,,g", "1001,0,,g", "1002,1,east,g", header="agent_id,flag,gateway,guid"),
        gateway="",
        settings=Settings(gateways=NAMED),
        skip_invalid=True,
    )
    assert (made.plan.agents, made.plan.invalid) == (1, 2)


def test_an_interrupted_planning_leaves_nothing(database: Database) -> None:
    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 60_000:
                raise KeyboardInterrupt
            return super().read(size)

    request = Request(roster="-", gateway=EMULATED)
    stream = Interrupted(many(30_000).encode())
    with pytest.raises(KeyboardInterrupt):
        plan_run(
            request, Gateways(request.target, request.settings), database, now_ms=1, stdin=stream
        )
    assert stream.tell() > 60_000
    assert left(database) == {}


def test_a_full_ledger_is_what_is_said_and_no_part_is_a_run(database: Database) -> None:
    """Even though it cannot be cleared away either."""
    ((pages,),) = database.all("PRAGMA page_count")
    database.all(f"PRAGMA max_page_count={pages + 20}")
    with pytest.raises(LedgerUnavailable, match=r"full.*nothing was sent"):
        planned(database, many(20_000))
    with pytest.raises(RunNotFound):
        find_run(database, "last")


def test_a_ledger_that_cannot_even_forget_does_not_hide_why(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(_record: RunRecord) -> None:
        raise LedgerUnavailable("cannot forget")

    monkeypatch.setattr("bulkagent.run.plan.apply.forget_run", no)
    with pytest.raises(RosterRefused, match="is invalid"):
        planned(database, roster("temp,1"))
    with pytest.raises(RunNotFound):
        find_run(database, "last")


# Checking without a ledger.


def test_checking_says_of_the_messy_sample_what_planning_says(database: Database) -> None:
    request = Request(roster=str(MESSY), gateway=EMULATED, skip_invalid=15)
    told = plan_run(request, Gateways(request.target, request.settings), database, now_ms=1).plan
    assert check_roster(request) == msgspec.structs.replace(told, run_id="")


def test_checking_refuses_the_messy_sample_with_every_bad_row() -> None:
    with pytest.raises(RosterRefused, match="of 18 rows are invalid") as refused:
        check_roster(Request(roster=str(MESSY), gateway=EMULATED))
    rows = [bad.row for bad in refused.value.bad_rows]
    assert rows == [*range(4, 14), *range(15, 20)]
    assert all(bad.reason for bad in refused.value.bad_rows)


@pytest.mark.parametrize(
    "content",
    [
        roster("1001,0", "1002,1", "1001,0", "1003,1", "1003,0", "temp,1", "1004,0"),
        roster("1001,1", "1001,0", "1002,1"),
        many(50),
    ],
)
def test_checking_and_planning_agree(database: Database, content: str) -> None:
    asked = Asked(gateway=EMULATED, skip_invalid=True)
    told = planned(database, content, **asked).plan
    assert checked(content, **asked) == msgspec.structs.replace(told, run_id="")


def test_checking_needs_neither_flag_nor_gateway() -> None:
    plan = check_roster(Request(roster="-"), stdin=io.BytesIO(b"agent_id\n1001\n1002\n1001\n"))
    assert (plan.rows, plan.agents, plan.duplicates) == (3, 2, 1)
    assert plan.parts == (PlanPart("", "", 2),)


def test_checking_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> None:
        raise AssertionError("a ledger was opened")

    monkeypatch.setattr(sqlite3, "connect", no)
    monkeypatch.chdir(tmp_path)
    check_roster(Request(roster=str(MESSY), gateway=EMULATED, skip_invalid=15))
    assert not list(tmp_path.iterdir())
