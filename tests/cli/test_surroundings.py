"""Hosts as pods and cron have them: no HOME, no folder, no memory, and still a sentence."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bulkagent import run
from bulkagent.cli.console import defects
from bulkagent.errors import LedgerUnavailable, SettingsRefused
from bulkagent.files.user_folders import absolute, current_folder, user_folder
from bulkagent.ledger import default_path
from bulkagent.settings import find_config
from tests.cli.command import COMMAND, environment, inside
from tests.waiting import HANG_S

NO_XDG = {"XDG_STATE_HOME": "", "XDG_CONFIG_HOME": ""}


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A UID without an entry in the list of users, as in many pods."""

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.fixture(params=["", "relative/path", None], ids=["empty", "relative", "unset"])
def homeless(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, nobody: None
) -> dict[str, str]:
    """The environment of a process that has no home folder."""
    del nobody
    if request.param is None:
        monkeypatch.delenv("HOME", raising=False)
        return NO_XDG
    monkeypatch.setenv("HOME", request.param)
    return {**NO_XDG, "HOME": request.param}


@pytest.mark.parametrize(
    "command", [["runs"], ["show", "last"], ["report", "last", "--to", "x.csv"]]
)
def test_without_home_a_command_that_needs_a_ledger_says_what_to_give(
    tmp_path: Path, homeless: dict[str, str], command: list[str]
) -> None:
    """No HOME and no passwd entry: exit 2, "give --ledger or HOME"; a double traceback before."""
    ended = inside(tmp_path, *command, "--json", surroundings=homeless)
    assert (ended.code, ended.json["state"]) == (2, "refused")
    assert "give --ledger or HOME" in ended.err


def test_without_home_what_needs_none_works(tmp_path: Path, homeless: dict[str, str]) -> None:
    (tmp_path / "r.csv").write_text("agent_id\n1001\n")
    assert inside(tmp_path, "check", "r.csv", surroundings=homeless).code == 0
    ledger = tmp_path / "l.sqlite3"
    assert inside(tmp_path, "runs", "--ledger", ledger, surroundings=homeless).code == 0
    assert inside(tmp_path, "config", "show", surroundings=homeless).code == 0


def test_a_folder_of_the_user_is_absolute_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nobody: None
) -> None:
    del nobody
    for name in NO_XDG:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    state, config = user_folder("state"), user_folder("config")
    assert state is not None
    assert config is not None
    assert state.is_relative_to(tmp_path)
    assert config.is_relative_to(tmp_path)
    monkeypatch.setenv("HOME", "")
    assert user_folder("state") is None
    with pytest.raises(LedgerUnavailable, match="give --ledger or HOME"):
        default_path()


def test_a_home_that_may_not_be_entered_has_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HOME=/root for a UID that is not root's, as container images leave it."""

    def forbidden(_path: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_file", forbidden)
    monkeypatch.chdir(tmp_path)
    assert find_config(None) is None


@contextmanager
def _in_a_deleted_folder(tmp_path: Path) -> Iterator[None]:
    gone = tmp_path / "gone"
    gone.mkdir()
    before = Path.cwd()
    os.chdir(gone)
    gone.rmdir()
    try:
        yield
    finally:
        os.chdir(before)


def test_a_relative_path_in_a_deleted_folder_is_refused(tmp_path: Path) -> None:
    with _in_a_deleted_folder(tmp_path):
        assert current_folder() is None
        assert absolute(tmp_path) == tmp_path
        with pytest.raises(SettingsRefused, match="give absolute paths"):
            absolute(Path("r.csv"))


def test_a_run_whose_paths_are_absolute_needs_no_current_folder(tmp_path: Path) -> None:
    """The current folder is deleted: a defect before, though nothing was looked for in it."""
    (tmp_path / "r.csv").write_text("agent_id\n1001\n")
    (tmp_path / "gone").mkdir()
    script = f'rmdir {tmp_path}/gone; exec {COMMAND} "$@"'
    arguments = ["apply", tmp_path / "r.csv", "--flag", "0", "--gateway", "emulated", "--json"]
    paths = ["--report", tmp_path / "report.csv", "--ledger", tmp_path / "ledger.sqlite3"]
    done = subprocess.run(
        ["sh", "-c", script, "sh", *map(str, [*arguments, *paths])],
        cwd=tmp_path / "gone",
        env=environment(tmp_path),
        capture_output=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["applied"] == 1


class TestDefects:
    """A defect is told in a sentence, and as one JSON object where data was asked for."""

    @staticmethod
    def check(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: BaseException, *more: object
    ) -> Any:
        def broken(*_: object, **__: object) -> None:
            raise defect

        (tmp_path / "r.csv").write_text("agent_id\n1001\n")
        monkeypatch.setattr(run, "check_roster", broken)
        return inside(tmp_path, "check", "r.csv", "--json", *more)

    @pytest.mark.parametrize(
        "defect",
        [MemoryError(), ZeroDivisionError("x"), ExceptionGroup("g", [MemoryError()]), OSError(5)],
    )
    def test_a_defect_is_one_json_object(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: Exception
    ) -> None:
        ended = self.check(tmp_path, monkeypatch, defect)
        assert ended.code == ended.json["exit_code"] == 1
        assert "a defect in bulkagent" in ended.json["error"]
        assert sum(ended.json["totals"].values()) == ended.json["rows"] == 0
        assert ended.err.startswith("bulkagent: a defect in bulkagent: ")

    def test_without_memory_for_words_there_are_last_ones(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none(*_: object, **__: object) -> None:
            raise MemoryError

        monkeypatch.setattr(run, "RunResult", none)
        monkeypatch.setattr(defects, "recorded", none)
        ended = self.check(tmp_path, monkeypatch, MemoryError())
        assert ended.code == ended.json["exit_code"] == 1
        assert "could not be kept" in ended.err

    def test_a_defect_without_home_is_told_with_its_traceback(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nobody: None
    ) -> None:
        del nobody
        for name in (*NO_XDG, "HOME"):
            monkeypatch.setenv(name, "")

        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(run, "check_roster", broken)
        ended = inside(tmp_path, "check", "r.csv", surroundings={**NO_XDG, "HOME": ""})
        assert ended.code == 1
        assert "no home folder" in ended.err
        assert ended.err.count("Traceback") == 1
