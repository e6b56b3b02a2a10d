"""Words in the path of a report that stand for what is known of its run."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from bulkagent.errors import SettingsRefused
from bulkagent.reports import printable

WORDS = {
    "date": "the local date on which the run began, as in 2026-11-27",
    "job": "the name that --job gives",
    "run": "the run's ID",
}
_WORD = re.compile(r"\{([^{}]*)\}")
_NO_NAME = re.compile(r"[/\x00]|^\.+")
_EXAMPLE = "20260101T000000.000Z-0000"


def expanded(path: Path, run_id: str, job: str) -> Path:
    """The path with `{date}`, `{job}` and `{run}` replaced.

    Args:
        path: As it was given.
        run_id: The run, which begins with when it was planned; "" for one that is planned now.
        job: What its runs are called.

    Raises:
        SettingsRefused: There is no such word, or no job.
    """
    text = str(path)
    if "{" not in text:
        return path

    def meant(found: re.Match[str]) -> str:
        match found[1]:
            case "date":
                return _date(run_id)
            case "run":
                return run_id or _EXAMPLE
            case "job" if job:
                return _NO_NAME.sub("_", job)
            case "job":
                raise SettingsRefused(
                    f"the report '{printable(text)}' is named by {{job}}, and there is no --job"
                )
        known = ", ".join(f"{{{word}}} ({means})" for word, means in WORDS.items())
        raise SettingsRefused(
            f"the report '{printable(text)}' has {{{printable(found[1])}}} in its path; known are"
            f" {known}"
        )

    return Path(_WORD.sub(meant, text))


def check_path(path: Path, job: str) -> Path:
    """The same before there is a run, with an example of its ID, to see whether it can be.

    Raises:
        SettingsRefused: As above.
    """
    return expanded(path, "", job)


def names_a_run(path: Path) -> bool:
    """Whether each run has a path of its own, so that nothing older stands there."""
    return "{run}" in str(path)


def _date(run_id: str) -> str:
    if not run_id:
        return f"{dt.datetime.now().astimezone():%Y-%m-%d}"
    began = dt.datetime.strptime(run_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
    return f"{began.astimezone():%Y-%m-%d}"
