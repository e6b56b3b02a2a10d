"""What leaves a run beside its reports: outcomes as they happen, and metrics for a monitor.

Proves --events, --metrics-file; guide "What a job prints", "Metrics and alerts".
"""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bulkagent.model import Status
from tests.cli.command import COMMAND, SAMPLES, bulkagent, environment, inside, starting
from tests.waiting import HANG_S

ROSTER = SAMPLES / "evening_shift.csv"
APPLY = ("apply", ROSTER, "--flag", 0, "--gateway", "emulated")
TROUBLE = ("--scenario", SAMPLES / "scenarios/not_signed_in.toml")


def _metrics(path: Path) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(value for label, value in sorted(sample.labels.items()) if label != "job")):
            sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }  # fmt: skip


def test_events_are_the_lines_of_the_report_as_they_happen(tmp_path: Path) -> None:
    ended = bulkagent(
        tmp_path, *APPLY, *TROUBLE, "--events", "e.jsonl", "--report", "r.jsonl", "--json"
    )
    assert ended.code == 3
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    report = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert {event.pop("run_id") for event in events} == {ended.json["run_id"]}
    own = ("name", "team", "skill", "first_sent_at")
    wanted = [{name: line[name] for name in line if name not in own} for line in report]
    assert sorted(events, key=lambda event: event["row"]) == wanted
    again = bulkagent(tmp_path, "resume", "last", "--events", "e.jsonl")
    assert again.code == 3
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 40 + 3, "appended to"


def test_events_can_be_piped_on_and_a_reader_that_leaves_ends_nothing(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, *APPLY, "--events", "-")
    assert ended.code == 0
    assert {json.loads(line)["status"] for line in ended.out.splitlines()} == {"applied"}
    process = starting()(
        [COMMAND, *map(str, APPLY), "--events", "-"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(HANG_S) == 0
    assert "WARNING the events on standard output is not complete: Broken pipe" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--events", "-", "--json"), "both write to stdout"),
        (("--events", ROSTER), "in use; give another path with --events"),
        (("--metrics-file", ROSTER), "in use; give another path with --metrics-file"),
        (("--metrics-file", "x", "--log-file", "x"), "in use"),
        (("--metrics-file", "none/x.prom"), "there is no folder 'none'"),
        (("--events", "none/x"), "give another path with --events"),
    ],
)
def test_an_outlet_that_cannot_be_is_refused_before_anything_is_sent(
    tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    before = ROSTER.read_bytes()
    ended = inside(tmp_path, *APPLY, *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ROSTER.read_bytes() == before
    assert inside(tmp_path, "runs").err.endswith(" has no run yet\n")


@pytest.mark.parametrize("option", ["--metrics-file", "--log-file", "--events"])
@pytest.mark.parametrize("config", [("--config", "mine.toml"), ()], ids=["named", "found"])
def test_the_configuration_is_written_over_by_nothing(
    tmp_path: Path, option: str, config: tuple[str, ...]
) -> None:
    name = config[-1] if config else "bulkagent.toml"
    (tmp_path / name).write_text("max_agents = 90\n")
    ended = inside(tmp_path, *APPLY, *config, option, name)
    assert (ended.code, "is a file that is in use" in ended.err) == (2, True)
    assert (tmp_path / name).read_text() == "max_agents = 90\n"


def test_dev_null_takes_several_outlets(tmp_path: Path) -> None:
    """--events, --log-file and --metrics-file on /dev/null, which stays what it is."""
    before = Path("/dev/null").stat()
    outlets = ("--events", "/dev/null", "--log-file", "/dev/null", "--metrics-file", "/dev/null")
    ended = bulkagent(tmp_path, *APPLY, *outlets)
    assert (ended.code, "WARNING" in ended.err) == (0, False), ended.err
    after = Path("/dev/null").stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_metrics_say_how_a_run_came_out(tmp_path: Path) -> None:
    path = tmp_path / "morning.prom"
    arguments = ("--metrics-file", path, "--job", 'mor"ning', "--json")
    ended = bulkagent(tmp_path, *APPLY, *TROUBLE, *arguments)
    assert ended.code == 3
    assert 'job="mor\\"ning"' in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444, "the node exporter reads it"
    found = _metrics(path)
    for status in Status:
        assert found["bulkagent_agents", status.value] == ended.json["totals"][status]
    assert found["bulkagent_agents_not_applied", "not_signed_in"] == 3
    assert found["bulkagent_run_exit_code",] == 3
    assert found["bulkagent_run_in_progress",] == 0
    assert found["bulkagent_run_requests",] == ended.json["requests"]
    assert found["bulkagent_run_not_sent",] == 0
    assert found["bulkagent_run_info", "apply", ended.json["run_id"], "0.1.0"] == 1
    began = found["bulkagent_run_started_timestamp_seconds",]
    assert began <= found["bulkagent_run_finished_timestamp_seconds",]
    resumed = bulkagent(tmp_path, "resume", "last", *arguments[:2], "--json")
    assert resumed.json["requests"] == _metrics(path)["bulkagent_run_requests",] == 43
    assert list(tmp_path.glob(".bulkagent-*")) == []


def test_a_run_that_was_killed_is_seen_to_be_in_progress_for_ever(tmp_path: Path) -> None:
    """What a monitor finds of a killed run is what was written when it began."""
    path = tmp_path / "morning.prom"
    process = starting()(
        [COMMAND, *map(str, APPLY), "--metrics-file", path, "--rate", "1/s", "--events", "-"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.kill()
    process.wait(HANG_S)
    process.stdout.close()
    found = _metrics(path)
    assert found["bulkagent_run_in_progress",] == 1
    assert ("bulkagent_run_exit_code",) not in found
    assert found["bulkagent_agents", "not_attempted"] == 40
