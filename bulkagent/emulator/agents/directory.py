"""The directory: which agents exist."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from bulkagent.emulator.protocol.agent_ids import number_of


class Directory:
    """The agents that exist; nothing changes it.

    Args:
        existing: the numbers of the agents that exist; None for the whole range.
        id_range: lowest and highest agent ID (pages 1223 and 0356: 101-59999 or 101-999999).
    """

    def __init__(self, existing: Iterable[int] | None, id_range: tuple[int, int]) -> None:
        low, high = id_range
        self._numbers = range(low, high + 1)
        self._existing: Container[int] = (
            self._numbers
            if existing is None
            else frozenset(number for number in existing if number in self._numbers)
        )

    def __iter__(self) -> Iterator[str]:
        """The IDs of all agents that exist, in order."""
        return (str(number) for number in self._numbers if number in self._existing)

    def in_range(self, agent_id: str) -> bool:
        """Whether it is written as an agent ID and in the range; it need not exist."""
        return number_of(agent_id) in self._numbers

    def number(self, agent_id: str) -> int | None:
        """The number of an agent that exists; None where there is no such agent."""
        number = number_of(agent_id)
        return number if number is not None and number in self._existing else None
