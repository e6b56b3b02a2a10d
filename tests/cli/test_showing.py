"""How much is shown, and where: `--quiet`, `--progress`, terminals and what is none.

Proves --quiet, --progress; guide "What a job prints".
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, SAMPLES, bulkagent, environment, inside
from tests.waiting import HANG_S

APPLY = ("apply", SAMPLES / "evening_shift.csv", "--flag", 0, "--gateway", "emulated")
TROUBLE = ("--scenario", SAMPLES / "scenarios/not_signed_in.toml")


def on_a_terminal(folder: Path, *arguments: object, **surroundings: str) -> tuple[int, str]:
    """Run the command with a terminal as its stderr; its exit code and all that was written."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(folder, {"TERM": "xterm-256color", **surroundings}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            more = os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        written += more
    os.close(ours)
    return process.wait(HANG_S), written.decode()


def test_a_quiet_run_says_nothing_where_all_is_well(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, *APPLY, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    ended = bulkagent(tmp_path, *APPLY, "-q", "--json")
    assert ended.json["totals"]["applied"] == 40
    assert ended.err == ""


def test_a_quiet_run_says_how_it_ended_where_somebody_is_not_set(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, *APPLY, *TROUBLE, surroundings={"BULKAGENT_QUIET": "1"})
    assert ended.code == 3
    assert ended.err.startswith(
        "SHORT   37 of 40 agents of evening_shift TAKE NO calls on emulated,"
    )
    assert (
        "\nto do   have the agent sign in, then resume the run\nnext    bulkagent resume "
        in ended.err
    )
    refused = bulkagent(tmp_path, *APPLY, "--quiet", "--rate", "often")
    assert refused.code == 2
    assert "'often' is not a rate" in refused.err


@pytest.mark.parametrize("progress", ["none", "plain", "bar"])
def test_however_it_is_shown_the_beginning_and_the_end_are_said(
    tmp_path: Path, progress: str
) -> None:
    ended = bulkagent(tmp_path, *APPLY, "--progress", progress)
    assert ended.code == 0
    first, *_, last = ended.err.splitlines()
    assert first.startswith("roster  ")
    assert last.startswith("sent    40 requests, 0 of them retries; ")
    assert "\x1b" not in ended.err


def test_another_way_of_showing_is_refused(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, *APPLY, "--progress", "fancy")
    assert ended.code == 2
    assert "bar or plain or none" in ended.err


SLOW = ("--rate", "50/s", "--concurrency", 2)


def test_a_terminal_has_a_view_that_is_gone_in_the_end(tmp_path: Path) -> None:
    code, written = on_a_terminal(tmp_path, *APPLY, *SLOW)
    assert code == 0
    assert "of 40" in written
    assert "breaker closed" in written
    assert "\x1b[32m" in written, "in colour"
    # What was drawn last is wiped off, so that only what matters stays.
    assert "\x1b[J" in written.rpartition("breaker closed")[2]


def test_no_color_is_honoured(tmp_path: Path) -> None:
    _, written = on_a_terminal(tmp_path, *APPLY, *SLOW, NO_COLOR="1")
    assert "breaker closed" in written
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", written)


@pytest.mark.parametrize(
    ("arguments", "surroundings"),
    [((), {"TERM": "dumb"}), (("--progress", "plain"), {}), (("--progress", "none"), {})],
)
def test_a_terminal_that_cannot_or_shall_not_redraw_gets_no_control(
    tmp_path: Path, arguments: tuple[object, ...], surroundings: dict[str, str]
) -> None:
    code, written = on_a_terminal(tmp_path, *APPLY, *arguments, **surroundings)
    assert code == 0
    assert "DONE" in written
    assert "\x1b" not in written


def test_a_narrow_terminal_wraps_what_is_read_and_not_what_is_copied(tmp_path: Path) -> None:
    code, written = on_a_terminal(tmp_path, *APPLY, *TROUBLE, "--progress", "none", COLUMNS="44")
    assert code == 3
    lines = written.split("\r\n")
    assert any(re.fullmatch(r"next    bulkagent resume \S+", line) for line in lines)
    whole = ("next    ", "report  ")
    read = [line for line in lines if not line.startswith(whole)]
    # One word, with its label, may be longer than the terminal is wide: the path of the roster.
    assert all(len(line) <= 44 or " " not in line[8:].strip() for line in read)


def test_no_run_id_is_printed_for_a_run_that_is_not_kept(tmp_path: Path) -> None:
    """Of a refused run nothing is in the ledger, so its ID would lead nowhere."""
    (tmp_path / "r.csv").write_text("agent_id,guid\n1001,aaaaaaaa\n")
    to = ("apply", "r.csv", "--flag", 0, "--gateway", "https://localhost:1")
    ended = bulkagent(tmp_path, *to)  # and nobody to ask
    assert ended.code == 2
    assert "roster  r.csv" in ended.err
    assert re.search(r"\d{8}T", ended.err) is None
    kept = bulkagent(tmp_path, *APPLY)
    (run,) = inside(tmp_path, "runs", "--json").json["runs"]
    assert f"run     {run['run_id']}\n" in kept.err
