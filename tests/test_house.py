"""The house: sizes of folders, modules and classes, names that stand for one thing, faces."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.documents import DOCUMENTS

PACKAGE = Path(__file__).parent.parent / "bulkagent"

ROOMS_WITH_COMPOSITION = ("run", "engine", "cli", "emulator")
MOST_AT_A_ROOT = 8
MOST_MODULES = 20
WIDE = {"ledger", "gateway"}
"""Flat on purpose: each module is one noun of one thing."""
MOST_LINES = 350
MOST_CLASS_LINES = 250
MOST_METHODS = 20

ONE_THING_TWICE = {
    "AgentState": "the states of page 0581; the emulator must not share the client's reading of it",
}
"""Class names that two modules have for the same thing, and why there are two."""

NOUNS = {"blocking", "spelling", "warning"}
"""Words that end in -ing and say what a module is, or what its calls do."""
WEAK = re.compile(r"(\A|_)(utils?|helpers?|managers?|common|misc)(_|\Z)")

TIMED = frozenset({"blocking.py", "run/outputs/background_writer.py"})
BLOCKS = re.compile(r"(\A|\.)(to_thread|run_in_executor)(\.|\Z)|\Atime\.sleep\Z")
"""What makes a call in a thread, or blocks one: for `bulkagent.blocking` alone."""

FACE = ("What may live here:", "must not know:")
OF_USERS = {"errors.py", "__main__.py"}
"""Modules whose `__all__` is a promise to users, or that are run."""

HEADLESS = re.compile(r"\b[Ww]ho(m?ever|soever)\b|(?:\A|[.;:] )[Ww]ho(se|m)?\b(?![^.]*\?)")
TESTS = Path(__file__).parent


@cache
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """Path inside the package, text and syntax of each module."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append((path.relative_to(PACKAGE).as_posix(), text, ast.parse(text)))
    return tuple(found)


def classes(found: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef]:
    """Those of a module, and those inside them."""
    for part in found.body:
        if isinstance(part, ast.ClassDef):
            yield part
            yield from classes(part)


def names(tree: ast.Module) -> Iterator[str]:
    """Each dotted name in a module, those that it imports too."""
    for part in ast.walk(tree):
        match part:
            case ast.Attribute():
                yield ast.unparse(part)
            case ast.Import(found):
                yield from (alias.name for alias in found)
            case ast.ImportFrom(home, found):
                yield from (f"{home}.{alias.name}" for alias in found)


def is_face(name: str) -> bool:
    return name.endswith("/__init__.py")


def doc_of(tree: ast.Module) -> str:
    return " ".join((ast.get_docstring(tree) or "").split())


def too_big(sizes: dict[str, int], most: int) -> list[str]:
    return [f"{name} has {size}, allowed are {most}" for name, size in sizes.items() if size > most]


def test_at_the_root_of_a_room_is_what_puts_it_together() -> None:
    files = {
        f"bulkagent/{room}/": len([*(PACKAGE / room).glob("*.py")]) - 1
        for room in ROOMS_WITH_COMPOSITION
    }
    assert not too_big(files, MOST_AT_A_ROOT), "move modules into the folders of the room"


def test_a_folder_can_be_seen_at_a_glance() -> None:
    folders = {
        str(face.parent.relative_to(PACKAGE)): len([*face.parent.glob("*.py")]) - 1
        for face in PACKAGE.rglob("__init__.py")
        if face.parent.name not in WIDE
    }
    assert not too_big(folders, MOST_MODULES), "give the folder folders"


def test_a_module_can_be_read_at_once() -> None:
    lines = {name: text.count("\n") for name, text, _ in modules()}
    assert not too_big(lines, MOST_LINES), "split the module along its nouns"


def test_a_class_can_be_read_at_once() -> None:
    """But for those of engine/, which are rebuilt with the simulation as their judge."""
    lines: dict[str, int] = {}
    methods: dict[str, int] = {}
    for name, _, tree in modules():
        if name.startswith("engine/"):
            continue
        for found in classes(tree):
            known = f"{found.name} in {name}"
            lines[known] = (found.end_lineno or 0) - found.lineno + 1
            methods[known] = sum(
                isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in found.body
            )
    assert not too_big(lines, MOST_CLASS_LINES), "lines: give a part of the class a class"
    assert not too_big(methods, MOST_METHODS), "methods: give a part of the class a class"


def test_no_class_name_stands_for_two_things() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, _, tree in modules():
        for found in classes(tree):
            if not found.name.startswith("_"):
                places[found.name].append(f"{name}:{found.lineno}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert twice.keys() == ONE_THING_TWICE.keys(), f"rename one of each: {twice}"


def test_a_module_is_named_by_a_noun() -> None:
    wrong = []
    for name, _, _ in modules():
        own = name.rpartition("/")[2].removesuffix(".py")
        last = own.rpartition("_")[2]
        if WEAK.search(own) or (last.endswith("ing") and last not in NOUNS):
            wrong.append(name)
    assert not wrong, "name each by what it holds"


def test_calls_that_block_are_made_by_way_of_one_module() -> None:
    """Threads and sleep of others would be out of the simulation's sight."""
    found = [name for name, _, tree in modules() if any(map(BLOCKS.search, names(tree)))]
    assert found == ["blocking.py"], "use `in_thread`, `own_thread` or `pause`"
    timed = [name for name, _, tree in modules() if "time.monotonic" in names(tree)]
    odd = [name for name in timed if not name.startswith("cli/") and name not in TIMED]
    assert not odd, "use a Clock, or `blocking.monotonic` beside `pause`"


def test_every_folder_says_what_may_live_in_it() -> None:
    silent = [
        name
        for name, _, tree in modules()
        if is_face(name) and not all(words in doc_of(tree) for words in FACE)
    ]
    assert not silent, f"its docstring has to say {FACE}"


def test_what_the_face_of_a_folder_says_is_not_said_again_inside() -> None:
    """Neither what may live there, nor which names are for others."""
    again = [
        name
        for name, text, tree in modules()
        if not is_face(name)
        and name not in {"__init__.py", *OF_USERS}
        and (FACE[0] in doc_of(tree) or re.search(r"^__all__\b", text, re.MULTILINE))
    ]
    assert not again, "take it out"


def test_a_relative_clause_has_a_noun() -> None:
    """In docstrings and comments, of tests too: the agent who, the setting that."""
    headless = [
        f"{path}:{token.start[0]}"
        for path in (*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py"))
        if path != Path(__file__)
        for text in [path.read_text(encoding="utf-8")]
        if re.search(r"\b[Ww]ho", text)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT or token.string.startswith(('"""', 'r"""'))
        if HEADLESS.search(" ".join(token.string.strip('r#" \n').split()))
    ]
    assert not headless, "say who it is"


def test_the_modules_that_readme_and_guide_name_exist() -> None:
    named = re.findall(r"`([a-z]+/[a-z_/]+\.py)`", "\n".join(DOCUMENTS.values()))
    assert named
    places = (PACKAGE, PACKAGE.parent)
    assert not [path for path in named if not any((place / path).exists() for place in places)]
