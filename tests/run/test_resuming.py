"""Resume takes what another attempt may help, and nothing else; the judge is the gateway.

Proves --only, --max-age; guide "Resume", "Resume and revert".
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import bulkagent
from bulkagent.emulator import EmulatedGateway, FaultKind, ScenarioFault
from bulkagent.errors import (
    GuardrailRefused,
    ResumeRefused,
    RunBusy,
    RunNotFound,
    SettingsRefused,
)
from bulkagent.ledger import Planner, RunLock, RunRecord, attempts_of, list_runs, open_ledger
from bulkagent.ledger import run_lock as ownership
from bulkagent.model import Cause, Status
from bulkagent.run import Choices
from bulkagent.settings import ConfigFile, GatewaySection
from tests.run.again import AGENTS, STALE, Shift, code, fault, shift

ONE = range(101, 102)
RESET = fault(FaultKind.RESET_AFTER)


def _all_but(*agents: int) -> dict[str, int]:
    return {str(agent): 1 for agent in AGENTS if agent not in agents}


def _report(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


async def test_failed_unknown_and_not_attempted_are_taken_and_nothing_else(tmp_path: Path) -> None:
    """One of each: applied and rejected are never sent again, a doubt is."""
    faults = (code("100-006", "102"), code("100-009", "103"), fault(FaultKind.RESET_AFTER, "104"))
    async with shift(tmp_path, *faults) as made:
        made.write(AGENTS, more=["101,x,", "what,x,"])
        first = await made.apply(stop_after=6, skip_invalid=True)
        assert first.exit_code == 130
        before = made.stands()
        left = [agent for agent, stands in before.items() if "interrupted" in stands]
        assert before["102"] == "failed not_signed_in"
        assert before["103"] == "rejected not_permitted"
        assert before["104"] == "unknown reset"
        assert 0 < len(left) <= 4
        result = await made.resume()
        assert made.plan is not None
        assert made.plan.again == {"failed": 1, "unknown": 1, "not_attempted": len(left)}
        assert (made.plan.agents, made.plan.of_agents) == (len(left) + 2, 10)
        assert {outcome.row for outcome in made.outcomes} == {3, 5, *(int(x) - 99 for x in left)}
        assert made.times_set() == {**_all_but(103), "104": 2}
        assert made.requests == result.requests == 10 + 2
    assert result.run_id == first.run_id
    assert result.exit_code == 4
    counted = {status: count for status, count in result.totals.items() if count}
    assert counted == {"applied": 9, "rejected": 1, "invalid": 1, "duplicate": 1}
    report = _report(tmp_path / "report.csv")
    assert [line["row"] for line in report] == [str(row) for row in range(2, 14)]
    assert {line["status"] for line in report} == {"applied", "rejected", "invalid", "duplicate"}


async def test_attempts_add_up_over_legs_and_the_first_dispatch_stays_the_first(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path, code("000-004", "101", per_agent=3)) as made:
        made.write(ONE)
        await made.apply(max_attempts=2)
        (after_one,) = made.lines()
        assert (after_one.status, after_one.attempts) == (Status.FAILED, 2)
        result = await made.resume()
        (after_two,) = made.lines()
        with open_ledger(made.ledger) as database:
            found = attempts_of(RunRecord(database, 1), 2)
    assert (after_two.status, after_two.attempts) == (Status.APPLIED, 4)
    assert after_two.first_sent_at == after_one.first_sent_at
    assert [step.attempt for step in found] == [1, 2, 3, 4]
    assert [step.disposition for step in found] == ["000-004", "000-004", "000-004", "0"]
    assert [step.sent_at for step in found] == sorted(step.sent_at for step in found)
    assert found[0].sent_at == after_one.first_sent_at
    assert found[3].sent_at - found[0].sent_at >= 1000, "the second leg began a second later"
    assert (result.requests, result.retries, result.exit_code) == (4, 3, 0)
    assert [leg.command for leg in made.legs()] == ["apply", "resume"]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        (code("100-006"), ("unknown", "reset", "100-006")),
        (code("100-009"), ("unknown", "reset", "100-009")),
        (fault(FaultKind.HTML), ("unknown", "bad_reply", "")),
        (fault(FaultKind.RESET_BEFORE), ("unknown", "reset", "")),
        (None, ("applied", None, "0")),
    ],
    ids=["signed out", "refused", "another doubt", "the same doubt", "success"],
)
async def test_only_a_success_clears_the_doubt_of_an_earlier_leg(
    tmp_path: Path, then: ScenarioFault | None, expected: tuple[str, str | None, str]
) -> None:
    async with shift(tmp_path, RESET) as made:
        made.write(ONE)
        await made.apply()
        made.misbehave(*[then] if then else ())
        await made.resume()
        (line,) = made.lines()
        assert (line.status, line.cause, line.retcode) == expected
        assert line.attempts == 2
        made.misbehave()
        assert (await made.resume()).exit_code == 0


async def test_a_request_that_was_never_sent_clears_no_doubt(tmp_path: Path) -> None:
    async with shift(tmp_path, RESET) as made:
        made.write(ONE)
        await made.apply()
        gone = made.gateway
    result = await made.resume()
    (line,) = made.lines()
    assert (line.status, line.cause, line.attempts) == (Status.UNKNOWN, Cause.RESET, 1)
    assert result.exit_code == 3
    assert gone.stats().requests == 1


@pytest.mark.parametrize(
    "first",
    [code("000-004", message="switching"), fault(FaultKind.TOO_MANY)],
    ids=["a retcode", "too many"],
)
async def test_an_attempt_after_an_answer_has_nothing_of_it(
    tmp_path: Path, first: ScenarioFault
) -> None:
    """Neither message nor HTTP status, as long as it is the last attempt and ever after."""
    async with shift(tmp_path, first) as made:
        made.write(ONE)
        asked = made.request(max_attempts=2)
        reset = fault(FaultKind.RESET_BEFORE)
        await made.carried_out(asked, between=lambda: made.misbehave(reset))
        with open_ledger(made.ledger) as database:
            before = attempts_of(RunRecord(database, 1), 2)
        made.misbehave(code("100-006", message="another"))
        await made.resume(explicit={"max_attempts": 1})
        with open_ledger(made.ledger) as database:
            after = attempts_of(RunRecord(database, 1), 2)
        assert [step.disposition for step in after] == [before[0].disposition, "reset", "100-006"]
        assert after[:2] == before
        assert before[1].http_status is None
        assert "switching" not in (before[1].message or "")


async def test_only_takes_what_ended_with_one_of_these_causes(tmp_path: Path) -> None:
    faults = (code("100-006", "102"), fault(FaultKind.RESET_AFTER, "103"))
    async with shift(tmp_path, *faults) as made:
        await made.apply(stop_after=5)
        before = made.stands()
        result = await made.resume(only=frozenset({Cause.RESET, Cause.TIMEOUT}))
        assert made.plan is not None
        assert (made.plan.agents, made.plan.again) == (1, {"unknown": 1})
        assert made.stands() == {**before, "103": "applied"}
        assert made.times_set()["103"] == 2
        assert result.exit_code == 3
        requests = made.requests
        result = await made.resume(only=frozenset({Cause.INTERRUPTED}))
        assert result.causes == {"not_signed_in": 1}
        assert made.requests == requests + sum("interrupted" in x for x in before.values())


async def test_with_nothing_left_the_report_is_written_and_nothing_is_sent(tmp_path: Path) -> None:
    """Neither roster nor gateway is needed for that."""
    async with shift(tmp_path, code("100-009", "103")) as made:
        assert (await made.apply()).exit_code == 4
        (tmp_path / "report.csv").unlink()
    made.roster.unlink()
    result = await made.resume()
    assert (result.exit_code, result.state, result.next) == (4, "completed", None)
    assert result.totals["applied"] == 9
    assert len(_report(tmp_path / "report.csv")) == 10
    assert made.requests == 10


async def test_a_run_that_was_never_planned_is_not_resumed(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=3)
        with open_ledger(made.ledger) as database:
            planner = Planner(
                database,
                operation="settalkright",
                roster="x.csv",
                extra_columns=(),
                wave_of=lambda _: 0,
                settings={},
                now_ms=made.clock.wall_ms() + 5000,
            )
            planner.assign(2, "101", "x", "flag=0", ())
            planner.lock.release()
        requests = made.requests
        with pytest.raises(RunNotFound, match="never planned"):
            await made.resume(planner.run_id)
        with pytest.raises(ResumeRefused, match="never planned") as refused:
            await made.resume("last")
        assert first.run_id is not None
        assert first.run_id in str(refused.value)
        assert made.requests == requests
        assert (await made.resume(first.run_id)).exit_code == 0


async def test_an_old_run_is_refused_unless_the_age_is_raised(tmp_path: Path) -> None:
    """The age counts from when anybody was last at work on it."""
    async with shift(tmp_path) as made:
        await made.apply(stop_after=3)
        made.clock.ahead_ms += 7_100_000
        await made.resume(stop_after=1)
        made.clock.ahead_ms += 7_300_000
        requests = made.requests
        with pytest.raises(ResumeRefused, match="--max-age") as refused:
            await made.resume()
        assert refused.value.exit_code == 2
        assert made.requests == requests
        assert len(made.legs()) == 2
        assert (await made.resume(explicit={"max_age_s": 8000.0})).exit_code == 0


async def test_a_run_that_somebody_owns_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "_RETRY_S", 0.0)
    async with shift(tmp_path) as made:
        run_id = (await made.apply(stop_after=3)).run_id
        assert run_id is not None
        requests = made.requests
        lock = RunLock(made.ledger, run_id)
        for command in (made.resume, made.revert):
            with pytest.raises(RunBusy, match="another process") as refused:
                await command(run_id)
            assert refused.value.exit_code == 5
        assert made.requests == requests
        lock.release()
        assert (await made.resume()).exit_code == 0


async def _later(made: Shift, *agents: int, **more: Any) -> str:
    """A run of these agents with the other flag."""
    result = await made.apply(made.write(agents, name="later.csv"), flag=1, **more)
    assert result.run_id is not None
    return result.run_id


@pytest.mark.parametrize("named", [False, True], ids=["the same URL", "under a name of its own"])
async def test_agents_that_a_later_run_has_dispatched_are_left_to_it(
    tmp_path: Path, *, named: bool
) -> None:
    async with shift(tmp_path, code("100-006", "102")) as made:
        first = (await made.apply(stop_after=4)).run_id
        assert first is not None
        section = GatewaySection(url=made.gateway.url.upper().replace("HTTPS", "https"))
        name = {"gateway": "east", "gateways": {"east": section}} if named else {}
        later = await _later(made, 101, 102, 110, **name)
        result = await made.resume(first)
        assert made.plan is not None
        assert made.plan.superseded == {later: 2}
        stands = made.stands(first)
        assert stands["101"] == "applied", "what was applied before is told as it was"
        assert stands["102"] == "failed superseded"
        assert stands["110"] == "not_attempted superseded"
        assert made.rights()["110"] == made.rights()["102"] == 1
        assert made.times_set()["109"] == made.times_set()["110"] == 1
    assert result.exit_code == 4
    assert result.causes == {"superseded": 2}
    assert result.next is None


async def test_the_same_number_on_another_gateway_is_another_agent(tmp_path: Path) -> None:
    (tmp_path / "west").mkdir()
    async with shift(tmp_path) as made, EmulatedGateway(agent_ids=AGENTS) as west:
        first = await made.apply(stop_after=4)
        there = Shift(tmp_path / "west", west)
        there.ledger, there.clock = made.ledger, made.clock
        await there.apply()
        assert first.run_id is not None
        assert (await made.resume(first.run_id)).exit_code == 0
        assert made.plan is not None
        assert made.plan.superseded == {}
        assert made.times_set() == there.times_set() == _all_but()


async def test_what_a_later_run_has_not_dispatched_supersedes_nothing(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = (await made.apply(stop_after=2)).run_id
        assert first is not None
        await _later(made, *reversed(AGENTS), stop_after=1)
        taken = {agent for agent, right in made.rights().items() if right} & set(made.times_set())
        assert 0 < len(taken) < 4
        result = await made.resume(first)
        assert result.causes == {"superseded": len(taken)}
        assert result.totals["applied"] == 10 - len(taken)


async def test_settings_are_explicit_ones_then_the_runs_then_the_environments_then_the_files(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path, code("000-004", "101", per_agent=100)) as made:
        made.write(ONE)
        await made.apply(max_attempts=2)
        layers = Choices(
            explicit={"ledger": made.ledger},
            environment={"max_attempts": 5, "max_age_s": 50_000.0},
            file=ConfigFile(max_attempts=7, max_age="1s"),
        )
        made.clock.ahead_ms += 40_000_000  # the environment allows it, the file would not
        await made.resume(choices=layers)
        assert made.lines()[0].attempts == 2 + 2, "the run's own"
        typed = {**layers.explicit, "max_attempts": 3}
        await made.resume(choices=replace(layers, explicit=typed))
        assert made.lines()[0].attempts == 2 + 2 + 3, "what was typed"
        await made.resume(choices=layers)
        assert made.lines()[0].attempts == 2 + 2 + 3 + 2, "typed for one leg alone"


async def test_consent_to_any_certificate_is_not_taken_over(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=2, ca_file=None, insecure=True)
        requests = made.requests
        with pytest.raises(SettingsRefused, match="certificate"):
            await made.resume()
        assert made.requests == requests
        assert (await made.resume(insecure=True)).exit_code == 0


async def test_a_run_of_an_earlier_bulkagent_is_refused(tmp_path: Path) -> None:
    """It kept no fingerprint of its roster."""
    async with shift(tmp_path) as made:
        await made.apply(stop_after=2)
        with open_ledger(made.ledger) as database:
            database.write(("UPDATE runs SET fingerprint = ''", [()]))
        for command in (made.resume, made.revert):
            with pytest.raises(ResumeRefused, match="earlier bulkagent"):
                await command()


async def _halted(made: Shift) -> None:
    """A run that its first three agents, with somebody else's GUIDs, have halted."""
    made.write(AGENTS, guids=dict.fromkeys(AGENTS, STALE))
    result = await made.apply(halt_first=3)
    assert (result.exit_code, result.state) == (6, "halted")
    assert made.requests == 3
    made.write(AGENTS)


