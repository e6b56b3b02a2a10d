"""100-007 again and again: is the gateway unwell, or does it refuse the agent? It shows.

Proves guide "What 100-007 means".
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent.emulator import FaultKind
from bulkagent.model import Cause, Status
from tests.run.again import code, fault, shift

OFTEN = 99


async def test_who_gets_nothing_but_100_007_in_a_resume_too_is_rejected(tmp_path: Path) -> None:
    """Exit 3 would have a job resume for ever: 300 agents without the right, 1,200 requests."""
    async with shift(tmp_path, code("100-007", "103,105", per_agent=OFTEN)) as made:
        first = await made.apply(max_attempts=2)
        assert first.exit_code == 3
        assert made.stands()["103"] == "failed gateway_error"
        again = await made.resume()
        assert again.exit_code == 4
        assert made.stands()["103"] == made.stands()["105"] == "rejected not_permitted"
        (line,) = (line for line in made.lines() if line.agent_id == "103")
        assert (line.retcode, line.attempts) == ("100-007", 4)
        last = await made.resume()
        assert (last.exit_code, last.requests) == (4, again.requests), "nothing is left to send"


@pytest.mark.matrix
async def test_what_else_may_end_stays_as_it_was(tmp_path: Path) -> None:
    """A switch-over and an agent in doubt are no refusals, however often they come."""
    faults = (
        code("000-004", "103", per_agent=OFTEN),
        fault(FaultKind.RESET_AFTER, "105", per_agent=OFTEN),
        code("100-007", "104", per_agent=OFTEN),
    )
    async with shift(tmp_path, *faults) as made:
        await made.apply(max_attempts=2)
        again = await made.resume()
        assert made.stands()["103"] == "failed switch_over"
        assert made.stands()["104"] == "rejected not_permitted"
        assert made.stands()["105"] == "unknown reset"
        assert again.exit_code == 3


async def test_where_all_of_the_first_get_it_the_gateway_is_halted(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-007", per_agent=OFTEN)) as made:
        made.write(range(101, 121))
        halted = await made.apply(max_attempts=1, halt_first=10, concurrency=4)
        assert (halted.exit_code, halted.state) == (6, "halted")
        assert halted.causes[Cause.GATEWAY_ERROR] < 20
        assert halted.causes[Cause.HALTED] == 20 - halted.causes[Cause.GATEWAY_ERROR]
        # A person who says that it may go on gets the same answer, for nobody is applied.
        again = await made.resume(override="the right was given")
        assert again.exit_code == 6
        assert again.totals[Status.REJECTED] == 0


async def test_a_gateway_that_is_well_again_sets_them_in_the_resume(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-007", "103,105", per_agent=2)) as made:
        assert (await made.apply(max_attempts=2)).exit_code == 3
        again = await made.resume()
        assert (again.exit_code, again.totals[Status.APPLIED]) == (0, 10)
