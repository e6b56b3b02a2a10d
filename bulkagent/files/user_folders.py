"""The folders of the user that a process runs as."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bulkagent.errors import SettingsRefused

NO_HOME = "this user has no home folder (HOME is not set to one)"


def user_folder(kind: Literal["state", "config"]) -> Path | None:
    """The platform's folder for what bulkagent keeps, or for its settings.

    Returns:
        An absolute path; None where the user has no home, as in a container whose user is not in
        the list of users.
    """
    import platformdirs

    find = {"state": platformdirs.user_state_path, "config": platformdirs.user_config_path}[kind]
    try:
        path = find("bulkagent", appauthor=False)
    except (RuntimeError, KeyError):
        return None
    return path if path.is_absolute() else None


def absolute(path: Path) -> Path:
    """A path as it is found from any folder.

    Raises:
        SettingsRefused: It is relative to a folder that is not there any more.
    """
    if path.is_absolute():
        return path
    folder = current_folder()
    if folder is None:
        raise SettingsRefused(
            f"{path}: the current folder is not there any more, or may not be entered; change to"
            " another, or give absolute paths"
        )
    return folder / path


def anywhere(path: Path) -> Path:
    """The same for people; the path as it is where it cannot be made absolute."""
    folder = current_folder()
    return path if folder is None else folder / path


def current_folder() -> Path | None:
    """The folder that relative paths are of; None where it has been deleted, or is not ours."""
    try:
        return Path.cwd()
    except OSError:
        return None
