"""The limits of one gateway: how fast it is asked, and which agent IDs it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, cast

import msgspec

from bulkagent.units import Adaptive


class GatewayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """All that holds at one gateway; each field means what it means in `Settings`."""

    concurrency: int | Adaptive
    """Requests in flight at once."""
    per_second: float | None
    """Requests started a second; None: no limit."""
    burst: int
    """Requests that may start at once under `per_second`."""
    agent_id_range: tuple[int, int]
    """Lowest and highest agent ID."""

    @property
    def most_in_flight(self) -> int:
        """How many requests can be in flight at most."""
        limit = self.concurrency
        return limit.most if isinstance(limit, Adaptive) else limit


class LimitsAt(TypedDict, total=False):
    """Those of `GatewayLimits` that one gateway has for itself."""

    concurrency: int | Adaptive
    per_second: float | None
    burst: int
    agent_id_range: tuple[int, int]


def only(said: Mapping[str, LimitsAt], names: frozenset[str]) -> dict[str, LimitsAt]:
    """Of what is said of gateways, the limits of these names."""
    at = {
        gateway: {name: limit for name, limit in limits.items() if name in names}
        for gateway, limits in said.items()
    }
    return cast("dict[str, LimitsAt]", {gateway: left for gateway, left in at.items() if left})
