"""Every place that CONTRIBUTING names is there, and every folder has its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")


def _tree() -> Iterator[str]:
    """The paths of the drawn tree: words that end in / or .py, under what stands left of them."""
    drawn = TEXT.split("```\nbulkagent/\n", 1)[1].split("```", 1)[0]
    for line in drawn.splitlines():
        within = "bulkagent/" if line.startswith("  ") else ""
        names = re.match(r"\s*((?:[a-z_]+(?:/|\.py)\s+)+)", line)
        assert names, line
        folders = names[1].split()
        yield from (within + name for name in folders)
        inner = re.findall(r"(?<![a-z/])[a-z_]+/(?= |$)", line[names.end() :])
        yield from (within + folders[0] + name for name in inner)


def _named() -> list[str]:
    quoted = re.findall(r"`([A-Za-z_.][A-Za-z_/.]*(?:/|\.py|\.md|\.toml))`", TEXT)
    return [name for name in quoted if name != "__init__.py"]


@pytest.mark.parametrize("name", sorted({*_tree(), *_named()}))
def test_it_is_there(name: str) -> None:
    there = (ROOT / name).exists() or (ROOT / "bulkagent" / name).exists()
    assert there, f".github/CONTRIBUTING.md names {name}"


def test_every_folder_and_module_of_the_package_has_its_place() -> None:
    drawn = set(_tree())
    there = {
        f"bulkagent/{path.name}/" if path.is_dir() else f"bulkagent/{path.name}"
        for path in (ROOT / "bulkagent").iterdir()
        if not path.name.startswith("_") and path.name != "py.typed"
        # A pull leaves the compiled files of folders that are gone.
        if path.is_file() or any(path.rglob("*.py"))
    }
    assert there <= drawn
    for room in ("cli", "run", "engine", "emulator"):
        folders = {
            f"bulkagent/{room}/{path.name}/"
            for path in (ROOT / "bulkagent" / room).iterdir()
            if path.is_dir() and not path.name.startswith("_")
        }
        assert folders <= drawn, room


def test_it_is_one_page() -> None:
    assert len(TEXT.splitlines()) <= 80
    for thing in ("option", "retcode", "report format", "fault scenario", "operation"):
        assert f"| a new {thing} |" in TEXT
