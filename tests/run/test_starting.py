"""Runs that wait for their start, over real HTTPS and with a clock on which waiting is quick.

Proves --start-at, --finish-by; guide "What happens before the start",
"While it waits".
"""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from bulkagent.errors import Interrupted, ResumeRefused, SettingsRefused
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.sessions_file import SavedSession, write_sessions
from bulkagent.instants import Instant
from bulkagent.run import Consent, Plan, PreparedRun, Request, Resume, Run, RunResult, run_list
from bulkagent.run.schedule.forecast import Bottleneck, Feasibility
from bulkagent.settings import GuidService, SessionsFile
from tests.cli.sockets import nobody_at
from tests.cli.test_guid_sources import guid_service
from tests.run.again import AGENTS, MovedClock, Shift, shift

HOUR_MS = 3_600_000


class QuickClock(MovedClock):
    """On which a wait for a start is over at once, and tells what time of day it is."""

    def __init__(self, meanwhile: Callable[[int], None] = lambda _now_ms: None) -> None:
        super().__init__()
        self._meanwhile = meanwhile
        self.until_ms = 0

    async def sleep(self, seconds: float) -> None:
        if self.wall_ms() >= self.until_ms:
            await super().sleep(seconds)
            return
        self.ahead_ms += round(seconds * 1000)
        self._meanwhile(self.wall_ms())
        await asyncio.sleep(0)


def _in(ms: int) -> Instant:
    return Instant(MovedClock().wall_ms() + ms, "UTC")


class Waited:
    """A run that waits: what it said, and its plan."""

    def __init__(self, clock: MovedClock | None = None) -> None:
        self.clock = clock or QuickClock()
        self.said: list[str] = []
        self.plan: Plan | None = None
        self.run: PreparedRun | None = None

    async def carried_out(self, asked: Request | Resume) -> RunResult:
        if isinstance(self.clock, QuickClock) and asked.start_at is not None:
            self.clock.until_ms = asked.start_at.at_ms
        with Run(asked, clock=self.clock) as run:
            run.warn = self.said.append
            self.run = run.prepare()
            self.plan = self.run.plan
            return (await self.run.execute(Consent.PROGRAM)).result_or_defect()


def _nothing_came_of_it(made: Shift) -> None:
    assert made.requests == 0
    assert run_list(made.ledger, 10) == []


async def test_nothing_is_sent_before_the_start(tmp_path: Path) -> None:
    start = _in(9 * HOUR_MS)
    async with shift(tmp_path) as made:
        before: list[int] = []

        def meanwhile(now_ms: int) -> None:
            if now_ms < start.at_ms:
                before.append(made.requests)

        waited = Waited(QuickClock(meanwhile))
        result = await waited.carried_out(made.request(start_at=start, deadline_s=60.0))
        assert set(before) == {0}
        # The deadline is that of the sending.
        assert (result.exit_code, made.requests) == (0, len(AGENTS))
        sent = [line.first_sent_at or 0 for line in made.lines()]
        assert start.at_ms <= min(sent) <= max(sent) < start.at_ms + 60_000
    assert waited.said == ["looked at what the start needs: nothing is wrong"] * 2


async def test_a_certificate_that_will_have_ended_is_refused_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_at = trustme.CA.issue_cert
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(hours=8)
    monkeypatch.setattr(
        trustme.CA, "issue_cert", lambda ca, *names, **_: made_at(ca, *names, not_after=ends)
    )
    async with shift(tmp_path) as made:
        asked = made.request(start_at=_in(9 * HOUR_MS))
        with pytest.raises(SettingsRefused, match=r"certificate of localhost:\d+ ends at") as told:
            await Waited().carried_out(asked)
        assert told.value.totals is not None
        _nothing_came_of_it(made)
        result = await Waited().carried_out(made.request(start_at=_in(HOUR_MS)))
        assert result.exit_code == 0


