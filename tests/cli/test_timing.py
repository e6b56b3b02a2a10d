"""What people read of a run's times, and when.

Proves --start-at, --finish-by, --time-zone; guide "See how a run stands now".
"""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bulkagent.cli.progress.countdown import count_down, mark_of
from bulkagent.cli.progress.display import plain_line
from bulkagent.cli.render.schedule import (
    closing,
    local_time,
    margin,
    opening,
    times_from,
    waiting_line,
)
from bulkagent.errors import SettingsRefused
from bulkagent.instants import Instant
from bulkagent.ledger import GatewayLatency
from bulkagent.run import Progress, RunResult
from bulkagent.run.schedule.forecast import GatewayLoad, forecast_of, help_for
from bulkagent.run.schedule.timetable import Timetable
from bulkagent.settings import load_config
from tests.cli.command import bulkagent

BERLIN = "Europe/Berlin"


def at(utc: str, zone: str = BERLIN) -> Instant:
    return Instant(round(dt.datetime.fromisoformat(f"{utc}+00:00").timestamp() * 1000), zone)


EIGHT = at("2026-11-24T07:00:00")
LOAD = GatewayLoad(
    gateway="east",
    agents=14_000,
    per_second=100,
    in_flight=(16, 16),
    pace=GatewayLatency(5_000, 0.05),
)


def said(load: GatewayLoad, available_s: float, start_at: Instant | None = None) -> list[str]:
    begins_ms = EIGHT.at_ms - round(available_s * 1000)
    forecast = forecast_of([load], finish_by=EIGHT, begins_ms=begins_ms)
    now_ms = begins_ms - 3_600_000 if start_at else begins_ms
    advice = help_for(forecast, start_at=start_at, now_ms=now_ms)
    return opening(Timetable(forecast=forecast, advice=advice))


def test_it_is_said_beforehand_whether_it_can_be_done() -> None:
    assert said(LOAD, 860) == [
        (
            "finish  08:00:00 CET: needs about 2 min 20 s (14,000 agents on east at 100/s),"
            " 12 min to spare"
        )
    ]
    again = GatewayLatency(5_000, 0.05, retry_share=0.1)
    assert said(replace(LOAD, pace=again), 860) == [
        (
            "finish  08:00:00 CET: needs about 2 min 34 s (14,000 agents on east at 100/s,"
            " 10% retries as last time), 11 min 46 s to spare"
        )
    ]
    assert said(replace(LOAD, pace=None), 860) == [
        (
            "finish  08:00:00 CET: needs at least 2 min 20 s (14,000 agents on east at 100/s),"
            " 12 min to spare"
        ),
        "        how fast east answers is not known yet",
    ]
    assert said(replace(LOAD, pace=None, per_second=None), 860) == [
        (
            "finish  08:00:00 CET: nobody can say whether that is met; east had no run in this"
            " ledger, and there is no rate to go by"
        )
    ]


def test_an_end_on_another_day_has_its_date() -> None:
    few = replace(LOAD, agents=10)
    (line,) = said(few, 86_400)
    assert line.startswith("finish  2026-11-24 08:00:00 CET (Europe/Berlin): needs about 1 s (10")


def test_what_cannot_be_done_is_a_warning_with_what_would_help() -> None:
    assert said(LOAD, 110, start_at=at("2026-11-24T06:58:10")) == [
        (
            "WARNING finish 08:00:00 CET CANNOT be met: needs about 2 min 20 s (14,000 agents"
            " on east at 100/s), 30 s too long"
        ),
        "        would do: --rate 141/s, or --start-at 2026-11-24T07:57",
    ]
    slow = replace(LOAD, pace=GatewayLatency(5_000, 0.4), in_flight=(16, 160))
    assert said(slow, 220.4) == [
        (
            "WARNING finish 08:00:00 CET is met only if the limit of requests in flight grows:"
            " needs 2 min 20 s to 5 min 50 s (14,000 agents on east, 16 in flight, 400 ms each);"
            " there are 3 min 40 s"
        ),
        "        would do: --concurrency 28",
    ]


def test_a_start_is_shown_with_date_and_zone_before_anybody_agrees() -> None:
    start = at("2026-11-24T06:45:00")
    text = opening(Timetable(start_at=start, wait_s=49_500, guids_wait=True))
    assert text[0] == "start   2026-11-24 07:45:00 CET (Europe/Berlin), in 13 h 45 min"
    assert text[1].startswith("note    the roster's GUIDs are read now")
    assert opening(Timetable()) == []


def test_a_time_to_finish_by_is_of_the_day_of_the_start() -> None:
    now_ms = at("2026-11-23T17:00:00").at_ms
    start = "tomorrow 07:45"
    for finish in ("08:00", "tomorrow 08:00"):
        times = times_from(start, finish, zone=BERLIN, now_ms=now_ms)
        assert times == {"start_at": at("2026-11-24T06:45:00"), "finish_by": EIGHT}
    assert times_from(None, "19:00", zone=BERLIN, now_ms=now_ms) == {
        "finish_by": at("2026-11-23T18:00:00")
    }
    with pytest.raises(SettingsRefused, match=r"^--finish-by: '17:00' is past: .*; nothing was"):
        times_from(None, "17:00", zone=BERLIN, now_ms=now_ms)


@pytest.mark.parametrize(
    ("left_s", "mark"),
    [
        *((0, 10), (10, 10), (11, 30), (31, 60), (60, 60), (61, 600), (600, 600)),
        *((601, 1200), (36_000, 36_000), (-5, 10)),
    ],
)
def test_a_line_is_due_each_ten_minutes_and_in_the_last_one(left_s: float, mark: int) -> None:
    assert mark_of(left_s) == mark


