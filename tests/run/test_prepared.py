"""A run's phases: prepared, executed once, or let go; and what its end carries.

README: Nothing is sent to a real gateway before a person.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent.lane_keys import LaneKey
from bulkagent.run import EMULATED, Consent, Run, Target, run_list
from tests.run.again import shift


async def test_a_prepared_run_is_executed_once(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        with Run(made.request(), clock=made.clock) as run:
            prepared = run.prepare()
            finished = await prepared.execute(Consent.PROGRAM)
            assert finished.result_or_defect().exit_code == 0
            assert finished.ended_ms
            sent = made.requests
            with pytest.raises(RuntimeError, match="executed once"):
                await prepared.execute(Consent.PROGRAM)
        assert made.requests == sent


@pytest.mark.parametrize("durability", ["normal", "full"])
async def test_a_plan_that_was_not_executed_leaves_nothing(tmp_path: Path, durability: str) -> None:
    """--durability: what nobody agreed to, or what was refused, is no run that `last` may mean."""
    async with shift(tmp_path) as made:
        with Run(made.request(flag=0, durability=durability)) as run:
            run.prepare()
        assert run_list(made.ledger, 10) == []


async def test_a_discarded_run_leaves_nothing_and_is_never_executed(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        with Run(made.request(), clock=made.clock) as run:
            prepared = run.prepare()
            assert len(run_list(made.ledger, 10)) == 1
            prepared.discard()
            assert run_list(made.ledger, 10) == []
            with pytest.raises(RuntimeError, match="not after it was discarded"):
                await prepared.execute(Consent.PROGRAM)
        assert made.requests == 0


async def test_a_run_that_is_refused_while_it_is_prepared_leaves_nothing(tmp_path: Path) -> None:
    """Whatever it had opened by then is closed, and its plan is taken out of the ledger."""
    async with shift(tmp_path) as made:
        asked = made.request(events=tmp_path / "missing" / "events.jsonl")
        with Run(asked, clock=made.clock) as run, pytest.raises(Exception, match="events"):
            run.prepare()
        assert run_list(made.ledger, 10) == []
        assert (await made.apply()).exit_code == 0, "nobody holds its lock"


async def test_the_end_of_a_run_carries_the_defect_that_broke_it_off(tmp_path: Path) -> None:
    """What was sent until then has its report, and is in the result."""

    def broken(_outcome: object) -> None:
        raise ZeroDivisionError

    async with shift(tmp_path) as made:
        with Run(made.request(), clock=made.clock, settled=broken) as run:
            finished = await run.prepare().execute(Consent.PROGRAM)
        assert finished.defect is not None
        assert finished.result.exit_code == 1
        assert all(Path(report).is_file() for report in finished.result.reports)
        assert finished.result.reports
        with pytest.raises(ExceptionGroup):
            finished.result_or_defect()


def test_a_target_says_only_what_was_given() -> None:
    given = Target(gateway="east", ca_file=Path("ca.pem"), insecure=False)
    assert given.tls == {"ca_file": Path("ca.pem")}
    assert not given.emulated
    assert Target(gateway=EMULATED).emulated


def test_a_lane_and_its_rows_in_doubt_have_keys_of_their_own() -> None:
    for lane in (0, 1, 7):
        doubt = LaneKey.in_doubt(lane)
        assert (doubt.lane, LaneKey(lane).lane) == (lane, lane)
        assert (doubt.is_in_doubt, LaneKey(lane).is_in_doubt) == (True, False)
        assert (doubt.other, LaneKey(lane).other) == (lane, doubt)
    assert repr(LaneKey.in_doubt(3)) == "<LaneKey 3 in doubt>"
