"""Memory is flat in the number of rows: what is remembered is sized by agents that can exist."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from bulkagent.model import Status
from bulkagent.roster import Roster, RosterRow
from bulkagent.roster.duplicates import Duplicates
from tests.roster.reading import rules


class _Endless(io.BytesIO):
    """A roster that is written while it is read, so that only the reader's memory counts."""

    def __init__(self, gateways: int, agents: int) -> None:
        super().__init__()
        self._pieces = self._written(gateways, agents)

    def read(self, size: int | None = -1, /) -> bytes:
        return next(self._pieces, b"")

    def _written(self, gateways: int, agents: int) -> Iterator[bytes]:
        yield b"agent_id,gateway,flag\n"
        for gateway in range(gateways):
            for start in range(101, 101 + agents, 1000):
                lines = (f"{agent},gw{gateway},1\n" for agent in range(start, start + 1000))
                yield "".join(lines).encode()


def peak_of(stream: _Endless) -> tuple[int, int]:
    """Valid rows, and the most bytes that were in use at once while they were read."""
    with Roster("-", rules(), stdin=stream) as roster:
        tracemalloc.start()
        try:
            valid = sum(isinstance(row, RosterRow) and row.status is None for row in roster.rows())
            return valid, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.matrix
def test_a_roster_ten_times_as_long_takes_only_the_memory_of_its_gateways() -> None:
    short, low = peak_of(_Endless(1, 10_000))
    long, high = peak_of(_Endless(10, 10_000))
    assert (short, long) == (10_000, 100_000)
    # Nine gateways more, four bytes for each agent up to 10,100, in steps; and some slack.
    assert high - low < 9 * 4 * 12_288 * 1.2


def test_repeats_are_found_beyond_what_was_remembered_so_far() -> None:
    content = b"agent_id\n101\n999999\n5000\n999999\n5000\n"
    with Roster("-", rules(agent_id_range=(101, 999_999)), stdin=io.BytesIO(content)) as roster:
        found = [row.status for row in roster.rows() if isinstance(row, RosterRow)]
    assert found == [None, None, None, Status.DUPLICATE, Status.DUPLICATE]


def test_memory_grows_with_the_highest_agent_and_can_be_printed() -> None:
    duplicates = Duplicates("east")
    assert duplicates.first("east", 200) == 0
    assert duplicates.by_cell["east"] is duplicates.by_cell[""]
    assert len(duplicates.by_cell[""]) < 5000
    duplicates.first("", 59_999)
    assert 59_999 < len(duplicates.by_cell["east"]) < 65_000
    assert repr(duplicates) == "<Duplicates of 2 gateways>"
