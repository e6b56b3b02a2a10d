"""Credentials of requests for an agent, and their sources.

A GUID is a bearer credential (page 0005), and so is a cookie that goes with it: nothing here has
a `repr` that shows one.
"""

from __future__ import annotations

from array import array
from typing import Protocol

import msgspec

from bulkagent.model import Assignment


class Credential(msgspec.Struct, frozen=True, gc=False):
    """The GUID and the cookie of one agent's requests."""

    guid: str
    cookie: str = ""
    """The `Cookie` header that came with the GUID, for a load balancer's affinity."""
    issued_at: int | None = None
    """Time of day in milliseconds at which the gateway issued the GUID, where that is known."""

    def __repr__(self) -> str:
        return "<Credential>"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that it goes out as, spelled as the interface's pages do."""
        guid = {"Guid": self.guid}
        return {**guid, "Cookie": self.cookie} if self.cookie else guid

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown: the GUID, the cookie, and the cookie's values by themselves."""
        if not self.cookie:
            return (self.guid,)
        values = (part.partition("=")[2].strip() for part in self.cookie.split(";"))
        return (self.guid, self.cookie, *(value for value in values if value))


class SourceFailed(Exception):
    """A source could not say whether there is a credential; its text is for people."""


class CredentialSource(Protocol):
    """A source of the agents' current GUIDs."""

    async def credential(self, assignment: Assignment) -> Credential | None:
        """What the assignment's agent has now; None where there is nothing.

        Raises:
            SourceFailed: It cannot be said.
        """

    async def renewed(self, assignment: Assignment, refused: Credential, /) -> bool:
        """Whether asking again gives another credential than the one that was refused."""

    def fresh(self, credential: Credential, /) -> bool:
        """Whether it is surely the agent's newest, where `renewed` has just known no other."""


class PackedGuids:
    """GUIDs by roster row, for rosters that carry them.

    A million GUIDs take 179 MB in a dict of strings; end to end in one buffer with an offset
    a row they take little more than their own bytes, which is what keeps a large run small.
    """

    __slots__ = ("_bytes", "_ends")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])  # 4 GiB of GUIDs is about 80 million rows

    def __repr__(self) -> str:
        return f"<PackedGuids of {len(self._ends) - 1} rows>"

    def add(self, row: int, guid: str) -> None:
        """Keep the GUID of a row; rows come in rising order, and may be left out."""
        missing = row - len(self._ends)
        if missing < 0:
            raise ValueError(f"row {row} comes after row {len(self._ends) - 1}")
        if missing:
            self._ends.extend([len(self._bytes)] * missing)
        self._bytes += guid.encode("ascii")
        self._ends.append(len(self._bytes))

    async def credential(self, assignment: Assignment) -> Credential | None:
        """What came with the assignment's row."""
        guid = self.of_row(assignment.row)
        return Credential(guid) if guid else None

    async def renewed(self, _assignment: Assignment, _refused: Credential) -> bool:
        """A column stays as it is."""
        return False

    def fresh(self, _credential: Credential) -> bool:
        """Nobody knows how old it is."""
        return False

    def of_row(self, row: int) -> str | None:
        """The GUID that came with a row."""
        if row >= len(self._ends):
            return None
        packed = self._bytes[self._ends[row - 1] : self._ends[row]]
        return packed.decode("ascii") or None