def test_the_countdown() -> None:
    start = at("2026-11-24T06:45:00")
    assert waiting_line(start, start.at_ms - 140_000) == (
        "waiting  starts at 2026-11-24 07:45:00 CET (Europe/Berlin), in 2 min 20 s"
    )


class Waiting:
    """A run that waits until its third look, or until nobody looks any more."""

    def __init__(self, start: Instant) -> None:
        self.waiting_for: Instant | None = start
        self.looks = 0

    def pause(self, _seconds: float) -> bool:
        self.looks += 1
        if self.looks == 3:
            self.waiting_for = None
        return self.looks < 5


class Drawn:
    """A region that remembers what was drawn."""

    def __init__(self) -> None:
        self.views: list[str] = []

    def draw(self, view: object) -> None:
        self.views.append(str(view))

    def clear(self) -> None:
        self.views.append("")


@pytest.mark.parametrize("terminal", [True, False])
def test_the_countdown_gives_way_to_the_progress(
    capsys: pytest.CaptureFixture[str], *, terminal: bool
) -> None:
    """Off a terminal its line is said once in ten minutes, however often it looks."""
    run: Any = Waiting(at("2096-11-24T06:45:00"))
    drawn = Drawn()
    region: Any = drawn if terminal else None
    assert count_down(run, run.pause, region)
    assert run.looks == 3
    said = capsys.readouterr().err
    line = "waiting  starts at 2096-11-24 07:45:00 CET"
    assert said.count(line) == (not terminal)
    assert [view.startswith(line) for view in drawn.views] == [True, True, True, False] * terminal
    assert count_down(run, run.pause, region), "and none where nothing is waited for"
    assert run.looks == 3
    ended: Any = Waiting(at("2096-11-24T06:45:00"))
    ended.looks = 4
    assert not count_down(ended, ended.pause, region)


def test_the_margin_is_that_of_the_present_pace() -> None:
    now = EIGHT.local - dt.timedelta(minutes=5)
    assert margin(EIGHT, now, 140.0) == ", 2 min 40 s to spare until 08:00:00 CET"
    assert margin(EIGHT, now, 345.0) == ", 45 s TOO LATE for 08:00:00 CET"
    assert margin(EIGHT, now, None) == margin(None, now, 140.0) == ""


def test_a_plain_line_has_the_margin() -> None:
    progress = Progress(
        agents=14_000,
        finished=1_000,
        by_status={"applied": 1_000},
        requests=1_000,
        retries=0,
        waiting=0,
        elapsed_s=10.0,
        finish_by=EIGHT,
    )
    now = EIGHT.local - dt.timedelta(minutes=3)
    assert plain_line(progress, now, per_second=100.0, left_s=130.0) == (
        "2026-11-24T07:57:00+01:00 1,000 of 14,000 (7.1%), 100/s, 2 min 10 s left,"
        " 50 s to spare until 08:00:00 CET, 1,000 applied"
    )


def test_the_summary_says_whether_it_was_met() -> None:
    result = RunResult(
        run_id="r", state="completed", exit_code=0, rows=1, totals={"applied": 1}, causes={}
    )
    assert closing(EIGHT, result, EIGHT.at_ms - 110_000) == [
        "finish  met: ended 07:58:10 CET, 1 min 50 s before 08:00:00 CET"
    ]
    assert closing(EIGHT, result, EIGHT.at_ms + 4_000) == [
        "finish  MISSED: ended 08:00:04 CET, 4 s after 08:00:00 CET"
    ]
    unreported = replace(result, exit_code=1)
    assert closing(EIGHT, unreported, EIGHT.at_ms)[0].startswith("finish  met")
    some = replace(result, exit_code=3, totals={"applied": 1, "failed": 1})
    assert closing(EIGHT, some, EIGHT.at_ms - 4_000) == [
        "finish  ended 07:59:56 CET, 4 s before 08:00:00 CET, with not everybody set"
    ]
    assert closing(None, result, 0) == []


def test_a_past_time_is_refused_with_the_zone_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("agent\n101\n")
    (tmp_path / "bulkagent.toml").write_text('time_zone = "Asia/Tokyo"\n')
    apply = ("apply", "roster.csv", "--flag", 0, "--gateway", "emulated", "--start-at", "00:00")
    refused = bulkagent(tmp_path, *apply, "--json")
    assert (refused.code, refused.json["state"]) == (2, "refused")
    assert "00:00:00 JST (Asia/Tokyo)" in refused.err
    assert "for the next day write 'tomorrow 00:00'; nothing was sent" in refused.err


def test_a_zone_that_nobody_knows_is_found_when_the_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bulkagent.toml"
    path.write_text('time_zone = "Mars/Olympus"\n')
    with pytest.raises(
        SettingsRefused, match=r"bulkagent\.toml, line 1, time_zone: 'Mars/Olympus' is no time zone"
    ):
        load_config(path)


def test_people_read_local_time_with_its_name_and_data_have_utc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One time zone on a screen: the machine's own."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert local_time("2026-11-27T05:00:00.250Z") == "2026-11-27 06:00:00 CET"
        assert local_time("2026-07-27T05:00:00.250Z", milliseconds=True) == (
            "2026-07-27 07:00:00.250 CEST"
        )
    finally:
        monkeypatch.undo()
        time.tzset()