async def test_a_halted_run_wants_an_answer_or_an_override(tmp_path: Path) -> None:
    """And nothing is sent, nor begun, without one."""
    async with shift(tmp_path) as made:
        await _halted(made)
        with pytest.raises(GuardrailRefused, match="--override") as refused:
            await made.resume()
        assert refused.value.exit_code == 6
        assert refused.value.totals == made.plan.totals if made.plan else None
        assert made.requests == 3
        assert len(made.legs()) == 1
        result = await made.resume(override="fresh GUIDs, Ana", stop_after=2)
        assert (result.exit_code, made.legs()[1].override) == (130, "fresh GUIDs, Ana")
        assert made.plan is not None
        assert "guid_refused" in made.plan.guardrail
        result = await made.resume()
        assert made.plan.guardrail == "", "the last leg was not halted"
        assert result.exit_code == 0
        assert [leg.override for leg in made.legs()] == [None, "fresh GUIDs, Ana", None]


async def test_an_answer_to_a_guardrail_is_recorded(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _halted(made)
        assert (await made.resume(agreed=True)).exit_code == 0
        assert made.legs()[1].override == "answered at the terminal"


async def test_a_program_answers_a_guardrail_by_agreeing_to_the_plan(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _halted(made)
        explicit = {"ledger": made.ledger}
        with pytest.raises(GuardrailRefused):
            await bulkagent.resume(settings=explicit)
        with pytest.raises(bulkagent.ConsentRefused):
            await bulkagent.resume(settings=explicit, agree=lambda plan: not plan.guardrail)
        assert made.requests == 3
        result = await bulkagent.resume(settings=explicit, agree=lambda plan: bool(plan.guardrail))
        assert result.exit_code == 0


async def test_a_halted_run_with_nothing_left_needs_no_answer(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _halted(made)
        first = made.legs() and made.lines()
        await made.apply(made.write(AGENTS, name="later.csv"), flag=1)
        with open_ledger(made.ledger) as database:
            (_, halted) = list_runs(database, 2)
        result = await made.resume(halted.id)
        assert (result.exit_code, result.causes) == (4, {"superseded": len(first)})
        assert set(made.rights().values()) == {1, None}
