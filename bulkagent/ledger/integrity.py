"""Whether a ledger is made of what bulkagent makes ledgers of, and of nothing else.

A trigger, a view, an index on an expression or a default of a column works behind the back of
every statement that bulkagent carries out. So no ledger is used that has one too many, one too few,
or one that reads otherwise.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

from bulkagent.ledger.formats import FORMAT_1, MIGRATIONS, VIEWS
from bulkagent.ledger.schema import SCHEMA, VERSION

OBJECTS = "SELECT type, name, tbl_name, sql, rootpage FROM sqlite_schema"
"""What has to be asked of a file: its objects, each as the fields of `Object`."""


class SchemaObject(NamedTuple):
    """One row of `sqlite_schema`."""

    kind: str
    name: str
    table: str
    sql: str | None
    """None: an index that SQLite made by itself."""
    page: int | None
    """Where its content begins; 0 or None: it has none."""


def oddity(objects: Iterable[SchemaObject], version: int) -> str:
    """What is wrong with a ledger of a format, in words; "" where nothing is.

    Comments and white space do not count: a statement that a migration has added to is spelled
    otherwise than the same one of a new ledger.
    """
    found = list(objects)
    there = Counter(_identity(each) for each in found)
    known = _known(version)
    for each in found:
        if _identity(each) in _STATISTICS:
            continue
        if _identity(each) not in known:
            same = any(other[:2] == (each.kind, each.name) for other in known)
            return (
                f"its {each.kind} {each.name!r} is not as bulkagent makes it"
                if same
                else f"it has a {each.kind} {each.name!r}, which bulkagent does not make"
            )
        if there[_identity(each)] > 1:
            return f"it has the {each.kind} {each.name!r} twice"
    for kind, name, _, _ in known - there:
        return f"it has no {kind} {name!r}"
    pages = Counter(each.page for each in found if each.kind in {"table", "index"})
    if any(not page or count > 1 for page, count in pages.items()):
        return "two of its tables have one content"
    return ""


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


# Far beyond any of ours; one that is longer is not worth taking apart.
_LONGEST = 10_000

_Identity = tuple[str, str, str, tuple[str, ...]]


def _identity(each: SchemaObject) -> _Identity:
    return each.kind, each.name, each.table, _tokens(each.sql or "")


@functools.lru_cache(maxsize=256)
def _tokens(sql: str) -> tuple[str, ...]:
    """A statement's words and signs, without comments and white space."""
    # SQLite reads no further than a NUL; what follows would be there for this look alone.
    if len(sql) > _LONGEST or "\0" in sql:
        return (sql,)
    return tuple(
        match[0]
        for match in _TOKEN.finditer(sql)
        if not match[0].isspace() and not match["comment"]
    )


# As SQLite's own tokenizer takes them; what it would not is a sign each, and so is no known one.
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|'(?:[^']|'')*'"
    r'|"(?:[^"]|"")*"'
    r"|`(?:[^`]|``)*`"
    r"|\[[^\]]*\]"
    r"|[ \t\n\f\r]+"
    r"|[\w$]+"
    r"|.",
    re.DOTALL,
)

# What ANALYZE leaves, which a person may have run: it sways how fast an answer is found, not which.
_STATISTICS = frozenset(
    ("table", name, name, _tokens(f"CREATE TABLE {name}({columns})"))
    for name, columns in (
        ("sqlite_stat1", "tbl,idx,stat"),
        ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"),
    )
)


@functools.cache
def _known(version: int) -> Counter[_Identity]:
    """The objects of a ledger of a format: those that SQLite itself makes of its statements."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in _script(version):
            connection.execute(statement)
        return Counter(_identity(SchemaObject(*row)) for row in connection.execute(OBJECTS))


def _script(version: int) -> Iterator[str]:
    if version == VERSION:
        yield from statements(SCHEMA)
        return
    yield from statements(FORMAT_1)
    yield VIEWS[1]
    for step in range(1, version):
        yield from statements(MIGRATIONS[step])
    yield "DROP VIEW stories"
    yield VIEWS[version]
