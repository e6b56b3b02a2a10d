"""The tree of errors as it is drawn, against the tree as it is."""

from __future__ import annotations

import re

import pytest

import bulkagent
from bulkagent import errors
from bulkagent.errors import BadRow, BulkagentError, RosterRefused


def drawn() -> dict[str, tuple[str | None, int | None]]:
    """Each name of the docstring's tree with its parent and its exit code."""
    assert errors.__doc__ is not None
    _, tree, _ = errors.__doc__.split("```")
    found: dict[str, tuple[str | None, int | None]] = {}
    path: list[str] = []
    for line in tree.strip().splitlines():
        match = re.match(r"([│├└─ ]*)(\w+) +(\d+)?", line)
        assert match is not None, line
        depth = len(match[1]) // 4
        del path[depth:]
        found[match[2]] = (path[-1] if path else None, int(match[3]) if match[3] else None)
        path.append(match[2])
    return found


def actual(root: type[BulkagentError]) -> dict[str, type[BulkagentError]]:
    below = [actual(kind) for kind in root.__subclasses__() if kind.__module__ == errors.__name__]
    return {root.__name__: root} | {name: kind for tree in below for name, kind in tree.items()}


def test_the_drawing_has_every_class_in_its_place_with_its_exit_code() -> None:
    kinds = actual(BulkagentError)
    tree = drawn()
    assert set(tree) == set(kinds)
    for name, (parent, exit_code) in tree.items():
        kind = kinds[name]
        if parent is None:
            assert kind is BulkagentError
            continue
        assert kind.__bases__ == (kinds[parent],)
        assert kind.exit_code == exit_code


def test_every_error_can_be_imported_from_the_package() -> None:
    assert set(errors.__all__) == {*actual(BulkagentError), "BadRow"}
    for name in errors.__all__:
        assert getattr(bulkagent, name) is getattr(errors, name)


@pytest.mark.parametrize("kind", actual(BulkagentError).values(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_was_given(kind: type[BulkagentError]) -> None:
    assert str(kind("what happened; what to do")) == "what happened; what to do"
    assert kind.exit_code in {1, 2, 5, 6, 130}
    assert kind.__doc__


def test_a_refused_roster_carries_its_defects() -> None:
    defect = BadRow(row=2, column="agent_id", reason="empty")
    assert RosterRefused("3 rows are bad", (defect,)).bad_rows == (defect,)
    assert RosterRefused("it is empty").bad_rows == ()
