"""How a roster is to be read, as one record."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bulkagent.errors import RosterRefused

# An agent ID has three to six digits on every gateway known; the memory of repeats is sized by it.
HIGHEST_AGENT = 999_999


class RosterRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a roster is to be read; the defaults suit a UTF-8 export with a header.

    Raises:
        RosterRefused: a choice that no roster could satisfy.
    """

    encoding: str | None = None
    """A codec's name; None: UTF-8, or UTF-16 where a byte order mark says so."""
    delimiter: str | None = None
    """A comma, semicolon, tab or pipe, or one of these words; None: detected."""
    agent_column: str | None = None
    """The header of the agent column; None: found by its usual names."""
    flag: int | None = None
    """The flag of every row, 1 or 0; None: the roster has a flag column."""
    require_flag: bool = True
    """Whether a roster without any flag is refused."""
    agent_id_range: tuple[int, int] = (101, 59999)
    """The lowest and the highest agent ID, both allowed; within 1 to 999999."""
    agent_id_ranges: Mapping[str, tuple[int, int]] = {}
    """The same for the gateways that have a range of their own, by name."""
    gateways: frozenset[str] | None = None
    """The names that a gateway cell may have; None: any well-formed name."""
    default_gateway: str = ""
    """The gateway of rows that name none."""
    guid_required: bool | None = False
    """Whether the roster is the only source of GUIDs; None: it is, if it has a column of them."""

    sends: bool = False
    """Whether it is read to be sent: then a file that cannot be opened means that nothing was."""

    def __post_init__(self) -> None:
        if self.flag not in {None, 0, 1}:
            raise RosterRefused(f"the flag is {self.flag}; it must be 1 or 0")
        for low, high in (self.agent_id_range, *self.agent_id_ranges.values()):
            if 1 <= low <= high <= HIGHEST_AGENT:
                continue
            raise RosterRefused(
                f"the agent ID range {low} to {high} is not within 1 to {HIGHEST_AGENT}; "
                "give the lowest agent ID first"
            )
