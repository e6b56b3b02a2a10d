"""How sessions are authenticated and kept alive: the gateway's own settings, as one record."""

from __future__ import annotations

import enum

import msgspec

LONGEST_MS = 86_400_000
"""One day: longer than any run against an emulated gateway."""


class Authentication(enum.StrEnum):
    """The gateway's setting AUTHMODE (page 0005)."""

    STATIC = "static"
    """AUTHMODE 1: the GUID of the sign-in is good for the whole session."""
    DYNAMIC = "dynamic"
    """AUTHMODE 2, the vendor's default: the GUID is renewed again and again."""


class SessionRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long a session and its GUID live; all times in milliseconds, as the gateway's are.

    Raises:
        ValueError: a time is out of range, or the interval is not below the timeout.
    """

    authentication: Authentication = Authentication.STATIC
    guid_interval_ms: int = 60_000
    """GUIDINTERVAL (page 0005): so long after its issue, a GUID is due for renewal; 1 to a day."""
    guid_timeout_ms: int = 120_000
    """GUIDTIMEOUT (page 0005): so long after its issue, a GUID is dead; above the interval."""
    poll_wait_ms: int = 10_000
    """How long a poll waits for an event (page 1274: 100 times 100 ms); 0 to a day."""
    poll_timeout_ms: int = 120_000
    """So long without a poll or heartbeat, an agent is signed out (pages 1202, 1204)."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__[1:]:
            value: int = getattr(self, name)
            lowest = 0 if name == "poll_wait_ms" else 1
            if not lowest <= value <= LONGEST_MS:
                raise ValueError(f"{name} is {value}: give {lowest} to {LONGEST_MS} milliseconds")
        if self.guid_interval_ms >= self.guid_timeout_ms:
            raise ValueError(
                f"the GUID interval ({self.guid_interval_ms} ms) is not below the GUID timeout"
                f" ({self.guid_timeout_ms} ms), so every GUID would die before it is renewed"
            )

    @property
    def is_dynamic(self) -> bool:
        """Whether GUIDs are renewed and die."""
        return self.authentication is Authentication.DYNAMIC
