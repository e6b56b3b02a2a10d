"""Rosters as tests write them, and what came of reading one."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TypedDict, Unpack

from bulkagent.roster import Layout, Retraction, Roster, RosterRow, RosterRules

GUID = "7f3c1b52-9d1e-4c55-8a53-0d2b6f9e4a11"


class RuleSettings(TypedDict, total=False):
    encoding: str | None
    delimiter: str | None
    agent_column: str | None
    flag: int | None
    require_flag: bool
    sends: bool
    agent_id_range: tuple[int, int]
    agent_id_ranges: Mapping[str, tuple[int, int]]
    gateways: frozenset[str] | None
    default_gateway: str
    guid_required: bool | None


def everything(
    content: bytes | str, **settings: Unpack[RuleSettings]
) -> tuple[Layout, list[RosterRow | Retraction]]:
    """The layout, and rows and retractions in their order."""
    data = content.encode() if isinstance(content, str) else content
    with Roster("-", rules(**settings), stdin=io.BytesIO(data)) as roster:
        return roster.layout, list(roster.rows())


def rows_of(content: bytes | str, **settings: Unpack[RuleSettings]) -> list[RosterRow]:
    """The rows alone."""
    return [row for row in everything(content, **settings)[1] if isinstance(row, RosterRow)]


def layout_of(content: bytes | str, **settings: Unpack[RuleSettings]) -> Layout:
    return everything(content, **settings)[0]


def only_row(content: bytes | str, **settings: Unpack[RuleSettings]) -> RosterRow:
    (row,) = rows_of(content, **settings)
    return row


def agents(content: bytes | str, **settings: Unpack[RuleSettings]) -> list[tuple[int, str]]:
    """Line and agent ID of every row, each of which has to be valid."""
    found = rows_of(content, **settings)
    assert [row.reason for row in found if row.status is not None] == []
    return [(row.row, row.agent_id) for row in found]


def rules(**settings: Unpack[RuleSettings]) -> RosterRules:
    """Rules under which a roster needs no flag, unless a test says otherwise."""
    settings.setdefault("require_flag", False)
    return RosterRules(**settings)