async def test_a_gateway_that_is_away_in_the_evening_is_waited_for(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        waited = Waited()
        with nobody_at() as port:
            gateway = f"https://127.0.0.1:{port}"
            asked = made.request(gateway=gateway, start_at=_in(HOUR_MS), give_up_after_s=0.001)
            await waited.carried_out(asked)
    assert [text.partition(";")[0] for text in waited.said] == [
        f"WARNING 127.0.0.1:{port} does not take connections now: connection refused"
    ] * 3
    assert waited.said[-1].endswith("left to the retries")


@pytest.mark.parametrize("back", [True, False])
async def test_a_sessions_file_that_vanishes_overnight(tmp_path: Path, *, back: bool) -> None:
    async with shift(tmp_path) as made:
        live, start = tmp_path / "live.jsonl", _in(HOUR_MS)
        guids = [(str(agent), made.gateway.sign_in(str(agent)) or "") for agent in AGENTS]
        sessions = [SavedSession("", agent, Credential(guid)) for agent, guid in guids]
        write_sessions(live, sessions)

        def meanwhile(now_ms: int) -> None:
            if now_ms > start.at_ms - HOUR_MS // 2:
                live.unlink(missing_ok=True)
            if back and now_ms > start.at_ms - 60_000:
                write_sessions(live, sessions)

        waited = Waited(QuickClock(meanwhile))
        asked = made.request(guids=SessionsFile(live), start_at=start)
        if back:
            assert (await waited.carried_out(asked)).exit_code == 0
        else:
            with pytest.raises(SettingsRefused, match="No such file"):
                await waited.carried_out(asked)
            _nothing_came_of_it(made)
    assert [text.startswith("WARNING") for text in waited.said] == [False, True]
    assert "live.jsonl: No such file" in waited.said[1]


async def test_a_guid_service_is_asked_for_one_agent(tmp_path: Path) -> None:
    """Where it answers, also that there is no session yet, it is as it should be."""
    async with shift(tmp_path) as made:
        with guid_service(lambda _agent: (404, "")) as (url, questions):
            waited = Waited()
            asked = made.request(guids=GuidService(url), start_at=_in(60_000))
            result = await waited.carried_out(asked)
            assert (result.exit_code, result.causes) == (3, {"no_guid": len(AGENTS)})
        assert waited.said == ["looked at what the start needs: nothing is wrong"]
        paths = [path for path, _ in questions]
        assert paths == ["/guids/101", *(f"/guids/{agent}" for agent in AGENTS)]
        asked = made.request(guids=GuidService(url), start_at=_in(60_000))
        with pytest.raises(SettingsRefused, match=r"GUID service: .*agent 101; check --guid-url"):
            await Waited().carried_out(asked)


async def test_a_stop_during_the_wait_ends_it_at_once(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        start = _in(HOUR_MS)
        waited = Waited()

        def meanwhile(_now_ms: int) -> None:
            assert waited.run is not None
            assert waited.run.waiting_for == start
            waited.run.stop(signal.SIGTERM)

        waited.clock = QuickClock(meanwhile)
        with pytest.raises(Interrupted, match="nothing was sent") as told:
            await waited.carried_out(made.request(start_at=start))
        assert told.value.exit_code == 143
        _nothing_came_of_it(made)


async def test_a_run_that_will_be_too_old_is_refused_now(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=3)
        sent = made.requests
        asked = Resume(run="last", choices=made.choices({}), start_at=_in(3 * HOUR_MS))
        with pytest.raises(ResumeRefused, match=r"at the start, .* was last at work 3\.0 h ago"):
            await Waited(made.clock).carried_out(asked)
        assert made.requests == sent
        asked = Resume(run="last", choices=made.choices({}), start_at=_in(HOUR_MS))
        assert (await Waited().carried_out(asked)).exit_code == 0


async def test_nobody_waits_where_nothing_is_left_to_send(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply()
        asked = Resume(run="last", choices=made.choices({}), start_at=_in(HOUR_MS))
        waited = Waited()
        assert (await waited.carried_out(asked)).exit_code == 0
        assert waited.said == []
        assert waited.clock.ahead_ms < HOUR_MS // 2


async def test_it_cannot_end_before_it_starts(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        start = _in(HOUR_MS)
        asked = made.request(start_at=start, finish_by=start)
        with pytest.raises(SettingsRefused, match="is not after the start"):
            await Waited().carried_out(asked)
        _nothing_came_of_it(made)


async def test_the_forecast_goes_by_the_last_run_at_the_same_gateway(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        finish = _in(HOUR_MS)
        first = Waited()
        await first.carried_out(made.request(finish_by=finish))
        assert first.run is not None
        forecast = first.run.timetable.forecast
        assert forecast is not None
        assert (forecast.feasibility, forecast.unknown) == (
            Feasibility.UNKNOWN,
            (made.gateway_name,),
        )
        second = Waited()
        start = _in(600_000)
        await second.carried_out(made.request(finish_by=finish, start_at=start))
        assert second.run is not None
        table = second.run.timetable
        assert table.forecast is not None
        assert (table.forecast.feasibility, table.forecast.unknown) == (Feasibility.FITS, ())
        assert table.forecast.begins_ms == start.at_ms
        need = table.forecast.slowest
        assert need is not None
        assert need.load.pace is not None
        assert need.bound is Bottleneck.IN_FLIGHT
        assert need.most_s == pytest.approx(11 * need.load.pace.latency_s)
        assert table.guids_wait, "from the column, and the wait is longer than two minutes"
        assert second.run.progress().finish_by == finish
