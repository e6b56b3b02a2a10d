"""The samples that the pages use come with the program. Proves --samples."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, inside
from tests.documents import REPOSITORY


def _files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }


def test_they_are_written_into_a_new_folder(tmp_path: Path) -> None:
    """An installation by `pip install -e` has them where the repository has them."""
    ended = inside(tmp_path, "guide", "--samples", "samples")
    assert (ended.code, ended.out) == (0, "")
    ours, written = _files_below(SAMPLES), _files_below(tmp_path / "samples")
    assert ours == written
    assert os.access(tmp_path / "samples/cron/until_done.sh", os.X_OK)
    assert f"wrote   {len(ours)} files to samples;" in ended.err
    last = ended.err.splitlines()[-1]
    assert last == "next    bulkagent apply samples/evening_shift.csv --flag 0 --gateway emulated"
    assert inside(tmp_path, *last.split()[2:]).code == 0


@pytest.mark.parametrize("there", ["a file", "a folder"])
def test_nothing_is_written_over(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "samples"
    folder.mkdir() if there == "a folder" else folder.write_text("mine")
    ended = inside(tmp_path, "guide", "--samples", "samples")
    assert ended.code == 2
    assert "'samples' is there already" in ended.err
    assert _files_below(tmp_path) in ({}, {"samples": b"mine"})


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    ended = inside(tmp_path, "guide", "--samples", "none/samples")
    assert ended.code == 2
    assert "No such file or directory; give another one" in ended.err


def test_they_are_no_page(tmp_path: Path) -> None:
    assert inside(tmp_path, "guide", "start", "--samples", "samples").code == 2
    assert not (tmp_path / "samples").exists()


def test_what_is_built_takes_them_from_one_place() -> None:
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    assert wheel["sources"] == {"samples": "bulkagent/guide/samples"}
    assert wheel["only-include"] == ["bulkagent", "samples"]
    assert not (REPOSITORY / "bulkagent/guide/samples").exists()
    assert "samples" in build["targets"]["sdist"]["include"]


@pytest.mark.matrix
def test_a_wheel_has_them(tmp_path: Path) -> None:
    """Unpacked, as it is installed; as a zip archive it can be started, too."""
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    for name in (wheel.name, "installed"):
        samples = tmp_path / f"from {name}"
        command = [sys.executable, "-P", "-m", "bulkagent", "guide", "--samples", str(samples)]
        surroundings = {**os.environ, "PYTHONPATH": str(tmp_path / name)}
        subprocess.run(command, cwd=tmp_path, env=surroundings, check=True, capture_output=True)
        assert _files_below(samples) == _files_below(SAMPLES)
