"""Signals and the grace: whatever stops a run, its ledger and its report say what was done.

Proves --grace, --report; guide "Stop a run".
"""

from __future__ import annotations

import csv
import os
import shlex
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.command import Emulated, Ended, bulkagent, emulated, report_of, started
from tests.cli.sockets import mute, write_ca
from tests.waiting import HANG_S

CONCURRENCY = 16
NEVER = '[latency]\ndistribution = "fixed"\nmilliseconds = 60000\n'  # longer than any test waits
REPORTS = 4
INVALID_ROWS = 20_000


def arguments_for(gateway: Emulated, roster: Path, *more: object) -> list[object]:
    address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file]
    limits = ["--rate", "none", "--concurrency", CONCURRENCY]
    return ["apply", roster, "--flag", 0, *address, *limits, "--yes", "--json", *more]


def until_requests(
    gateway: Emulated, process: subprocess.Popen[str], enough: int, *, since: int = 0
) -> None:
    while gateway.judge("stats")["requests"] - since < enough:
        assert process.poll() is None


def until_said(process: subprocess.Popen[str], words: str) -> str:
    """What stderr says, up to and with the line that has these words."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def ended(process: subprocess.Popen[str], said: str = "") -> Ended:
    out, err = process.communicate(timeout=HANG_S)
    return Ended(process.returncode, out, said + err)


def ends(lines: list[dict[str, str]]) -> Counter[tuple[str, str]]:
    return Counter((line["status"], line["cause"]) for line in lines)


def test_the_end_of_the_grace_cuts_off_what_is_in_flight(tmp_path: Path) -> None:
    """One SIGTERM is enough, however long the gateway takes; what was sent is in doubt."""
    (tmp_path / "never.toml").write_text(NEVER)
    with emulated(tmp_path, "101-140", "--scenario", "never.toml") as gateway:
        patient = ["--grace", "300ms", "--timeout", "300s"]
        with started(tmp_path, *arguments_for(gateway, gateway.roster, *patient)) as process:
            until_requests(gateway, process, CONCURRENCY)
            process.send_signal(signal.SIGTERM)
            stopped = ended(process)
        touched = gateway.set_to(0)
    assert stopped.code == stopped.json["exit_code"] == 143, stopped.err
    assert stopped.json["state"] == "interrupted"
    assert "cut off" not in stopped.err, "nobody asked for it"
    assert f"stopping: waiting up to 0.3 s for {CONCURRENCY} requests; once more" in stopped.err
    lines = report_of(tmp_path, stopped.json)
    assert ends(lines) == {
        ("unknown", "interrupted"): CONCURRENCY,
        ("not_attempted", "interrupted"): 40 - CONCURRENCY,
    }
    assert touched == [line["agent_id"] for line in lines if line["status"] == "unknown"]
    assert stopped.json["next"] == f"bulkagent resume {stopped.json['run_id']}"


class Stopping:
    """A run whose requests hang and whose reports take long, stopped while it writes them."""

    def __init__(self, folder: Path, gateway: Emulated) -> None:
        self.folder = folder
        self.gateway = gateway
        self.roster = folder / "long.csv"
        self.paths = [folder / "reports" / f"{number}.csv" for number in range(REPORTS)]
        self.paths[0].parent.mkdir()
        rows = [*gateway.roster.read_text().splitlines(), *["nobody,x"] * INVALID_ROWS]
        self.roster.write_text("\n".join(rows))
        reports = [part for path in self.paths for part in ("--report", path)]
        hanging = ["--timeout", "300s", "--skip-invalid", INVALID_ROWS, *reports]
        self.process = started(folder, *arguments_for(gateway, self.roster, *hanging))
        self.said = ""

    def cut_off(self) -> None:
        """Signal twice, and freeze the process as it begins its first report."""
        until_requests(self.gateway, self.process, CONCURRENCY)
        for words in ("stopping", "cut off"):
            self.process.send_signal(signal.SIGINT)
            self.said += until_said(self.process, words)
        while not os.listdir(self.paths[0].parent):  # noqa: PTH208 - as fast as can be
            assert self.process.poll() is None
        self.process.send_signal(signal.SIGSTOP)
        while psutil.Process(self.process.pid).status() != psutil.STATUS_STOPPED:
            pass

    def thaw(self) -> Ended:
        self.process.send_signal(signal.SIGCONT)
        return ended(self.process, self.said)


@pytest.fixture
def stopping(tmp_path: Path) -> Iterator[Stopping]:
    (tmp_path / "never.toml").write_text(NEVER)
    with emulated(tmp_path, "101-140", "--scenario", "never.toml") as gateway:
        run = Stopping(tmp_path, gateway)
        with run.process:
            try:
                yield run
            finally:
                if run.process.poll() is None:
                    run.process.kill()


TOTALS = {"unknown": CONCURRENCY, "not_attempted": 40 - CONCURRENCY, "invalid": INVALID_ROWS}


def test_the_ledger_is_final_before_the_first_report_is_written(stopping: Stopping) -> None:
    """A run that is killed while it writes its reports loses nothing but these."""
    stopping.cut_off()
    shown = bulkagent(stopping.folder, "show", "last", "--json").json
    whole = [path for path in stopping.paths if path.exists()]
    stopped = stopping.thaw()
    assert len(whole) < REPORTS, "frozen in good time"
    assert (shown["run"]["state"], shown["run"]["exit_code"]) == ("interrupted", 130)
    assert {k: v for k, v in shown["run"]["totals"].items() if v} == TOTALS
    assert stopped.code == stopped.json["exit_code"] == 130, stopped.err
    assert stopped.json["totals"] == shown["run"]["totals"]
    assert stopped.json["reports"] == [str(path) for path in stopping.paths]
    texts = {path.read_bytes() for path in stopping.paths}
    assert len(texts) == 1
    with stopping.paths[0].open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert Counter(line["status"] for line in lines) == TOTALS
    in_doubt = [line["agent_id"] for line in lines if line["status"] == "unknown"]
    assert in_doubt == stopping.gateway.set_to(0)


def test_a_third_signal_skips_the_reports_and_names_the_command_that_writes_them(
    stopping: Stopping,
) -> None:
    """Also the one that is being written: nothing of it is left, and the ledger has it all."""
    stopping.cut_off()
    stopping.process.send_signal(signal.SIGINT)
    stopped = stopping.thaw()
    assert stopped.code == stopped.json["exit_code"] == 130, stopped.err
    unwritten = [path for path in stopping.paths if not path.exists()]
    assert stopped.json["reports"] == [str(p) for p in stopping.paths if p not in unwritten]
    assert unwritten, "skipped in good time"
    assert set(stopping.paths[0].parent.iterdir()) == set(stopping.paths) - set(unwritten)
    assert {k: v for k, v in stopped.json["totals"].items() if v} == TOTALS
    run_id = stopped.json["run_id"]
    for path in unwritten:
        assert shlex.join(["bulkagent", "report", run_id, "--to", str(path)]) in stopped.err
    assert stopped.json["next"] == f"bulkagent resume {run_id}"
    again = bulkagent(stopping.folder, "report", run_id, "--to", unwritten[-1])
    assert again.code == 0, again.err
    with unwritten[-1].open(newline="", encoding="utf-8") as file:
        assert Counter(line["status"] for line in csv.DictReader(file)) == TOTALS


def test_a_signal_before_the_first_request_leaves_at_once(tmp_path: Path) -> None:
    """While the gateway's handshake is waited for, which might take two hours."""
    ca_file = write_ca(tmp_path)
    (tmp_path / "r.csv").write_text("agent_id,guid\n101,a\n102,b\n")
    with mute() as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        patient = ["--connect-timeout", "2h", "--timeout", "3h"]
        arguments = ["--gateway", url, "--ca-file", ca_file, *patient, "--yes", "--json"]
        with started(tmp_path, "apply", "r.csv", "--flag", 0, *arguments) as process:
            listener.settimeout(HANG_S)
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(HANG_S)
                assert connection.recv(1) == b"\x16", "the handshake has begun"
                process.send_signal(signal.SIGINT)
                left = ended(process)
    assert left.code == left.json["exit_code"] == 130, left.err
    assert "nothing was sent" in left.err
    assert left.json["state"] == "refused"
    assert left.json["reports"] == []
    assert left.json["next"] is None
    assert not list(tmp_path.glob("*.report.csv"))
    report = bulkagent(tmp_path, "report", "last", "--to", "x.csv")
    assert report.code == 2
    assert "no run" in report.err
    assert left.json["totals"]["not_attempted"] == left.json["rows"] == 2


