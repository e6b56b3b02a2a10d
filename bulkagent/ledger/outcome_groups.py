"""Rows of a run that ended in the same way, counted one by one without room for all of them."""

from __future__ import annotations

import msgspec

from bulkagent.model import Cause, Status


class ConnectionFailure(msgspec.Struct, frozen=True):
    """What was said of connections."""

    said: str
    gateways: tuple[str, ...]
    """Those of which it was said; none where they are too many to name."""


class CommonEnding(msgspec.Struct, frozen=True):
    """What holds for every row of a group, beside status and cause."""

    failures: tuple[ConnectionFailure, ...] = ()
    """What was said of the connections of all; none where of one nothing was."""
    retcode: str = ""
    """The one that all of them were answered; "" where they are none or several."""


class OutcomeGroup(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows that ended in the same way."""

    status: Status
    cause: Cause
    count: int
    agents: tuple[str, ...]
    """The first few."""
    reason: str = ""
    """What was said of the first one, where it says more than the cause: of connections."""
    common: CommonEnding = CommonEnding()
    """For people: not among the keys that programs were promised."""


class GroupTally:
    """The rows of one status and cause, as they are read.

    Args:
        status: Of all of them.
        cause: Of all of them.
    """

    def __init__(self, status: str, cause: str) -> None:
        self._status = Status(status)
        self._cause = Cause(cause)
        self._count = 0
        self._agents: list[str] = []
        self._first_said = ""
        self._gateways: dict[str, dict[str, None]] = {}
        self._retcodes: set[str] = set()

    def add(self, agent_id: str, gateway: str, retcode: str, said: str) -> None:
        """Count a row; `said` is of its connection."""
        self._count += 1
        if len(self._agents) < _SAMPLE:
            self._agents.append(agent_id)
        if self._count == 1:
            self._first_said = said
        if len(self._retcodes) <= 1:
            self._retcodes.add(retcode)
        if said in self._gateways or len(self._gateways) <= _NAMED:
            of_it = self._gateways.setdefault(said, {})
            if len(of_it) <= _NAMED:
                of_it[gateway] = None

    def group(self) -> OutcomeGroup:
        """All of them together."""
        known = "" not in self._gateways and len(self._gateways) <= _NAMED
        failures = [
            ConnectionFailure(said, tuple(names) if len(names) <= _NAMED else ())
            for said, names in self._gateways.items()
        ]
        retcode = next(iter(self._retcodes)) if len(self._retcodes) == 1 else ""
        return OutcomeGroup(
            *(self._status, self._cause, self._count, tuple(self._agents), self._first_said),
            CommonEnding(tuple(failures) if known else (), retcode),
        )


_SAMPLE = 3
_NAMED = 4
"""More gateways than these are not named, and more that was said of connections is not told."""
