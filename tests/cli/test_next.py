"""`next` works where it is read: in another folder, without the variables of the first command.

--ledger and --config from the environment, a file or a relative path; show, page, report --json.

Proves --ledger, --config; guide "Find out what happened".
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bulkagent.run.plan.next_command import NextCommands
from tests.cli.command import SAMPLES, Ended, bulkagent, inside

ROSTER = SAMPLES / "evening_shift.csv"
TROUBLE = ("--scenario", SAMPLES / "scenarios/not_signed_in.toml")
APPLY = ("apply", ROSTER, "--flag", 0, "--gateway", "emulated", *TROUBLE)
REPORTS = ("--report", "r.json", "--report", "r.html", "--json")

FOLDER = "a folder; with 'quotes'"


def _typed(elsewhere: Path, command: str) -> Ended:
    """The command as somebody types it into a shell of theirs."""
    return bulkagent(elsewhere, *shlex.split(command)[1:], "--json")


@pytest.mark.matrix
@pytest.mark.parametrize("layer", ["option", "environment", "file here"])
def test_next_carries_whatever_is_not_the_default_from_whichever_layer(
    tmp_path: Path, layer: str
) -> None:
    here, elsewhere = tmp_path / FOLDER, tmp_path
    here.mkdir()
    options: tuple[object, ...] = ()
    variables: dict[str, str] = {}
    expected: tuple[str, ...] = ("--ledger", str(here / "my ledger"))
    match layer:
        case "option":
            options = ("--ledger", "my ledger")
        case "environment":
            (here / "my.toml").write_text("concurrency = 8\n")
            variables = {"BULKAGENT_LEDGER": "my ledger", "BULKAGENT_CONFIG": "my.toml"}
            expected += ("--config", str(here / "my.toml"))
        case _:
            (here / "bulkagent.toml").write_text('ledger = "my ledger"\n')
            expected += ("--config", str(here / "bulkagent.toml"))
    # The platform's folder is the same for every reader.
    variables |= {
        "XDG_STATE_HOME": str(elsewhere / "state"),
        "XDG_CONFIG_HOME": str(elsewhere / "config"),
    }
    ended = bulkagent(here, *APPLY, *REPORTS, *options, surroundings=variables)
    assert ended.code == 3, ended.err
    command = shlex.join(("bulkagent", "resume", ended.json["run_id"], *expected))
    seen = _everywhere(here, ended, options, variables)
    assert seen == dict.fromkeys(seen, command)
    resumed = _typed(elsewhere, command)
    assert resumed.code == 3, resumed.err
    assert resumed.json["run_id"] == ended.json["run_id"]


def _everywhere(
    folder: Path, ended: Ended, options: tuple[object, ...], variables: Mapping[str, str]
) -> Mapping[str, Any]:
    """The same command as each place has it."""

    def said(*command: object) -> Ended:
        done = inside(folder, *command, *options, surroundings=variables)
        assert done.code == 0, done.err
        return done

    page = re.search(r'<code id="next">(.*?)</code>', (folder / "r.html").read_text())
    assert page is not None
    return {
        "apply": _next_of(ended.err),
        "apply --json": ended.json["next"],
        "show": _next_of(said("show", "last").out),
        "show --json": said("show", "last", "--json").json["next"],
        "report --json": said("report", "last", "--to", "again.json", "--json").json["next"],
        "its file": json.loads((folder / "again.json").read_text())["run"]["next"],
        "r.json": json.loads((folder / "r.json").read_text())["run"]["next"],
        "r.html": unescape(page[1]),
    }


def _next_of(text: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith("next    "))
    return line.removeprefix("next    ")


def test_the_command_for_a_report_that_was_not_written_is_absolute() -> None:
    following = NextCommands(("--ledger", "/l"), (), (), roster_needed=True)
    words = following.report("RUN", Path("r.csv"))
    assert words == ("bulkagent", "report", "RUN", "--to", str(Path.cwd() / "r.csv"), *words[5:])
    assert words[5:] == ("--ledger", "/l")
    assert following.resume("RUN") == ()
    assert following.resume_but_roster("RUN") == ("bulkagent", "resume", "RUN", "--ledger", "/l")
