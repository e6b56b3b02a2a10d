"""How the commands at work on one gateway divide what it allows to all of them together.

Everybody works the same parts out of the same records, so nobody has to decide for others. What
one command allows itself moves only within what the others do not allow themselves at that
moment: a command that comes later waits until the others have given way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec


class LimitPart(msgspec.Struct, frozen=True):
    """The limits within which one command sends to a gateway."""

    concurrency: int
    """Requests in flight at once, from 0 (a pause) on."""
    per_second: float
    """Requests started a second, from 0 (a pause) on; infinity: no limit."""

    @property
    def paused(self) -> bool:
        """Whether nothing may be sent."""
        return not self.concurrency or not self.per_second


class Member(msgspec.Struct, frozen=True):
    """What one command at work on a gateway has written down."""

    share: int
    """Its number, rising in the order in which commands came."""
    limit: LimitPart
    """What it was given for itself."""
    allowed: LimitPart
    """The most that it may have in flight, and start a second, until it writes again."""


class SharedPart(msgspec.Struct, frozen=True):
    """What a command has of a gateway's limits from a moment on."""

    part: LimitPart
    commands: int
    """How many commands there are together, at least 1."""


def divide(members: Sequence[Member]) -> dict[int, LimitPart]:
    """Each command's part by its number; together within the smallest limit of any of them.

    Where there are more commands than a limit has slots, or starts a second, each has one. One
    that is alone has its own limit, to the fraction; others have whole numbers, so that in no
    second there are more starts than the parts say together.
    """
    if not members:
        return {}
    if len(members) == 1:
        return {members[0].share: members[0].limit}
    slots = min(member.limit.concurrency for member in members)
    per_second = min(member.limit.per_second for member in members)
    parts: dict[int, LimitPart] = {}
    for at, member in enumerate(sorted(members, key=lambda member: member.share)):
        starts = math.inf
        if per_second < math.inf:
            starts = min(per_second, float(_part(int(per_second), len(members), at)))
        parts[member.share] = LimitPart(_part(slots, len(members), at), starts)
    return parts


def _part(whole: int, number: int, at: int) -> int:
    return max(1, whole // number + (at < whole % number))


def granted(own: Member, others: Sequence[Member]) -> LimitPart:
    """What a command may allow itself from now on.

    It gives way at once, and takes more only as far as the others have given way.

    Args:
        own: It; what it allows itself now.
        others: All others at work on the same gateway.
    """
    parts = divide([own, *others])
    part = parts[own.share]
    left = LimitPart(
        sum(part.concurrency for part in parts.values())
        - sum(other.allowed.concurrency for other in others),
        _left(
            [part.per_second for part in parts.values()],
            [other.allowed.per_second for other in others],
        ),
    )
    found = LimitPart(
        int(_next(part.concurrency, own.allowed.concurrency, left.concurrency)),
        _next(part.per_second, own.allowed.per_second, left.per_second),
    )
    # One without the other sends nothing, and would only keep it from those who could use it.
    return LimitPart(0, 0.0) if found.paused else found


def _left(parts: Sequence[float], taken: Sequence[float]) -> float:
    if math.inf in taken:
        # Either nobody has a limit, or one who had none does not know yet that there is one.
        return math.inf if math.inf in parts else 0.0
    return sum(parts) - sum(taken)


def _next(part: float, now: float, left: float) -> float:
    if part <= now:
        return part
    if left >= part - _ROUNDING:
        return part
    # A crumb of less than one a second would only be waited for.
    return max(now, left) if left >= 1.0 else now


_ROUNDING = 1e-6
"""What sums of fractions of a start may be off by, for which nobody has to wait."""