@pytest.mark.matrix
def test_an_interrupted_report_has_applied_whom_the_gateway_has_set(tmp_path: Path) -> None:
    """At three moments of a run, and once more when it is resumed: nobody more, nobody less."""
    (tmp_path / "slow.toml").write_text(
        '[latency]\ndistribution = "uniform"\nlow_milliseconds = 20\nhigh_milliseconds = 80\n'
    )
    with emulated(tmp_path, "101-300", "--scenario", "slow.toml") as gateway:
        command = arguments_for(gateway, gateway.roster, "--concurrency", 4)
        before: set[str] = set()
        for enough in (1, 10, 25):
            since = gateway.judge("stats")["requests"]
            with started(tmp_path, *command) as process:
                until_requests(gateway, process, enough, since=since)
                process.send_signal(signal.SIGINT)
                stopped = ended(process)
            assert stopped.code == 130, stopped.err
            lines = report_of(tmp_path, stopped.json)
            assert set(ends(lines)) == {("applied", ""), ("not_attempted", "interrupted")}
            applied = {line["agent_id"] for line in lines if line["status"] == "applied"}
            changes = [x for x in gateway.judge("history") if x["event"] == "talk_right"]
            assert Counter(applied) == Counter(x["agent_id"] for x in changes)
            assert before < applied
            before = applied
            command = ["resume", "last", "--yes", "--json"]
        finished = bulkagent(tmp_path, *command, "--concurrency", 64)
        assert finished.code == 0, finished.err
        assert len(gateway.set_to(0)) == 200 == gateway.judge("stats")["requests"]
