"""Settings under the names that they had before: of programs, and of what ledgers have kept.

Three fields became two, each of one type of several: `auto` is an `Adaptive` concurrency, and
`halt_share` and `halt_count` are what `halt` may be. A ledger keeps the former names, so that a run
is understood by the versions before and after.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.units import Adaptive, HaltAtCount, HaltAtShare, concurrency

FORMER = frozenset({"auto", "halt_share", "halt_count"})
"""The names that are gone."""

_USUAL_CONCURRENCY = 16
"""What a version that knows no `Adaptive` reads beside the bounds."""


class FormerLimitsAt(TypedDict, total=False):
    """What a gateway has for itself, as a ledger keeps it."""

    concurrency: int
    auto: tuple[int, int] | None
    per_second: float | None
    burst: int
    agent_id_range: tuple[int, int]


def from_former(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields in which those of former names are what they are now.

    Raises:
        SettingsRefused: A halt at a share and one at a number are both given.
    """
    found = {name: value for name, value in fields.items() if name not in FORMER}
    if fields.get("auto") is not None:
        bounds = "-".join(map(str, fields["auto"]))
        found["concurrency"] = concurrency(f"auto:{bounds}")
    share, count = fields.get("halt_share"), fields.get("halt_count")
    if share is not None and count is not None:
        raise SettingsRefused("a run halts at a share or at a number of agents, not at both")
    if {"halt_share", "halt_count"} & fields.keys():
        found["halt"] = (
            HaltAtShare(share)
            if share is not None
            else HaltAtCount(count)
            if count is not None
            else None
        )
    return found


def to_former(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields under the names that a ledger keeps them by."""
    kept = {name: value for name, value in fields.items() if name != "halt"}
    if "concurrency" in fields:
        limit = fields["concurrency"]
        adaptive = isinstance(limit, Adaptive)
        kept["concurrency"] = _USUAL_CONCURRENCY if adaptive else limit
        kept["auto"] = (limit.least, limit.most) if adaptive else None
    if "halt" in fields:
        halt = fields["halt"]
        kept["halt_share"] = halt.share if isinstance(halt, HaltAtShare) else None
        kept["halt_count"] = halt.agents if isinstance(halt, HaltAtCount) else None
    return kept


def limits_to_former(limits: Mapping[str, Any]) -> dict[str, Any]:
    """What a gateway has for itself, as a ledger keeps it: one of the two names at most."""
    kept = to_former(limits)
    if kept.get("auto") is not None:
        del kept["concurrency"]
    else:
        kept.pop("auto", None)
    return kept


if TYPE_CHECKING:
    _OfRecords = msgspec.StructMeta
else:
    _OfRecords = type(msgspec.Struct)  # which has no name before msgspec 0.20


class FormerNames(_OfRecords):
    """Has a record take the former names of its fields, with a warning."""

    def __call__(self, *args: Any, **fields: Any) -> Any:
        """Make the record."""
        given = sorted(FORMER & fields.keys())
        if given:
            _warn_of(given, by=3)
            fields = from_former(fields)
        return super().__call__(*args, **fields)


class FormerAttributes(msgspec.Struct, frozen=True, metaclass=FormerNames):
    """Settings that can still be read by their former names."""

    @property
    def auto(self) -> tuple[int, int] | None:
        """Deprecated: the bounds of an adaptive `concurrency`."""
        found: tuple[int, int] | None = _former(self, "auto", "concurrency")
        return found

    @property
    def halt_share(self) -> float | None:
        """Deprecated: the share at which `halt` halts."""
        found: float | None = _former(self, "halt_share", "halt")
        return found

    @property
    def halt_count(self) -> int | None:
        """Deprecated: the number of agents at which `halt` halts."""
        found: int | None = _former(self, "halt_count", "halt")
        return found


def _former(record: object, name: str, now: str) -> Any:
    _warn_of([name], by=4)
    return to_former({now: getattr(record, now)})[name]


def _warn_of(names: list[str], *, by: int) -> None:
    """Say that names are former ones to the caller so many calls up."""
    told = "; ".join(f"{name} is {_NOW[name]}" for name in names)
    warnings.warn(f"Settings: {told}", DeprecationWarning, stacklevel=by)


_NOW = {
    "auto": "concurrency=Adaptive(least, most)",
    "halt_share": "halt=HaltAtShare(share)",
    "halt_count": "halt=HaltAtCount(agents)",
}
