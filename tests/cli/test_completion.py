"""What the tab key finds: runs, gateways, jobs, causes; and never a message or a file.

Proves guide "Help at the terminal".
"""

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


@pytest.mark.parametrize(
    ("shell", "script", "settings"),
    [
        ("bash", ".bash_completions/bulkagent.sh", ".bashrc"),
        ("zsh", ".zfunc/_bulkagent", ".zshrc"),
        ("fish", ".config/fish/completions/bulkagent.fish", ""),
    ],
)
def test_a_shell_is_taught_once(tmp_path: Path, shell: str, script: str, settings: str) -> None:
    """`--install-completion`: twice is as good as once, and what was there stays."""
    if settings:
        (tmp_path / settings).write_text("alias b=bulkagent\n")
    found = []
    for _ in range(2):
        done = inside(tmp_path, "--install-completion", shell, surroundings={"HOME": str(tmp_path)})
        assert done.code == 0
        assert script in done.out
        found.append((tmp_path / settings).read_text() if settings else "alias b=bulkagent\n")
    assert found[0] == found[1]
    assert found[0].startswith("alias b=bulkagent\n")
    shown = inside(tmp_path, "--show-completion", shell).out
    assert (tmp_path / script).read_text().strip() == shown.strip()


def test_a_shell_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    refused = inside(tmp_path, "--show-completion", "tcsh")
    assert refused.code == 2
    assert "no completion for the shell 'tcsh'; known are bash, zsh, fish" in refused.err
    asked = inside(tmp_path, surroundings={"_BULKAGENT_COMPLETE": "complete_tcsh"})
    assert asked.code == 1


@pytest.mark.parametrize(
    ("shell", "line", "shown"),
    [
        ("zsh", "bulkagent apply x.csv --gateway em", '"emulated":"a gateway that'),
        ("fish", "bulkagent apply x.csv --gateway em", "emulated\ta gateway that"),
        ("pwsh", "bulkagent apply x.csv --gateway em", "emulated:::a gateway that"),
    ],
)
def test_each_shell_is_answered_as_its_script_expects(
    tmp_path: Path, shell: str, line: str, shown: str
) -> None:
    asked = {
        "_BULKAGENT_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": "em",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    assert shown in inside(tmp_path, surroundings=asked).out
