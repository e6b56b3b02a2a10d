"""The samples that the pages use: rosters, scenarios, and jobs for schedulers.

They are in the wheel beside the pages. In a copy of the repository they are where it has them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from bulkagent.errors import Refused, SettingsRefused


def write_samples(folder: Path) -> int:
    """Write all samples into a new folder; how many files they are.

    Raises:
        SettingsRefused: The folder is there already, or cannot be made.
        Refused: This installation has no samples.
    """
    samples = list(_files_below(_samples()))
    try:
        folder.mkdir()
        try:
            for path, sample in samples:
                _write(folder / path, sample.read_bytes())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except FileExistsError:
        raise SettingsRefused(
            f"{str(folder)!r} is there already, and no file is written over; give a new folder"
        ) from None
    except (OSError, ValueError) as error:
        said = (isinstance(error, OSError) and error.strerror) or error
        raise SettingsRefused(
            f"the folder {str(folder)!r} cannot be written: {said}; give another one"
        ) from None
    return len(samples)


def _samples() -> Traversable:
    package = files(__package__)
    installed = package.joinpath("samples")
    if installed.is_dir():
        return installed
    # Pages that are read where the repository has them: it has the samples at its root.
    root = package.parents[1] if isinstance(package, Path) else None
    if root is None or not (root / "samples/README.md").is_file():
        raise Refused(
            "this installation lacks the samples of `bulkagent guide`; install bulkagent anew"
        )
    return root / "samples"


def _files_below(folder: Traversable, before: str = "") -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            if each.name != "__pycache__":
                yield from _files_below(each, f"{before}{each.name}/")
        else:
            yield f"{before}{each.name}", each


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if content.startswith(b"#!"):
        path.chmod(path.stat().st_mode | 0o111)
