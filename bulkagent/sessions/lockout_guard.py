"""When refused passwords say that something is wrong with the roster, and sign-ins must stop.

A wrong column or an old export refuses everybody, and each refusal brings an account nearer to
its lock (110-016).
"""

from __future__ import annotations

IN_A_ROW = 10
SHARE = 0.02


class LockoutGuard:
    """Counts refused passwords and locked accounts among sign-ins.

    Args:
        agents: How many agents there are to be signed in.
    """

    __slots__ = ("_in_a_row", "_most", "_total")

    def __init__(self, agents: int) -> None:
        self._most = max(IN_A_ROW, int(agents * SHARE))
        self._in_a_row = 0
        self._total = 0

    def __repr__(self) -> str:
        return f"<LockoutGuard {self._total} of {self._most}, {self._in_a_row} in a row>"

    def refused(self) -> None:
        """A password was refused, or the account is locked."""
        self._in_a_row += 1
        self._total += 1

    def accepted(self) -> None:
        """A sign-in was not refused for its password."""
        self._in_a_row = 0

    @property
    def verdict(self) -> str:
        """Why no more agents may be signed in; "" where they may."""
        if self._in_a_row >= IN_A_ROW:
            return f"{self._in_a_row} passwords in a row were refused"
        if self._total >= self._most:
            return f"{self._total} passwords were refused"
        return ""
