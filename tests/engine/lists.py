"""A list in memory as the engine's source, with a record of everything that was asked of it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from bulkagent.attempt import Attempt, AttemptHistory


def words(count: int, stem: str = "word") -> list[str]:
    return [f"{stem}{number}" for number in range(count)]


class ListSource:
    def __init__(self, *lanes: Iterable[str], take_s: float | None = None) -> None:
        self.lanes = [deque(lane) for lane in lanes]
        self.take_s = take_s
        self.may_take: Callable[[int], bool] = lambda _lane: True
        self.taken: list[str] = []
        self.claims: list[tuple[str, int]] = []  # marks that were asked for
        self.marks: list[tuple[str, int]] = []  # marks that were made
        self.taken_away: set[str] = set()  # by somebody else, so that no mark is made
        self.between: list[tuple[str, int]] = []
        self.histories: dict[str, AttemptHistory[Attempt]] = {}

    async def take(self, lane: int) -> str | None:
        assert self.may_take(lane), f"lane {lane} was asked for more after its end"
        if self.take_s is not None:
            await asyncio.sleep(self.take_s)
        if not self.lanes[lane]:
            return None
        self.taken.append(self.lanes[lane].popleft())
        return self.taken[-1]

    async def mark(self, item: str, attempt: int) -> bool:
        self.claims.append((item, attempt))
        await asyncio.sleep(0)  # a commit takes a turn of the loop
        if item in self.taken_away:
            return False
        self.marks.append((item, attempt))
        return True

    def attempted(self, item: str, attempt: int, ended: Attempt) -> None:
        self.between.append((item, attempt))

    def settle(self, item: str, history: AttemptHistory[Attempt]) -> None:
        assert item not in self.histories, f"{item} was settled twice"
        self.histories[item] = history
