"""Which column means what, decided by the header alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from bulkagent.errors import RosterRefused
from bulkagent.roster.header_names import plain
from bulkagent.roster.rules import RosterRules
from bulkagent.roster.sanitize import shown

ABSENT = -1

# As normalised by `plain`. A column of staff names must not be among them: two candidates
# refuse the roster.
_AGENT = frozenset(
    {
        "agent",
        "agentid",
        "agentno",
        "agentnum",
        "agentnumber",
        "workid",
        "workno",
        "worknumber",
        "工号",
        "座席id",
        "座席号",
        "座席工号",
        "坐席id",
        "坐席号",
        "坐席工号",
    }
)

# Never kept, whatever stands around these words: a report must not carry a credential.
_SECRET = (
    *("guid", "password", "passwd", "pwd", "cookie", "token", "secret", "session"),
    *("密码", "口令", "令牌"),
)

# A first cell made of these alone is a row, if a bad one, and no header.
_NUMBER_LIKE = re.compile(r"(?=.*\d)[\d+\-.,'eE ]+")

# Names the agent column of a roster without a header, where a row has to name one.
_UNNAMED_AGENT = "agent_id"


class Columns(msgspec.Struct, frozen=True):
    """Positions and names of the columns; a position is `ABSENT` where there is none."""

    has_header: bool
    names: tuple[str, ...]
    """As written but harmless to show; nameless ones at the end are not counted."""
    agent: int
    flag: int
    gateway: int
    guid: int
    kept: tuple[int, ...]
    kept_names: tuple[str, ...]
    has_secret: bool
    """Whether any column holds credentials, the guid column or another."""

    def name(self, position: int) -> str:
        """The column's name for a reason; positions beyond the header have a number."""
        if not self.has_header and position == self.agent:
            return _UNNAMED_AGENT
        beyond = position >= len(self.names)
        return f"column {position + 1}" if beyond else self.names[position]


def agent_candidates(header: Sequence[str], agent_column: str | None) -> list[int]:
    """The positions at which a header has the agent column, by its usual names or by its own."""
    if agent_column is None:
        return [at for at, name in enumerate(header) if plain(name) in _AGENT]
    exact = [at for at, name in enumerate(header) if name == agent_column.strip()]
    return exact or [at for at, name in enumerate(header) if plain(name) == plain(agent_column)]


def find_columns(first: Sequence[str], line: int, rules: RosterRules) -> Columns:
    """The columns by the first record, which may also be the first of one-cell rows.

    Args:
        first: its cells, without surrounding blanks.
        line: the line on which it begins.
        rules: may name the agent column.

    Raises:
        RosterRefused: no agent column, or two columns for one meaning.
    """
    agents = agent_candidates(first, rules.agent_column)
    if not agents:
        return _without_header(first, line, rules)
    agent = _only(agents, first, "the agent column", "name it with --agent-column")
    if _is_secret(first[agent]):
        raise RosterRefused(
            f"the column '{shown(first[agent])}' holds credentials, so it cannot be the agent "
            "column; name another with --agent-column"
        )
    flag, gateway, guid = (
        _only(
            [at for at, name in enumerate(first) if at != agent and plain(name) == meaning],
            first,
            f"the {meaning} column",
            "rename or remove one",
        )
        for meaning in ("flag", "gateway", "guid")
    )
    width = max(at + 1 for at, name in enumerate(first) if name)
    kept = tuple(
        at
        for at in range(width)
        if at not in {agent, flag, gateway, guid} and not _is_secret(first[at])
    )
    return Columns(
        has_header=True,
        names=tuple(shown(name) or f"column {at + 1}" for at, name in enumerate(first[:width])),
        agent=agent,
        flag=flag,
        gateway=gateway,
        guid=guid,
        kept=kept,
        kept_names=_each_once([_kept_name(first[at], at) for at in kept]),
        has_secret=any(_is_secret(name) for name in first),
    )


def _without_header(first: Sequence[str], line: int, rules: RosterRules) -> Columns:
    filled = [at for at, cell in enumerate(first) if cell]
    wanted = "no agent column" if rules.agent_column is None else "no such agent column"
    if rules.agent_column is None and filled == [0] and _NUMBER_LIKE.fullmatch(first[0]):
        return Columns(
            has_header=False,
            names=("",),
            agent=0,
            flag=ABSENT,
            gateway=ABSENT,
            guid=ABSENT,
            kept=(),
            kept_names=(),
            has_secret=False,
        )
    if first[0] and _NUMBER_LIKE.fullmatch(first[0]):
        raise RosterRefused(
            f"line {line} has {len(filled)} cells and no header; begin the roster with a line "
            "that names its columns, such as agent_id,flag"
        )
    names = ", ".join(f"'{shown(first[at])}'" for at in filled[:8])
    raise RosterRefused(
        f"{wanted} in line {line}, which has {names}. Name the column agent_id, or give its name"
        " with --agent-column; where the columns look joined, give --delimiter"
    )


def _only(found: list[int], header: Sequence[str], meaning: str, advice: str) -> int:
    if len(found) > 1:
        names = " and ".join(f"'{shown(header[at])}' (column {at + 1})" for at in found[:4])
        raise RosterRefused(f"{names} could each be {meaning}; {advice}")
    return found[0] if found else ABSENT


def _is_secret(name: str) -> bool:
    written = plain(name)
    return any(word in written for word in _SECRET)


def _kept_name(name: str, position: int) -> str:
    # A report's header is read by people and programs alike: escaped, but cut late.
    return shown(name, longest=200) or f"column_{position + 1}"


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    taken: set[str] = set(names)
    given: set[str] = set()
    result: list[str] = []
    for name in names:
        unique, number = name, 1
        while unique in given or (number > 1 and unique in taken):
            number += 1
            unique = f"{name}_{number}"
        given.add(unique)
        result.append(unique)
    return tuple(result)
