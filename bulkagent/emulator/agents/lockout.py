"""Lockout: accounts that are locked after too many wrong passwords in a row."""

from __future__ import annotations

from collections import Counter


class Lockout:
    """Wrong passwords in a row, by agent.

    Args:
        after: so many lock the account; None for never. Nothing unlocks it: the documents name
            no time after which a lock would end, and a person has to.
    """

    def __init__(self, after: int | None) -> None:
        self._after = after
        self._wrong: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Lockout: {sum(self.is_locked(agent_id) for agent_id in self._wrong)} locked>"

    def copy(self) -> Lockout:
        """The same counts, from here on independent of these."""
        twin = Lockout(self._after)
        twin._wrong = self._wrong.copy()
        return twin

    def is_locked(self, agent_id: str) -> bool:
        """Whether even the right password is refused."""
        return self._after is not None and self._wrong[agent_id] >= self._after

    def wrong(self, agent_id: str) -> None:
        """A wrong password came in."""
        self._wrong[agent_id] += 1

    def right(self, agent_id: str) -> None:
        """The right one came in, and the account is not locked."""
        self._wrong.pop(agent_id, None)
