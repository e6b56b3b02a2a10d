"""A list in memory as the engine's source, with a record of everything that was asked of it."""

import asyncio
from collections import deque
from collections.abc import Iterable

from bulkagent.outcome import Attempt, Story


class ListSource:
    def __init__(self, *lanes: Iterable[str]) -> None:
        self.lanes = [deque(lane) for lane in lanes]
        self.taken: list[str] = []
        self.marks: list[tuple[str, int]] = []
        self.between: list[tuple[str, int]] = []
        self.stories: dict[str, Story[Attempt]] = {}

    async def take(self, lane: int) -> str | None:
        if not self.lanes[lane]:
            return None
        self.taken.append(self.lanes[lane].popleft())
        return self.taken[-1]

    async def mark(self, item: str, attempt: int) -> None:
        await asyncio.sleep(0)  # a commit takes a turn of the loop
        self.marks.append((item, attempt))

    def attempted(self, item: str, attempt: int, ended: Attempt) -> None:
        self.between.append((item, attempt))

    def settle(self, item: str, story: Story[Attempt]) -> None:
        assert item not in self.stories, f"{item} was settled twice"
        self.stories[item] = story
