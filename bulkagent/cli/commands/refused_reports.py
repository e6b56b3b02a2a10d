"""The reports of a command that was refused: none of them may be taken for one of this command.

A command may be refused before its options can be read, so the words of the command line are looked
at as they are.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bulkagent.cli.console.terminal import say
from bulkagent.cli.options.without_effect import PRESENT
from bulkagent.errors import BulkagentError

if TYPE_CHECKING:
    from bulkagent.settings import Settings

_COMMANDS = ("apply", "resume", "revert")
_IN_PROGRESS = 5  # elsewhere: its reports are those of the run at work
_A_PERSON_MUST_LOOK = 6
_A_RUN = re.compile(r"last\b|\d{8}T[-.\w]*")
_BEGINS_A_RUN = re.compile(r"last\b|\d{4,8}(T[-.\w]*)?\Z")

_done: list[int] = []
_about: list[str] = []


def reported() -> None:
    """From now on the reports of this command are those of a run that sends."""
    _done.append(0)


def goes_on_with(run_id: str) -> None:
    """The command goes on with a run that has sent: its reports are as true as before."""
    _about.append(run_id)


def replace_reports(error: str, exit_code: int) -> None:
    """Have each report of this command say that it was refused; never fails.

    Left as it is: what is no report, is read or written by the command, belongs to a run that is
    at work now, or is the report of the very run that was to be gone on with or set back.

    Args:
        error: Why, for people.
        exit_code: What the command ends with.
    """
    if _done or exit_code == _IN_PROGRESS:
        return
    _done.append(exit_code)
    arguments = sys.argv[1:]
    command = next((word for word in arguments if not word.startswith("-")), "")
    if command not in _COMMANDS:
        return
    try:
        _replace(command, arguments, error, exit_code)
    except Exception as trouble:  # noqa: BLE001 - it has been refused, which was said
        say(f"WARNING the reports could not be replaced: {trouble}")


def _replace(command: str, arguments: Sequence[str], error: str, exit_code: int) -> None:
    from bulkagent.reports import RefusedCommand, is_report, write_refused
    from bulkagent.run.outputs.report_paths import check_path, names_a_run
    from bulkagent.run.plan.path_conflicts import same_file

    # What the environment says is for new runs.
    given = _values(arguments, os.environ if command == "apply" else {}, "report")
    if not given:
        return
    settings = _settings(arguments)
    job = next(iter(_values(arguments, os.environ, "job")), settings.job)
    about = _runs_named(command, arguments, error, exit_code)
    ledger = next(map(Path, _values(arguments, os.environ, "ledger")), settings.ledger)
    kept = _reports_of(ledger, about)
    others = _others(arguments, given)
    refusal = RefusedCommand(
        error=error, exit_code=exit_code, at_ms=time.time_ns() // 1_000_000, command=command
    )
    for text in given:
        if names_a_run(Path(text)):
            continue
        try:
            path = check_path(Path(text), job)
            if any(same_file(path, other) for other in kept):
                continue
            if is_report(path) and not any(same_file(path, other) for other in others):
                write_refused(path, refusal)
        # A format may need what is not installed; the other reports are replaced all the same.
        except (BulkagentError, OSError, ValueError, KeyError, ImportError) as trouble:
            reason = getattr(trouble, "strerror", None) or trouble
            if os.path.lexists(text):
                say(f"WARNING the report {text} is not of this command, and stays: {reason}")


def _settings(arguments: Sequence[str]) -> Settings:
    from bulkagent.cli.options.values import settings_from
    from bulkagent.settings import Settings

    try:
        return settings_from(next(map(Path, _values(arguments, os.environ, "config")), None))
    except (BulkagentError, OSError, ValueError):
        return Settings()


def _runs_named(
    command: str, arguments: Sequence[str], error: str, exit_code: int
) -> Sequence[str]:
    """Runs that this is about, and which have sent: their reports are as true as before."""
    if command != "apply":  # a revert that is refused has changed nothing of the run that it names
        context = PRESENT.get()
        parsed = context.params.get("run") if context is not None else None
        return [parsed] if parsed else [word for word in arguments[1:] if _BEGINS_A_RUN.match(word)]
    # An apply that was to go on with a run that a person must look at.
    named = _A_RUN.findall(error) if exit_code == _A_PERSON_MUST_LOOK else []
    return [*_about, *named]


def _reports_of(ledger: Path | None, about: Sequence[str]) -> list[Path]:
    from bulkagent.run.history.report import reports_of

    try:
        return reports_of(ledger, about)
    except (BulkagentError, OSError, ValueError):
        return []


def _values(arguments: Sequence[str], environment: Mapping[str, str], name: str) -> Sequence[str]:
    """What an option was given, as the command line is written; else what the environment says."""
    option = f"--{name}"
    found: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        if word == option:
            found.extend(value for value in [next(words, None)] if value is not None)
        elif word.startswith(f"{option}="):
            found.append(word.partition("=")[2])
    return found or environment.get(f"BULKAGENT_{name.upper()}", "").split()


def _others(arguments: Sequence[str], reports: Sequence[str]) -> list[Path]:
    """Every other file that the command may have been about to read or write."""
    words = [word.partition("=")[2] or word for word in arguments]
    for name, value in os.environ.items():
        if name.startswith("BULKAGENT_") and name != "BULKAGENT_REPORT":
            words.extend([value, *value.split()])
    left = list(reports)
    paths: list[Path] = []
    for word in words:
        if word in left:
            left.remove(word)  # once: a roster may have been given for a report, too
        elif word:
            paths.append(Path(word))
    return [*paths, *_configured(arguments)]


def _configured(arguments: Sequence[str]) -> Iterator[Path]:
    from bulkagent.ledger import default_path
    from bulkagent.settings import find_config, load_config

    try:
        yield default_path()
        found = find_config(next(map(Path, _values(arguments, os.environ, "config")), None))
        if found is not None:
            yield found
            for gateway in load_config(found).gateways.values():
                yield from map(Path, filter(None, (gateway.ca_file, gateway.client_cert)))
    except (BulkagentError, OSError, ValueError):
        return
