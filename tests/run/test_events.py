"""The log: every attempt and every decision, one JSON object a line, and no GUID.

Proves --log-file; guide "The log".
"""

from __future__ import annotations

import json
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bulkagent.emulator import FaultKind
from bulkagent.engine import Retry, Stop
from bulkagent.errors import SettingsRefused
from bulkagent.model import Assignment
from bulkagent.run import Consent, Run, agent_details, run_list
from bulkagent.run.outputs.log import EventLog
from tests.dispositions import BUSY, DONE, ended
from tests.run.again import AGENTS, STALE, MovedClock, code, fault, shift

FAULTS = (
    code("000-004", "101-103"),
    code("100-006", "104"),
    code("100-009", "105"),
    fault(FaultKind.RESET_AFTER, "106", per_agent=9),
    fault(FaultKind.HTML, "107"),
)


def _events(path: Path, name: str = "") -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [event for event in found if not name or event["event"] == name]


@pytest.mark.matrix
async def test_every_request_is_an_event_that_matches_what_show_says(tmp_path: Path) -> None:
    """Over two legs, numbered through, in one file."""
    log = tmp_path / "log.jsonl"
    async with shift(tmp_path, *FAULTS) as made:
        await made.apply(max_attempts=3, log_file=log)
        result = await made.resume(log_file=log)
        attempts = _events(log, "setTalkRight")
        assert len(attempts) == made.requests == result.requests
    for agent in AGENTS:
        (row,) = agent_details(made.ledger, "last", str(agent)).rows
        logged = [event for event in attempts if event["agent"] == str(agent)]
        assert [
            (event["attempt"], event["disposition"], event["http_status"], event["message"])
            for event in logged
        ] == [(x.attempt, x.ended, x.http_status, x.message) for x in row.attempts]
        for event, attempt in zip(logged, row.attempts, strict=True):
            assert attempt.latency_ms is not None
            assert event["latency_ms"] == pytest.approx(attempt.latency_ms, abs=0.001)
            assert event["run"] == result.run_id
            assert event["arguments"] == "flag=0"
            assert event["row"] == row.row
            assert event["gateway"] == row.gateway


