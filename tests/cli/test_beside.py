"""A person's command beside a run in progress: what it is told before the question, and after.

Proves --take-over; guide "Taking over", "A person's correction", "Set it".
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkagent.cli.commands.run_flow import _not_agreed
from bulkagent.cli.console.terminal import TypedAnswer
from tests.cli.command import Emulated, bulkagent, emulated, started
from tests.cli.terminal import at_a_terminal, shown_until
from tests.waiting import HANG_S

AGENTS = 60


def _address(gateway: Emulated) -> list[object]:
    return ["--gateway", gateway.url, "--ca-file", gateway.ca_file]


@contextlib.contextmanager
def at_work(gateway: Emulated, *more: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A colleague's run that has begun and is slow; its process and its ID."""
    slow = ["apply", gateway.roster, "--flag", 0, *_address(gateway), "--yes", "--json", *more]
    with started(gateway.folder, *slow, "--concurrency", 1, "--rate", "5/s") as process:
        while gateway.judge("stats")["requests"] < 2:
            assert process.poll() is None
        yield process, runs_of(gateway)[0]["run_id"]
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=HANG_S)


def runs_of(gateway: Emulated) -> list[dict[str, Any]]:
    listed = bulkagent(gateway.folder, "runs", "--json")
    found: list[dict[str, Any]] = listed.json["runs"]
    return found


def a_few(gateway: Emulated, *agents: int) -> Path:
    """A roster of some of the agents."""
    head, *rows = gateway.roster.read_text().splitlines()
    at = head.split(",").index("agent_id")
    path = gateway.folder / "few.csv"
    few = [row for row in rows if row.split(",")[at] in {str(agent) for agent in agents}]
    path.write_text("\n".join([head, *few, ""]))
    return path


def person(gateway: Emulated, roster: Path, *more: object, answer: str = "y") -> tuple[int, str]:
    """A command of somebody at a terminal; its exit code and all that was shown."""
    command = ["apply", roster, "--flag", 1, *_address(gateway), *more]
    process, ours = at_a_terminal(gateway.folder, command, COLUMNS="400")
    shown = shown_until(ours, b"[y/N]")
    with contextlib.suppress(OSError):  # it was refused, and has ended
        os.write(ours, f"{answer}\n".encode())
    shown += shown_until(ours, b"")
    code = process.wait(HANG_S)
    os.close(ours)
    return code, shown.replace("\r\n", "\n")


def test_a_question_says_whom_a_take_over_ends_and_the_summary_what_goes_on(
    tmp_path: Path,
) -> None:
    with emulated(tmp_path, f"101-{100 + AGENTS}") as gateway:
        few = a_few(gateway, 159, 160)
        with at_work(gateway) as (process, run_id):
            code, shown = person(gateway, few, "--take-over", run_id)
            _, err = process.communicate(timeout=HANG_S)
        assert code == 0, shown
        assert f"run {run_id} of " in shown
        assert " is at work on agents 159 and 160; you take over from it\n" in shown
        question = next(line for line in shown.splitlines() if "Go on?" in line)
        assert f"This ENDS run {run_id} of " in question
        assert f" of its {AGENTS} agents are not set yet" in question
        assert "only when a person resumes it. Go on? [y/N]" in question
        assert f" of its {AGENTS} agents are not set. To go on with it, with your reason:" in shown
        command = next(x.split() for x in shown.splitlines() if f"bulkagent resume {run_id}" in x)
        assert process.returncode == 6, err
        assert command[-2:] == ["--override", "'REASON'"]
        quick = ("looked", "--yes", "--json", "--rate", "none")
        resumed = bulkagent(tmp_path, *command[1:-1], *quick)
        assert resumed.json["totals"]["applied"] == AGENTS - 2, resumed.err


def test_a_correction_says_what_the_other_run_leaves_and_that_it_goes_on(tmp_path: Path) -> None:
    with emulated(tmp_path, f"101-{100 + AGENTS}") as gateway:
        few = a_few(gateway, 160)
        with at_work(gateway) as (process, run_id):
            code, shown = person(gateway, few)
            assert process.poll() is None, "it goes on"
            quick = bulkagent(tmp_path, "show", run_id, "--agent", 160)
            process.terminate()
            _, err = process.communicate(timeout=HANG_S)
        assert code == 0, shown
        assert f"in use  run {run_id} of " in shown
        assert ". If you agree, it leaves agent 160 to you and goes on with its others\n" in shown
        assert "ENDS" not in shown
        (taker,) = {x["run_id"] for x in runs_of(gateway)} - {run_id}
        told = rf"agent 160 was set to 1 by run {taker} of \S+, (\S+ )?\d\d:\d\d:\d\d \S+\n"
        for text in (err, quick.out, bulkagent(tmp_path, "show", run_id).out):
            assert re.search(told, text), text
        of_agent = bulkagent(tmp_path, "show", run_id, "--agent", 160, "--json").json
        assert set(of_agent) == {"run_id", "agent_id", "rows"}
        assert "left_to" not in bulkagent(tmp_path, "show", run_id, "--json").json


def test_what_is_refused_whatever_the_answer_is_is_refused_before_the_question(
    tmp_path: Path,
) -> None:
    """A canary counts its agents. Without a terminal it stays exit 2, as nobody agreed."""
    with emulated(tmp_path, f"101-{100 + AGENTS}") as gateway:
        few = a_few(gateway, 160)
        with at_work(gateway, "--canary", 1) as (_, run_id):
            code, shown = person(gateway, few)
            assert (code, "[y/N]" in shown) == (6, False), shown
            assert f"run {run_id} is at work on 1 of these agents, so nothing was sent" in shown
            assert "leaves its agents to nobody else" in shown
            code, shown = person(gateway, few, "--take-over", "20200101")
            assert (code, "[y/N]" in shown) == (2, False), shown
            alone = bulkagent(tmp_path, "apply", few, "--flag", 1, *_address(gateway))
            assert (alone.code, "If you agree" in alone.err) == (2, False), alone.err
            agreed = bulkagent(tmp_path, "apply", few, "--flag", 1, *_address(gateway), "--yes")
            assert (agreed.code, "If you agree" in agreed.err) == (6, False), agreed.err


@pytest.mark.parametrize(
    ("typed", "number", "said"),
    [
        ("y", 280, "you typed 'y' where the number 280 was wanted, so nothing was sent;"),
        ("28", 280, "you typed '28' where the number 280 was wanted"),
        ("", 280, "not agreed to; nothing was sent"),
        ("No", 280, "not agreed to; nothing was sent"),
        ("what", 0, "not agreed to; nothing was sent"),
    ],
)
def test_a_word_in_the_place_of_a_number_is_named(typed: str, number: int, said: str) -> None:
    assert _not_agreed(TypedAnswer(agreed=False, typed=typed), number).startswith(said)
