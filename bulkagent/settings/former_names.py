"""Settings under the names that they had before: of programs, and of what ledgers have kept.

Six fields became three, each of one type of several: `auto` is an `Adaptive` concurrency,
`halt_share` and `halt_count` are what `halt` may be, and `sessions`, `guid_url` and `guid_ca_file`
name the source of `guids`. A ledger keeps the former names, so that a run is understood by the
versions before and after.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.settings.guid_sources import WORDS, in_one, words_of
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


SHAPES: Mapping[str, Any] = {
    "concurrency": int,
    "auto": tuple[int, int] | None,
    "halt_share": float | None,
    "halt_count": int | None,
    "agent_id_range": tuple[int, int],
    "verify_with": tuple[str, ...],
    "at_gateways": dict[str, FormerLimitsAt],
    "sessions": str | None,
    "guid_url": str,
    "guid_ca_file": str | None,
}
"""What a ledger keeps otherwise than `Settings` has it."""


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
    kept = {name: value for name, value in fields.items() if name not in {"halt", "guids"}}
    if "guids" in fields:
        kept |= words_of(fields["guids"])
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


def accept_former(fields: Mapping[str, Any], *, by: int) -> dict[str, Any]:
    """Fields of `Settings` as a program gave them, with a warning of former names.

    Args:
        fields: By name.
        by: How many calls up from the warning the program is.

    Raises:
        SettingsRefused: Two of them do not go together.
    """
    given = sorted({*FORMER, *WORDS} & fields.keys())
    if not given:
        return dict(fields)
    _warn_of(given, by=by)
    return in_one(from_former(fields))


if TYPE_CHECKING:
    _OfRecords = msgspec.StructMeta
else:
    _OfRecords = type(msgspec.Struct)  # which has no name before msgspec 0.20


class FormerNames(_OfRecords):
    """Has a record take the former names of its fields, with a warning."""

    def __call__(self, *args: Any, **fields: Any) -> Any:
        """Make the record."""
        return super().__call__(*args, **accept_former(fields, by=4))


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

    @property
    def sessions(self) -> Path | None:
        """Deprecated: the sessions file that `guids` come from."""
        found: Path | None = _former(self, "sessions", "guids")
        return found

    @property
    def guid_url(self) -> str:
        """Deprecated: the service that `guids` come from."""
        found: str = _former(self, "guid_url", "guids")
        return found

    @property
    def guid_ca_file(self) -> Path | None:
        """Deprecated: the CA of the service that `guids` come from."""
        found: Path | None = _former(self, "guid_ca_file", "guids")
        return found


def _former(record: object, name: str, now: str) -> Any:
    _warn_of([name], by=4)
    return to_former({now: getattr(record, now)}).get(name)


def _warn_of(names: list[str], *, by: int) -> None:
    """Say that names are former ones to the caller so many calls up."""
    told = "; ".join(f"{name} is {_NOW[name]}" for name in names)
    warnings.warn(f"Settings: {told}", DeprecationWarning, stacklevel=by)


_NOW = {
    "auto": "concurrency=Adaptive(least, most)",
    "guid_ca_file": "guids=GuidService(url, ca_file)",
    "guid_url": "guids=GuidService(url)",
    "sessions": "guids=SessionsFile(path)",
    "halt_share": "halt=HaltAtShare(share)",
    "halt_count": "halt=HaltAtCount(agents)",
}
