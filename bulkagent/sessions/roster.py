"""The agents of a hold: a roster with passwords in, sign-ins out.

No password is in any message, nor in any `repr`.

An agent is signed in as busy and does not answer by itself. A session without a person would
otherwise take callers off their queue, and a phone would ring that nobody picks up. No column
changes that, because a column `status` may be there for other reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from bulkagent.errors import BadRow, GuardrailRefused, RosterRefused
from bulkagent.gateway.session_requests import SIGN_IN_FIELDS, FieldKind, SignIn
from bulkagent.model import Status
from bulkagent.roster import Retraction, Roster, RosterRow, RosterRules

BUSY = 3
"""Page 1202: 3 busy, 4 idle, 5 wrap-up."""

_CHOSEN = ("status", "autoanswer")

COLUMNS = tuple(name for name in SIGN_IN_FIELDS if name not in _CHOSEN)
"""The fields of a sign-in that a roster may have columns for."""

_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "yes"), True),
    **dict.fromkeys(("false", "0", "no"), False),
}
_LONGEST_NUMBER = 9


class SignInChoice(msgspec.Struct, frozen=True):
    """The fields of a sign-in that are the same for all agents."""

    status: int = BUSY
    auto_answer: bool = False
    password: str = ""
    """Of agents without one in the roster."""

    def __repr__(self) -> str:
        return f"<SignInChoice status {self.status}, auto_answer {self.auto_answer}>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("status", self.status), ("auto_answer", self.auto_answer)]


class HoldRoster(msgspec.Struct, frozen=True):
    """The agents of a hold, in the order of the roster."""

    sign_ins: tuple[tuple[str, SignIn], ...]
    """Gateway and sign-in."""
    layout: str
    rows: int
    duplicates: int
    columns: tuple[str, ...]
    """The fields of a sign-in that the roster has columns for."""
    ignored: tuple[str, ...]
    """Columns named like fields that only an option can set."""
    readable_by_others: bool


def enrol(
    path: str,
    rules: RosterRules,
    choice: SignInChoice,
    *,
    max_agents: int | None = None,
    stdin: BinaryIO | None = None,
) -> HoldRoster:
    """Read a roster of agents to be signed in.

    Raises:
        RosterRefused: It cannot be read, or any row of it cannot be signed in.
        GuardrailRefused: It has more agents than `max_agents`.
    """
    enrolling = _Enrolling(choice)
    with Roster(path, rules, stdin=stdin, secret=(*COLUMNS, *_CHOSEN)) as roster:
        names = roster.secret.names
        for row in roster.rows():
            # Where no row has a flag, no row contradicts an earlier one.
            if not isinstance(row, Retraction):
                enrolling.take(row, roster.secret.of_row(row.row))
        layout = roster.layout.describe()
    if absent := enrolling.absent(names):
        raise RosterRefused(
            f"the roster has no column {' and no column '.join(absent)}; session hold needs a"
            " password (or BULKAGENT_SIGN_IN_PASSWORD) and a phonenum for each agent"
        )
    if enrolling.bad:
        raise RosterRefused(
            f"{len(enrolling.bad):,} of {enrolling.rows:,} rows cannot be signed in, so nothing"
            " was sent; correct them, or take them out",
            tuple(enrolling.bad),
        )
    if max_agents is not None and len(enrolling.found) > max_agents:
        raise GuardrailRefused(
            f"the roster has {len(enrolling.found):,} agents and --max-agents allows"
            f" {max_agents:,}, so nothing was sent; check that it is the right roster, then raise"
            " the limit"
        )
    return HoldRoster(
        sign_ins=tuple((gateway, sign_in) for (gateway, _), sign_in in enrolling.found.items()),
        layout=layout,
        rows=enrolling.rows,
        duplicates=enrolling.rows - len(enrolling.found),
        columns=tuple(name for name in names if name in COLUMNS),
        ignored=tuple(name for name in names if name in _CHOSEN),
        readable_by_others=path != "-" and bool(Path(path).stat().st_mode & 0o044),
    )


class _Enrolling:
    def __init__(self, choice: SignInChoice) -> None:
        self._choice = choice
        self.found: dict[tuple[str, str], SignIn] = {}
        self.bad: list[BadRow] = []
        self.rows = 0

    def absent(self, names: Sequence[str]) -> list[str]:
        """The columns that are missing and that a sign-in needs; none where no row is bad."""
        needed = ["phonenum"] if self._choice.password else ["password", "phonenum"]
        return [name for name in needed if name not in names] if self.bad else []

    def take(self, row: RosterRow, cells: Mapping[str, str]) -> None:
        self.rows += 1
        if row.status is Status.INVALID:
            self.bad.append(BadRow(row.row, row.column, row.reason))
            return
        if not row.gateway:
            self.bad.append(BadRow(row.row, "gateway", "names no gateway; give one with --gateway"))
            return
        fields: dict[str, str | bool | int] = {
            "status": self._choice.status,
            "autoanswer": self._choice.auto_answer,
        }
        given = {name: cells.get(name, "") for name in COLUMNS}
        given["password"] = given["password"] or self._choice.password
        for name, cell in given.items():
            if not cell:
                problem = _MISSING.get(name, "")
            else:
                value, problem = _read(name, cell)
                fields[name] = value
            if problem:
                self.bad.append(BadRow(row.row, name, problem))
                return
        key = (row.gateway, row.agent_id)
        sign_in = SignIn(row.agent_id, fields)
        if self.found.setdefault(key, sign_in) != sign_in:
            self.bad.append(
                BadRow(row.row, "", f"{row.reason} with another password or another field")
            )


_MISSING = {
    "password": "the password is missing, and BULKAGENT_SIGN_IN_PASSWORD has none",
    "phonenum": "the phone number is missing",
}


def _read(name: str, cell: str) -> tuple[str | bool | int, str]:
    """A cell as the field's value, and its defect or ""; never quotes a cell."""
    field: FieldKind = SIGN_IN_FIELDS[name]
    if field.kind is bool:
        value = _BOOLEANS.get(cell.lower())
        return (False, "must be true or false") if value is None else (value, "")
    if field.kind is int:
        if cell.isascii() and cell.isdigit() and len(cell) <= _LONGEST_NUMBER:
            return int(cell), ""
        return 0, "must be a number"
    if field.longest and len(cell) > field.longest:
        return "", f"is longer than {field.longest} characters, the interface's limit"
    if not cell.isprintable():
        return "", "has a character that does not print"
    return cell, ""
