"""What the samples hand to cron, Kubernetes and Airflow, and what `--help` says, is right.

Proves guide "The command of a job", "What to do with an exit code", "Samples to start from".
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bulkagent.cli import app
from bulkagent.units import duration_s
from tests.waiting import HANG_S, until

SAMPLES = Path(__file__).parents[1] / "samples"

UNATTENDED = {5, 129, 130, 143}
"""Exit codes after which a resume is safe unattended (guide, "What to do with an exit code")."""


def parsed(words: list[str]) -> dict[str, Any]:
    """What the command line makes of words, without doing anything."""
    command: Any = app
    name, *arguments = words
    assert name == "bulkagent"
    context: Any = command.make_context(name, arguments, resilient_parsing=False)
    while hasattr(context.command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, found, arguments = context.command.resolve_command(context, rest)
        context = found.make_context(name, arguments, parent=context)
    return dict(context.params)


def examples() -> Iterator[str]:
    def walk(group: Any) -> Iterator[Any]:
        for command in group.commands.values():
            yield from walk(command) if hasattr(command, "commands") else [command]

    for command in walk(app):
        found = re.findall(r"Example: (bulkagent .*)", command.help or "")
        assert found, f"{command.name} has no example in its help"
        yield from found


@pytest.mark.parametrize("example", sorted(examples()))
def test_every_command_has_examples_and_they_can_be_typed(example: str) -> None:
    assert parsed(shlex.split(example)) is not None


def test_the_lines_of_cron_can_be_typed_and_ask_nobody() -> None:
    lines = (SAMPLES / "cron/bulkagent.cron").read_text().splitlines()
    jobs = [shlex.split(line.split(None, 6)[6]) for line in lines if re.match(r"[\d*]", line)]
    (script, *arguments), prune = jobs
    assert script == "until_done.sh"
    (path,) = [line.removeprefix("PATH=") for line in lines if line.startswith("PATH=")]
    (installed,) = re.findall(
        r"install -m 755 samples/cron/until_done.sh (/.*)/$", "\n".join(lines), re.MULTILINE
    )
    assert installed in path.split(":")
    apply = parsed(["bulkagent", "apply", *arguments, "--or-resume"])
    assert (apply["yes"], apply["quiet"]) == (True, True)
    assert apply["max_agents"]
    assert apply["start_at"] is apply["finish_by"] is None, "it would be past the second time"
    assert parsed(prune)["yes"] is True
    surroundings = dict(line.split("=", 1) for line in lines if re.match(r"BULKAGENT_\w+=", line))
    assert surroundings.keys() <= {parameter.envvar for parameter in _parameters("apply")}


REFUSED = '5 {"state":"refused","exit_code":5}'
"""How a command ends where a run of that roster is in progress elsewhere."""


def _until_done(folder: Path, ends: list[object]) -> list[str]:
    """The script of cron as a command, with a `bulkagent` that ends as it is told to."""
    (folder / "ends").write_text("\n".join(map(str, ends)) + "\n")
    (folder / "two words.csv").touch()
    fake = folder / "bulkagent"
    fake.write_text(
        "#!/bin/sh\n"
        'echo "$@" >> calls\n'
        "read -r code said < ends\n"
        "sed -i 1d ends\n"
        'echo "$said"\n'
        'exit "$code"\n'
    )
    fake.chmod(0o755)
    return ["sh", str(SAMPLES / "cron/until_done.sh"), "two words.csv", "--yes"]


def _surroundings(folder: Path, pause: str) -> dict[str, str]:
    return {"PATH": f"{folder}:/usr/bin:/bin", "PAUSE": pause}


@pytest.mark.parametrize(
    ("ends", "code", "times"),
    [
        *(([code], code, 1) for code in (0, 1, 2, 3, 4, 6)),
        ([5, 143, 0], 0, 3),
        ([129, 6], 6, 2),
        ([5, 5, 5, 5, 0], 5, 4),
        # Another try after somebody else's run has ended would set everybody once more.
        ([REFUSED, 0], 5, 1),
        ([5, REFUSED, 0], 5, 2),
        (['143 {"state":"refused"}', 0], 0, 2),
    ],
)
def test_a_run_that_was_stopped_is_gone_on_with_and_no_other(
    tmp_path: Path, ends: list[object], code: int, times: int
) -> None:
    done = subprocess.run(
        _until_done(tmp_path, ends),
        cwd=tmp_path,
        env=_surroundings(tmp_path, "0"),
        capture_output=True,
        timeout=HANG_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, b"")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["apply two words.csv --yes --or-resume --json"] * times


def test_a_job_of_cron_that_is_started_twice_sets_nobody_once_more(tmp_path: Path) -> None:
    """Also where the first one is in its pause, when no run is in progress."""
    command = _until_done(tmp_path, [5, 0])
    surroundings = _surroundings(tmp_path, "3600")
    first = subprocess.Popen(command, cwd=tmp_path, env=surroundings, start_new_session=True)
    try:
        until((tmp_path / "calls").exists)
        again = subprocess.run(
            command,
            cwd=tmp_path,
            env=surroundings,
            capture_output=True,
            timeout=HANG_S,
            check=False,
        )
        assert again.returncode == 5
        assert b"nothing was sent" in again.stderr
        assert len((tmp_path / "calls").read_text().splitlines()) == 1
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


def test_kubernetes_starts_again_only_what_is_safe_unattended() -> None:
    volume, cron = yaml.safe_load_all((SAMPLES / "kubernetes/morning-shift.yaml").read_text())
    job = cron["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    rules = job["podFailurePolicy"]["rules"]
    by_code = {rule["action"]: rule["onExitCodes"] for rule in rules if "onExitCodes" in rule}
    assert set(by_code["Count"]["values"]) == UNATTENDED
    assert by_code["Count"]["operator"] == "In"
    assert set(by_code["FailJob"]["values"]) == UNATTENDED | {0}
    assert by_code["FailJob"]["operator"] == "NotIn"
    assert all(rule["containerName"] == container["name"] for rule in by_code.values())
    assert pod["restartPolicy"] == "Never"
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    words = parsed(["bulkagent", *container["args"]])
    assert words["or_resume"]
    assert words["yes"]
    assert words["max_agents"]
    assert pod["terminationGracePeriodSeconds"] >= 2 * duration_s(words["grace"])
    assert job["activeDeadlineSeconds"] > duration_s(words["deadline"])
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    (ledger,) = (env["value"] for env in container["env"] if env["name"] == "BULKAGENT_LEDGER")
    assert Path(ledger).is_relative_to(mounts["ledger"])
    assert mounts.keys() == {place["name"] for place in pod["volumes"]}
    claims = [place.get("persistentVolumeClaim") for place in pod["volumes"]]
    assert {"claimName": volume["metadata"]["name"]} in claims
    names = {env["name"] for env in container["env"]}
    known = {
        variable
        for parameter in _parameters("apply")
        if (variable := getattr(parameter, "envvar", None))
    }
    assert names <= known


def _parameters(command: str) -> list[Any]:
    group: Any = app
    return list(group.commands[command].params)


class _FailError(Exception):
    pass


class _AgainError(Exception):
    pass


@pytest.fixture
def dag(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The DAG's module, with as much of Airflow as it touches."""

    def decorator(*_: Any, **settings: Any) -> Callable[[Any], Any]:
        def decorate(function: Any) -> Any:
            function.settings = settings
            return function

        return decorate

    def called_once(**settings: Any) -> Callable[[Any], Any]:
        def decorate(function: Any) -> Any:
            made: list[Any] = []

            def make() -> None:
                made.append(function)

            make.settings, make.made = settings, made  # type: ignore[attr-defined]
            return make

        return decorate

    modules: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.sdk": {"dag": called_once, "task": decorator},
        "airflow.exceptions": {
            "AirflowException": _AgainError,
            "AirflowFailException": _FailError,
        },
    }
    for name, members in modules.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("shift", SAMPLES / "airflow/shift_change.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_airflow_runs_a_command_that_can_be_typed_once_at_a_time(dag: Any) -> None:
    words = parsed(list(dag.COMMAND))
    assert words["max_agents"]
    assert words["or_resume"]
    assert words["yes"]
    assert dag.morning_shift.settings["max_active_runs"] == 1
    assert len(dag.morning_shift.made) == 1


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        (0, None),
        *((code, _AgainError) for code in (3, 5, 129, 130, 143, -9)),
        *((code, _FailError) for code in (1, 2, 4, 6, 127)),
    ],
)
def test_airflow_tries_again_only_what_another_try_helps(
    dag: Any, monkeypatch: pytest.MonkeyPatch, code: int, raised: type[Exception] | None
) -> None:
    def ended(command: tuple[str, ...], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command is dag.COMMAND
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(subprocess, "run", ended)
    if raised is None:
        dag.set_shift()
    else:
        with pytest.raises(raised, match=str(code)):
            dag.set_shift()