async def test_every_decision_has_its_reason(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with shift(tmp_path, *FAULTS) as made:
        await made.apply(max_attempts=3, log_file=log)
    told = {
        (event["agent"], event["attempt"]): (event["decision"], event["reason"])
        for event in _events(log, "setTalkRight")
    }
    assert told["101", 1] == ("again", "after 0.000 s")
    assert told["101", 2] == ("enough", "nothing left to do")
    assert told["104", 1] == ("enough", "trying again would not change it")
    assert told["106", 3] == ("enough", "attempts spent")
    assert all(reason for _, reason in told.values())
    assert Counter(agent for agent, _ in told)["106"] == 3


async def test_the_decisions_about_the_run_are_events_too(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=3, log_file=log)
        left = first.totals["not_attempted"]
        await made.resume(log_file=log)
        await made.revert(assume_opposite=True, log_file=log)
        with Run(made.request(log_file=log), clock=made.clock) as run:
            run.prepare()
        name = made.gateway_name
    found = [event for event in _events(log) if event["event"] != "setTalkRight"]
    assert [event["event"] for event in found] == [
        *("run.apply", "run.stop", "run.interrupted", "run.finished"),
        *("run.resume", "run.finished"),
        *("run.revert", "run.finished"),
        *("run.apply", "run.discarded"),
    ]
    assert found[0]["agents"] == 10
    assert found[0]["parts"] == [{"gateway": name, "flag": "0", "agents": 10}]
    assert found[1]["signal"] == 2
    assert found[3]["exit_code"] == 130
    assert found[4]["again"] == {"not_attempted": left}
    assert len({event["run"] for event in found}) == 3
    assert [event["at"] for event in found] == sorted(event["at"] for event in found)


async def test_a_halt_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with shift(tmp_path) as made:
        made.write(AGENTS, guids=dict.fromkeys(AGENTS, STALE))
        await made.apply(halt_first=3, log_file=log)
        (halted,) = _events(log, "run.halted")
        assert halted["gateway"] == made.gateway_name
        assert "the first 3" in halted["reason"]


async def test_a_resume_of_a_halted_run_says_who_let_it_go_on(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with shift(tmp_path) as made:
        made.write(AGENTS, guids=dict.fromkeys(AGENTS, STALE))
        await made.apply(halt_first=3)
        made.write(AGENTS)
        await made.resume(override="looked, Ana", log_file=log)
    (resumed,) = _events(log, "run.resume")
    assert "guid_refused" in resumed["guardrail"]
    assert "looked, Ana" in log.read_text()


@pytest.mark.matrix
async def test_no_guid_is_in_it(tmp_path: Path) -> None:
    """Neither of those that the gateway took, nor of those that it did not."""
    log = tmp_path / "log.jsonl"
    async with shift(tmp_path, *FAULTS) as made:
        echo = made.gateway.sign_in("108")
        assert echo is not None
        made.misbehave(*FAULTS, code("000-003", "108", message=f"JSESSIONID={echo} is stale"))
        guids = [guid for _, guid in made.gateway.roster(AGENTS)]
        made.write(AGENTS, guids={110: STALE})
        await made.apply(max_attempts=3, log_file=log)
        made.sign_in_again(AGENTS)
        guids += [guid for _, guid in made.gateway.roster(AGENTS)]
        made.write(AGENTS)
        await made.resume(log_file=log)
        await made.revert(assume_opposite=True, log_file=log)
    content = log.read_text()
    assert len(set(guids)) == 20
    assert not [guid for guid in [*guids, STALE] if guid in content or guid[:36] in content]
    assert len(_events(log)) > 30


@pytest.mark.parametrize("name", ["none/log.jsonl", ".", "nul\0.jsonl"])
async def test_a_log_that_cannot_be_opened_is_refused_before_anything(
    tmp_path: Path, name: str
) -> None:
    async with shift(tmp_path) as made:
        with pytest.raises(SettingsRefused, match="--log-file"):
            await made.apply(log_file=tmp_path / name)
        assert made.requests == 0
    assert run_list(made.ledger, 9) == []


async def test_a_log_is_the_owners_alone_and_what_is_in_it_stays(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with shift(tmp_path) as made:
        await made.apply(log_file=log)
        before = log.read_text()
        await made.resume(log_file=log)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert log.read_text().startswith(before)


async def test_a_log_that_breaks_does_not_end_the_run(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        asked = made.request(log_file=Path("/dev/full"))
        with Run(asked, clock=made.clock) as run:
            prepared = run.prepare()
            result = (await prepared.execute(Consent.PROGRAM)).result_or_defect()
        assert (result.exit_code, result.totals["applied"]) == (0, 10)
        assert made.requests == 10
    assert prepared.trouble == "the log /dev/full is not complete: No space left on device"


@pytest.mark.parametrize("name", ["roster.csv", "ledger.sqlite3", "ca.pem", "report.csv"])
async def test_a_log_in_the_place_of_what_is_in_use_is_refused(tmp_path: Path, name: str) -> None:
    """Events at the end of a roster would be agents; at the end of a ledger, damage."""
    async with shift(tmp_path) as made:
        await made.apply(stop_after=5)
        stands, requests = made.stands(), made.requests
        for command in (made.apply, made.resume, made.revert):
            with pytest.raises(SettingsRefused):
                await command(log_file=tmp_path / name, reports=(tmp_path / "report.csv",))
            assert b"run.apply" not in (tmp_path / name).read_bytes()
            assert b"run.re" not in (tmp_path / name).read_bytes()
        assert made.requests == requests
        assert made.stands() == stands
        assert (await made.resume()).exit_code == 0


def test_an_event_says_what_came_of_an_attempt_and_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    item = Assignment(7, "east", "1007", "settalkright", "flag=1")
    with EventLog(path, MovedClock()) as log:
        log.run_id = "run"
        log.attempted(item, 3, ended(BUSY, message="half \ud800 character\n"), Retry(1.5))
        log.attempted(item, 4, ended(DONE), Stop("nothing left to do"))
        log.decided("run.finished", exit_code=0)
        log.close()
        log.close()
    first, second, third = _events(path)
    assert first.pop("at")[-1] == "Z"
    assert first == {
        "event": "setTalkRight",
        "run": "run",
        "row": 7,
        "agent": "1007",
        "gateway": "east",
        "arguments": "flag=1",
        "attempt": 3,
        "sent_at": "1970-01-01T00:00:00.001Z",
        "latency_ms": 2.0,
        "disposition": "busy",
        "reach": "answered",
        "http_status": None,
        "message": "half \\ud800 character\n",
        "decision": "again",
        "reason": "after 1.500 s",
    }
    assert (second["decision"], second["reason"]) == ("enough", "nothing left to do")
    assert third["exit_code"] == 0
    assert log.trouble == ""


def test_without_a_path_events_are_dropped() -> None:
    with EventLog(None, MovedClock()) as log:
        assert not log.wanted
        log.decided("run.finished")
    assert log.trouble == ""
