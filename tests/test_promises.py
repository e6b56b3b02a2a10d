"""Each option, heading and promise of README and guide is named by the tests that prove it.

Somebody who changes what `--gate` does finds its tests by `grep -rn -e --gate tests`, somebody who
changes the section "Guardrails" by `grep -rn '"Guardrails"' tests`.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkagent.cli.options import rows_of
from tests.command_names import commands
from tests.documents import PAGES, README

TESTS = Path(__file__).parent

# These tell, and promise nothing: what they show is run as it stands.
_TELLING_PAGES = frozenset(
    {"start", "settings", "codes", "words", "how-it-works", "measured", "changes"}
)
_PROMISING = [text for name, text in PAGES.items() if name not in _TELLING_PAGES]
# Parts that lead on to other pages, or have figures that were measured once.
_TELLING = frozenset(
    {"Go on", "What else stops a wrong run", "What is not known", "What auto reaches"}
)


def _said() -> Iterator[str]:
    """The names and docstrings of all tests, and those of their files."""
    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{getattr(node, 'name', path.name)}: {ast.get_docstring(node) or ''}"


@functools.cache
def said() -> str:
    """All of it; read when the first test asks."""
    return "\n".join(" ".join(each.split()) for each in _said())


def _options() -> list[str]:
    """Every option of every command, each once."""
    rows = [row for command in commands() for row in rows_of(command)]
    return list(dict.fromkeys(row.option for row in rows if not row.is_argument))


def _headings() -> list[str]:
    """What the parts that promise something are called."""
    parts = [part for text in _PROMISING for part in re.split(r"(?m)^## ", text)[1:]]
    found: list[str] = []
    for part in parts:
        heading = part.split("\n", 1)[0]
        if heading not in _TELLING:
            parts_of_it = re.findall(r"(?m)^(?:### |\*\*)([^*\n]+?)[.,]?(?:\*\*|$)", part)
            found += [heading, *parts_of_it]
    return found


def _promises() -> list[str]:
    """How each line under "What it promises" begins, up to its first full stop, comma or colon."""
    listed = re.split(r"(?m)^(?:## )?What it promises.*$", README)[1].split("\n## ", 1)[0]
    return [
        re.split(r"(?<=[a-z`)0])[.,;:](?: |$)", line)[0]
        for line in re.findall(r"(?m)^- (.*)$", listed)
    ]


@pytest.mark.parametrize("option", _options())
def test_every_option_is_in_the_docstring_of_a_test_that_proves_it(option: str) -> None:
    assert re.search(rf"{option}(?![a-z-])", said()), f"no test says that it is about {option}"


@pytest.mark.parametrize("heading", _headings())
def test_every_heading_is_in_the_docstring_of_a_test_that_proves_it(heading: str) -> None:
    assert f'"{heading}"' in said(), f"no test says that it proves what README {heading!r} says"


@pytest.mark.parametrize("promise", _promises())
def test_every_promise_is_in_the_docstring_of_a_test_that_proves_it(promise: str) -> None:
    """README "What it promises; each has a test": a test quotes how the line begins."""
    assert f"README: {promise}" in said(), f"no test says that it proves {promise!r}"


def test_options_headings_and_promises_are_found() -> None:
    assert len(_options()) > 90
    assert _headings()
    assert len(_promises()) > 10
