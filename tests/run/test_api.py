"""What the package exports, as a Python program uses it. mypy reads this file too.

Proves guide "Set a shift", "Settings and other options", "Hear of each outcome", "What is raised",
"Stop, and do several things at once".
"""

import asyncio
import json
from pathlib import Path

import pytest

import bulkagent
from bulkagent import Outcome, Plan, Request, Resume, RunResult, Settings, Status
from tests.cli.command import SAMPLES

ROSTER = SAMPLES / "evening_shift.csv"


def settings(folder: Path) -> Settings:
    return Settings(ledger=folder / "ledger.sqlite3", concurrency=8, per_second=None)


async def test_apply_does_what_the_command_does(tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    plans: list[Plan] = []

    def agree(plan: Plan) -> bool:
        plans.append(plan)
        return True

    result: RunResult = await bulkagent.apply(
        ROSTER,
        gateway="emulated",
        flag=1,
        reports=[tmp_path / "r.json"],
        settings=settings(tmp_path),
        agree=agree,
        settled=outcomes.append,
    )
    assert result.exit_code == 0
    assert result.totals[Status.APPLIED] == 40
    assert [plan.agents for plan in plans] == [40]
    assert {outcome.row for outcome in outcomes} == set(range(2, 42))
    document = json.loads((tmp_path / "r.json").read_text())
    assert {line["flag"] for line in document["lines"]} == {"1"}


async def test_not_agreeing_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(bulkagent.ConsentRefused):
        await bulkagent.apply(
            ROSTER,
            gateway="emulated",
            flag=0,
            reports=[tmp_path / "r.csv"],
            settings=settings(tmp_path),
            agree=lambda plan: False,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.sqlite3"]


@pytest.mark.matrix
async def test_two_runs_at_once_share_a_ledger(tmp_path: Path) -> None:
    """Their commits get in each other's way for moments only."""
    results = await asyncio.gather(
        *(
            bulkagent.apply(
                SAMPLES / "centre.csv",
                gateway="emulated",
                flag=flag,
                reports=[tmp_path / f"{flag}.csv"],
                settings=settings(tmp_path),
            )
            for flag in (0, 1)
        )
    )
    assert [result.totals[Status.APPLIED] for result in results] == [5000, 5000]
    assert len({result.run_id for result in results}) == 2


def test_check_raises_with_every_bad_row() -> None:
    with pytest.raises(bulkagent.RosterRefused) as caught:
        bulkagent.check(SAMPLES / "messy.csv", request=Request(roster="", gateway="emulated"))
    bad: tuple[bulkagent.BadRow, ...] = caught.value.bad_rows
    assert [row.row for row in bad] == sorted(row.row for row in bad)
    assert len(bad) == 15
    assert isinstance(caught.value, bulkagent.BulkagentError)


def test_every_public_name_is_there_and_no_other() -> None:
    for name in bulkagent.__all__:
        assert getattr(bulkagent, name).__name__ == name
    assert dir(bulkagent) == bulkagent.__all__ == sorted(bulkagent.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = bulkagent.nothing_like_it


async def test_arguments_go_over_the_request_only_where_they_are_given(tmp_path: Path) -> None:
    strict = Settings(ledger=tmp_path / "ledger.sqlite3", max_agents=1)
    asked = Request(roster="", flag=0, settings=strict, reports=(tmp_path / "want.csv",))
    with pytest.raises(bulkagent.GuardrailRefused):
        await bulkagent.apply(ROSTER, gateway="emulated", request=asked)
    result = await bulkagent.apply(
        ROSTER, gateway="emulated", request=asked, settings=settings(tmp_path)
    )
    assert result.reports == (str(tmp_path / "want.csv"),)


async def test_neither_the_configuration_file_nor_the_environment_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bulkagent.toml").write_text("max_agents = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BULKAGENT_MAX_AGENTS", "1")
    result = await bulkagent.apply(ROSTER, gateway="emulated", flag=0, settings=settings(tmp_path))
    assert result.exit_code == 0


async def test_a_run_whose_task_is_cancelled_is_gone_on_with(tmp_path: Path) -> None:
    """Requests in flight are cut off, no report is written, and the ledger is true."""
    settled = asyncio.Event()
    running = asyncio.create_task(
        bulkagent.apply(
            SAMPLES / "centre.csv",
            gateway="emulated",
            flag=0,
            reports=[tmp_path / "r.csv"],
            settings=settings(tmp_path),
            settled=lambda outcome: settled.set(),
        )
    )
    await settled.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not (tmp_path / "r.csv").exists()
    ledger = {"ledger": tmp_path / "ledger.sqlite3"}
    result = await bulkagent.resume(
        "last", settings=ledger, request=Resume(run="", reports=(tmp_path / "r.csv",))
    )
    assert result.totals[Status.APPLIED] == 5000


async def test_a_ledger_that_breaks_in_the_middle_does_not_say_that_nothing_was_sent(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "ledger.sqlite3"

    def break_it(outcome: Outcome) -> None:
        ledger.write_bytes(b"\0" * ledger.stat().st_size)

    result = await bulkagent.apply(
        SAMPLES / "centre.csv",
        gateway="emulated",
        flag=0,
        reports=[tmp_path / "r.csv"],
        settings=settings(tmp_path),
        settled=break_it,
    )
    assert result.exit_code in {1, 5}
    assert result.run_id is not None
    assert sum(result.totals.values()) == result.rows == 5000
    assert result.error
