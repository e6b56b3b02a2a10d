"""Waiting for a start, as people and batch jobs meet it.

Proves --start-at, --finish-by, --time-zone; guide "What happens before the start", "While
it waits", "Whether it will be done in time".
"""

from __future__ import annotations

import datetime as dt
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Emulated, Ended, bulkagent, emulated, report_of, started
from tests.cli.test_stopping import ended, until_said


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    with emulated(tmp_path_factory.mktemp("starting"), "101-110") as made:
        yield made


def _apply(gateway: Emulated, *more: object) -> tuple[object, ...]:
    address = ("--gateway", gateway.url, "--ca-file", gateway.ca_file)
    return ("apply", gateway.roster, "--flag", 0, *address, "--yes", "--json", *more)


def _started_at(start: dt.datetime, gateway: Emulated, folder: Path) -> Ended:
    finish = start + dt.timedelta(minutes=10)
    times = ("--start-at", start.isoformat(), "--finish-by", finish.isoformat())
    return bulkagent(folder, *_apply(gateway, *times, "--time-zone", "UTC"))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def test_a_run_starts_at_its_time(gateway: Emulated, tmp_path: Path) -> None:
    start = _now() + dt.timedelta(seconds=3)
    done = _started_at(start, gateway, tmp_path)
    if done.code == 2:  # a machine may be too busy to begin within three seconds
        start = _now() + dt.timedelta(seconds=60)
        done = _started_at(start, gateway, tmp_path)
    finish = start + dt.timedelta(minutes=10)
    assert (done.code, done.json["totals"]["applied"]) == (0, 10), done.err
    said = f"\n{done.err}"
    assert f"\nstart   {start:%Y-%m-%d %H:%M:%S} UTC (UTC), in " in said
    # Just before midnight it is on another day than the start, and is said in full.
    by = "%H:%M:%S UTC" if finish.date() == start.date() else "%Y-%m-%d %H:%M:%S UTC (UTC)"
    assert f"\nfinish  {finish:{by}}: needs at least " in said
    assert "waiting  starts at" in done.err
    assert "looked at what the start needs: nothing is wrong" in done.err
    assert "finish  met: ended" in done.err
    sent = [line["first_sent_at"] for line in report_of(tmp_path, done.json)]
    assert min(map(dt.datetime.fromisoformat, sent)) >= start


def test_a_termination_during_the_wait_leaves_nothing(gateway: Emulated, tmp_path: Path) -> None:
    sent = gateway.judge("stats")["requests"]
    with started(
        tmp_path, *_apply(gateway, "--start-at", "tomorrow 12:00", "--time-zone", "UTC")
    ) as process:
        said = until_said(process, "nothing is wrong")
        process.send_signal(signal.SIGTERM)
        stopped = ended(process, said)
    assert stopped.code == stopped.json["exit_code"] == 143, stopped.err
    assert stopped.json["state"] == "refused"
    assert "nothing was sent" in stopped.err
    assert "Traceback" not in stopped.err
    assert gateway.judge("stats")["requests"] == sent
    assert bulkagent(tmp_path, "runs", "--json").json == {"runs": []}
    assert not list(tmp_path.glob("*.report.csv"))
