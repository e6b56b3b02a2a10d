"""What the tab key finds: runs, gateways, jobs, causes; and never a message or a file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, bulkagent, inside

CONFIG = '[gateways.east]\nurl = "https://agw-east.example:8043"\n[jobs.morning]\n[jobs.night]\n'


def completed(folder: Path, line: str) -> list[str]:
    """What bash would offer at the end of a line, by the protocol of its script."""
    words = line.split(" ")
    done = inside(
        folder,
        surroundings={
            "_BULKAGENT_COMPLETE": "complete_bash",
            "COMP_WORDS": "\n".join(words),
            "COMP_CWORD": str(len(words) - 1),
        },
    )
    assert done.err == ""
    return done.out.split()


def test_runs_gateways_jobs_and_causes_are_found(tmp_path: Path) -> None:
    (tmp_path / "bulkagent.toml").write_text(CONFIG)
    arguments = ["--flag", 0, "--gateway", "emulated"]
    assert bulkagent(tmp_path, "apply", SAMPLES / "evening_shift.csv", *arguments).code == 0
    (run,) = (run["run_id"] for run in inside(tmp_path, "runs", "--json").json["runs"])
    assert completed(tmp_path, "bulkagent show ") == ["last", run]
    assert completed(tmp_path, f"bulkagent resume {run[:4]}") == [run]
    assert completed(tmp_path, "bulkagent apply x.csv --gateway ") == ["emulated", "east"]
    assert completed(tmp_path, "bulkagent apply x.csv --job m") == ["morning"]
    assert completed(tmp_path, "bulkagent resume last --only timeout,not_s") == [
        "timeout,not_signed_in"
    ]
    assert "--concurrency" in completed(tmp_path, "bulkagent apply x.csv --conc")
    assert {"apply", "check"} <= set(completed(tmp_path, "bulkagent "))


def test_help_is_offered_the_commands(tmp_path: Path) -> None:
    assert {"apply", "session", "config"} <= set(completed(tmp_path, "bulkagent help "))
    assert completed(tmp_path, "bulkagent help re") == ["resume", "revert", "report"]
    assert completed(tmp_path, "bulkagent help session ") == ["hold"]
    assert completed(tmp_path, "bulkagent help apply ") == []


def test_it_makes_no_ledger_and_says_nothing_whatever_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bulkagent.toml").write_text("what = is this")
    assert completed(tmp_path, "bulkagent show ") == ["last"]
    assert completed(tmp_path, "bulkagent apply x.csv --gateway ") == ["emulated"]
    assert not (tmp_path / "state").exists()
    (tmp_path / "ledger").write_bytes(b"no ledger at all" * 100)
    assert completed(tmp_path, "bulkagent show --ledger ledger ") == ["last"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "pwsh"])
def test_every_shell_has_its_script(tmp_path: Path, shell: str) -> None:
    found = bulkagent(
        tmp_path,
        *("--show-completion", shell),
    )
    assert found.code == 0
    assert "_BULKAGENT_COMPLETE" in found.out
    if shell == "bash" and (bash := shutil.which("bash")):
        checked = subprocess.run([bash, "-n"], input=found.out, text=True, check=False)
        assert checked.returncode == 0
