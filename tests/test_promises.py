"""Each option, heading and promise of README and guide is named by the tests that prove it.

Somebody who changes what `--gate` does finds its tests by `grep -rn -e --gate tests`, somebody who
changes the section "Guardrails" by `grep -rn '"Guardrails"' tests`.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from bulkagent.cli.options import rows_of
from tests.command_names import commands
from tests.documents import PAGES, README

TESTS = Path(__file__).parent

# These tell, and promise nothing: what they show is run as it stands.
_TELLING_PAGES = frozenset(
    {"start", "settings", "codes", "words", "how-it-works", "measured"}
    | {"changes", "changes-scripts"}
)
_PROMISING = [text for name, text in PAGES.items() if name not in _TELLING_PAGES]
# Parts that lead on to other pages, or have figures that were measured once.
_TELLING = frozenset(
    {"Go on", "What else stops a wrong run", "What is not known", "What auto reaches"}
)


class _File(NamedTuple):
    """A file of tests: what it says that it proves, and what it does."""

    said: str
    """The names and docstrings of its tests, and its own."""
    done: str
    """Its code and that of the modules beside the tests that it imports, without any docstring."""


@functools.cache
def _files() -> tuple[_File, ...]:
    """Those that have tests; a file with nothing but a docstring proves nothing."""
    paths = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    found = [_read(path) for path in paths]
    return tuple(file for file in found if "def test_" in file.done)


def _read(path: Path) -> _File:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            said.append(f"{getattr(node, 'name', path.name)}: {docstring or ''}")
            if docstring is not None:
                del node.body[0]
    done = [ast.unparse(tree), *(_code(module) for module in _beside(tree))]
    return _File("\n".join(" ".join(each.split()) for each in said), "\n".join(done))


def _beside(tree: ast.Module) -> list[str]:
    """The modules that are no tests themselves and that a file of tests imports."""
    names = [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [name for name in names if re.fullmatch(r"tests\.(?!.*\btest_).*", name)]


@functools.cache
def _code(module: str) -> str:
    path = TESTS.parent.joinpath(*module.split(".")).with_suffix(".py")
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@functools.cache
def said() -> str:
    """What all files say that they prove; read when the first test asks."""
    return "\n".join(file.said for file in _files())


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
    """And the file that names it does something with it: it types it, or sets its field."""
    name = option.removeprefix("--").replace("-", "_")
    named = re.compile(rf"{option}(?![a-z-])")
    done = re.compile(rf"{option}(?![a-z-])|\b{name}")
    claims = [file for file in _files() if option in file.said and named.search(file.said)]
    assert claims, f"no test says that it is about {option}"
    assert any(done.search(file.done) for file in claims), f"nothing is done with {option} there"


@pytest.mark.parametrize("heading", _headings())
def test_every_heading_is_in_the_docstring_of_a_test_that_proves_it(heading: str) -> None:
    assert f'"{heading}"' in said(), f"no test says that it proves what README {heading!r} says"


@pytest.mark.parametrize("promise", _promises())
def test_every_promise_is_in_the_docstring_of_a_test_that_proves_it(promise: str) -> None:
    """README "What it promises; each has a test": a test quotes how the line begins."""
    assert f"README: {promise}" in said(), f"no test says that it proves {promise!r}"


def test_options_headings_and_promises_are_found() -> None:
    assert len(_options()) > 90
    assert len(_headings()) > 90
    assert len(_promises()) > 10
