"""A refused command leaves no report of yesterday at its --report path: REFUSED, why and when.

And {date}, {job} and {run} in the path of a report.

Proves --report; guide "When a command is refused".
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

import bulkagent.cli as command_line
from bulkagent.cli.commands import refused_reports as refused
from bulkagent.cli.console import signals as status
from bulkagent.errors import SettingsRefused
from bulkagent.reports import FORMATS, is_report
from bulkagent.run import Request, Run
from bulkagent.run.outputs.report_paths import check_path, expanded, names_a_run
from bulkagent.settings import Settings
from tests.cli.command import SAMPLES, bulkagent, environment, inside

ROSTER = SAMPLES / "evening_shift.csv"
APPLY = ("apply", str(ROSTER), "--flag", "0", "--gateway", "emulated")
ALL = tuple(f"morning{suffix}" for suffix in FORMATS)
REPORTS = tuple(word for name in ALL for word in ("--report", name))

Main = Callable[..., tuple[int, str]]


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Main:
    """The command line in this process, for what sends nothing: exit code, stderr."""

    def run(*arguments: object, **surroundings: str) -> tuple[int, str]:
        for name in [name for name in os.environ if name.startswith("BULKAGENT_")]:
            monkeypatch.delenv(name)
        for name, value in environment(tmp_path, surroundings).items():
            monkeypatch.setenv(name, value)
        errors = io.StringIO()
        monkeypatch.setattr(refused, "_done", [])
        monkeypatch.setattr(refused, "_about", refused._about[-1:])
        monkeypatch.setattr(status, "listen", lambda: None)
        monkeypatch.setattr(sys, "argv", ["bulkagent", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setattr(sys, "stderr", errors)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as left:
            command_line.main()
        return int(left.value.code or 0), errors.getvalue()

    return run


@pytest.fixture
def yesterdays(tmp_path: Path) -> None:
    """Reports of a run in which everybody was set, in every format."""
    ended = bulkagent(tmp_path, *APPLY, *REPORTS)
    assert ended.code == 0, ended.err


def _texts(folder: Path) -> dict[str, str]:
    sheet = openpyxl.load_workbook(folder / "morning.xlsx").worksheets[0]
    texts = {"morning.xlsx": "\n".join(str(row[0]) for row in sheet.iter_rows(values_only=True))}
    return texts | {name: (folder / name).read_text() for name in ALL if not name.endswith(".xlsx")}


@pytest.mark.usefixtures("yesterdays")
def test_every_format_says_refused_why_and_when_and_has_no_row(tmp_path: Path, main: Main) -> None:
    before = dt.datetime.now(dt.UTC).isoformat()[:16]
    code, _ = main(*APPLY, *REPORTS, "--max-agents", "3")
    assert code == 6
    texts = _texts(tmp_path)
    for name, text in texts.items():
        assert "1001" not in text, name
        assert "refused" in text.lower()
        assert "--max-agents allows 3" in text
        assert before[:11] in text
        assert "bulkagent report RUN" in text, "how to have the earlier one again"
    for name in ("morning.csv", "morning.html", "morning.xlsx"):
        assert "REFUSED" in texts[name]
    assert list(csv.DictReader(io.StringIO(texts["morning.csv"]))) == []
    report = json.loads(texts["morning.json"])
    assert report["lines"] == []
    assert report["run"]["state"] == "refused"
    assert report["run"]["exit_code"] == 6
    assert report["run"]["run_id"] is None
    assert sum(report["run"]["totals"].values()) == 0
    line = json.loads(texts["morning.jsonl"])
    assert line["state"] == "refused"
    assert "row" not in line
    assert all(is_report(tmp_path / name) for name in ALL), "the next run may replace them"


YESTERDAY = b"row,agent_id,gateway,flag,status,cause,retcode,message,http_status,attempts,\n"
"""The beginning of a report, which is what it is known by."""


def _stale(folder: Path, name: str = "r.csv") -> Path:
    path = folder / name
    path.write_bytes(
        YESTERDAY.rstrip(b"\n") + b"latency_ms,first_sent_at,finished_at\n2,1001,east,0,applied\n"
    )
    return path


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--rate", "fast"), 2),
        (("--no-such-option",), 2),
        (("--flag", "7"), 2),
        (("--report", "nowhere/x.csv"), 2),
        (("--config", "nowhere.toml"), 2),
        (("--ledger", "/dev/null/x"), 2),
        (("--agent-column", "nobody"), 2),
        (("--report", "{day}.csv"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_however_early_it_is_refused(
    tmp_path: Path, main: Main, more: tuple[str, ...], code: int
) -> None:
    path = _stale(tmp_path)
    assert main(*APPLY, "--report=r.csv", *more)[0] == code
    assert path.read_text().startswith("REFUSED,20")
    assert f",exit {code}," in path.read_text()


def test_a_report_named_by_the_environment(tmp_path: Path, main: Main) -> None:
    path = _stale(tmp_path)
    assert main(*APPLY, "--rate", "x", BULKAGENT_REPORT="r.csv")[0] == 2
    assert path.read_text().startswith("REFUSED,")
    stays = _stale(tmp_path, "s.csv")
    assert main("resume", "last", "--rate", "x", BULKAGENT_REPORT="s.csv")[0] == 2
    assert stays.read_bytes().startswith(YESTERDAY[:20]), "which is for new runs alone"


def test_nobody_agreed_to_it_and_the_report_says_so(tmp_path: Path) -> None:
    path = _stale(tmp_path)
    roster = tmp_path / "with_guids.csv"
    roster.write_text("agent_id,guid\n1001,aaaa\n")
    ended = bulkagent(
        tmp_path,
        "apply",
        roster,
        "--flag",
        0,
        "--gateway",
        "https://localhost:1",
        "--report",
        "r.csv",
    )
    assert ended.code == 2
    assert "REFUSED," in path.read_text()
    assert "there is no terminal to ask at" in path.read_text()


def test_what_is_no_report_is_never_written_over(tmp_path: Path, main: Main) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_bytes(ROSTER.read_bytes())
    assert main("apply", roster, "--flag", "0", "--report", roster, "--rate", "x")[0] == 2
    assert roster.read_bytes() == ROSTER.read_bytes()
    # A report of earlier may be the roster of now.
    report = _stale(tmp_path)
    held = report.read_bytes()
    assert main("apply", "r.csv", "--flag", "0", "--report", "./r.csv", "--rate", "x")[0] == 2
    assert report.read_bytes() == held
    assert main("check", "x.csv", "--report", "r.csv")[0] == 2
    assert report.read_bytes() == held


@pytest.mark.usefixtures("yesterdays")
def test_a_refused_resume_keeps_the_report_of_its_run(tmp_path: Path, main: Main) -> None:
    own, other = tmp_path / "morning.csv", _stale(tmp_path)
    held = own.read_bytes()
    code, _ = main("resume", "last", "--report", own, "--report", other, "--rate", "x")
    assert code == 2
    assert own.read_bytes() == held, "the run did send, and its report is as true as before"
    assert other.read_text().startswith("REFUSED,")
    assert main("revert", "last", "--report", own, "--rate", "x")[0] == 2
    assert own.read_bytes() == held, "which a refused revert has changed nothing of"
    begins = _run_of(tmp_path)[:9]
    assert main("resume", begins, "--report", own, "--only", "nonsense")[0] == 2
    assert own.read_bytes() == held, "whatever part of its ID is typed"
    refused.goes_on_with(_run_of(tmp_path))
    assert main(*APPLY, "--or-resume", "--report", own, "--rate", "x")[0] == 2
    assert own.read_bytes() == held
    assert main("report", "no-such-run", "--to", own)[0] == 2
    assert own.read_bytes() == held


def _run_of(folder: Path) -> str:
    (run,) = inside(folder, "runs", "--json").json["runs"]
    return str(run["run_id"])


def test_the_report_of_a_run_that_is_at_work_is_not_replaced(tmp_path: Path, main: Main) -> None:
    """A second apply at the same --report while the first is in progress."""
    path = _stale(tmp_path)
    ledger = tmp_path / "ledger"
    held = path.read_bytes()
    request = Request(
        roster=str(ROSTER),
        gateway="emulated",
        flag=0,
        reports=(path,),
        settings=Settings(ledger=ledger),
    )
    with Run(request) as first:
        first.prepare()
        assert main(*APPLY, "--report", path, "--ledger", ledger, "--max-agents", "3")[0] == 6
        assert path.read_bytes() == held
    assert main(*APPLY, "--report", path, "--ledger", ledger, "--max-agents", "3")[0] == 6
    assert path.read_text().startswith("REFUSED,")


def test_in_progress_elsewhere_is_no_refusal_of_this_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _stale(tmp_path)
    held = path.read_bytes()
    monkeypatch.setattr(sys, "argv", ["bulkagent", *APPLY, "--report", str(path)])
    monkeypatch.setattr(refused, "_done", [])
    refused.replace_reports("in progress elsewhere", 5)
    assert path.read_bytes() == held
    refused.reported()
    refused.replace_reports("something after it has begun to send", 2)
    assert path.read_bytes() == held


RUN = "20261127T233000.123Z-0a1b"


def test_date_job_and_run_may_stand_in_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("/reports/{job}/{date}-{run}.csv")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert str(expanded(path, RUN, "night")) == f"/reports/night/2026-11-28-{RUN}.csv"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert expanded(Path("{job}.csv"), RUN, "../a/b") == Path("__a_b.csv")
    assert expanded(Path("a{b.csv"), RUN, "") == Path("a{b.csv")
    assert names_a_run(path)
    assert not names_a_run(Path("{date}.csv"))


@pytest.mark.parametrize("word", ["", "day", "Date", "run ", "\x1b"])
def test_an_unknown_word_is_refused_with_the_list(word: str) -> None:
    with pytest.raises(SettingsRefused, match=r"\{date\}.*local date.*\{job\}.*\{run\}") as told:
        check_path(Path(f"r-{{{word}}}.csv"), "job")
    assert str(told.value).isprintable()
    with pytest.raises(SettingsRefused, match="there is no --job"):
        check_path(Path("{job}.csv"), "")


def test_a_resume_and_a_report_find_the_same_path_again(tmp_path: Path) -> None:
    trouble = ("--scenario", SAMPLES / "scenarios/not_signed_in.toml")
    named = "{job}-{date}-{run}.csv"
    ended = bulkagent(tmp_path, *APPLY, *trouble, "--job", "night", "--report", named, "--json")
    assert ended.code == 3, ended.err
    (path,) = ended.json["reports"]
    assert re.fullmatch(rf"night-\d{{4}}-\d\d-\d\d-{ended.json['run_id']}\.csv", path)
    assert (tmp_path / path).is_file()
    resumed = bulkagent(tmp_path, "resume", "last", "--json")
    assert [Path(report).name for report in resumed.json["reports"]] == [path]
    again = inside(tmp_path, "report", "last", "--to", "{job}.json", "--json")
    assert again.json["reports"] == ["night.json"]
    assert inside(tmp_path, *APPLY, "--report", "{day}.csv").code == 2
