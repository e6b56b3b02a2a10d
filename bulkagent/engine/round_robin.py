"""A fair order of lanes: groups in rotation, and within each the lane that goes first."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator


class RoundRobin:
    """Lanes that have something to give.

    Groups take turns, so that a large one, or one that fails, starves nobody. Within a group the
    first lane that is here is worked off before the next.

    Args:
        lanes: All lanes there are, in the order in which they go within their groups.
        group_of: The group of a lane; by default all are of one.
    """

    __slots__ = ("_group", "_group_of", "_groups", "_order", "_rank")

    def __init__(
        self, lanes: Iterable[int], group_of: Callable[[int], Hashable] | None = None
    ) -> None:
        self._rank: dict[int, int] = {}
        self._group: dict[int, Hashable] = {}
        self._groups: dict[Hashable, list[int]] = {}
        self._order: deque[Hashable] = deque()
        self._group_of = group_of
        for lane in lanes:
            self.add(lane)

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def __bool__(self) -> bool:
        return bool(self._order)

    def __iter__(self) -> Iterator[int]:
        return (lane for group in self._order for lane in self._groups[group])

    def __contains__(self, lane: int) -> bool:
        return lane in self._groups.get(self._group.get(lane), ())

    def next(self) -> int:
        """The lane whose turn it is; the group after its own is the next."""
        lane = self._groups[self._order[0]][0]
        self._order.rotate(-1)
        return lane

    def add(self, lane: int) -> None:
        """The lane has something to give; one that is new goes last within its group."""
        if lane not in self._rank:
            self._rank[lane] = len(self._rank)
            self._group[lane] = self._group_of(lane) if self._group_of else None
        group = self._group[lane]
        lanes = self._groups.setdefault(group, [])
        if not lanes:
            self._order.append(group)
        insort(lanes, lane, key=self._rank.__getitem__)

    def remove(self, lane: int) -> None:
        """The lane has nothing to give for now."""
        group = self._group[lane]
        lanes = self._groups[group]
        lanes.remove(lane)
        if not lanes:
            self._order.remove(group)

    def clear(self) -> None:
        """No lane has anything to give."""
        self._order.clear()
        for lanes in self._groups.values():
            lanes.clear()
