from __future__ import annotations

import math
import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.emulator import AgentIds, Cluster, FaultKind, Scenario, ScenarioFault
from bulkagent.emulator.faults.scope import Arrival, Excess, FaultScope, find_excess
from tests.examples import examples

AGENTS = range(1, 10)
SECONDS = [half / 2 for half in range(9)]
NODES = range(1, 4)
NUMBERS = range(1, 8)


@st.composite
def reaches(draw: st.DrawFn) -> FaultScope:
    ranges = st.tuples(st.integers(1, 6), st.integers(0, 2)).map(
        lambda pair: f"{pair[0]}-{sum(pair)}"
    )
    ids = st.lists(ranges, min_size=1, max_size=3).map(",".join).map(AgentIds)
    begin = draw(st.sampled_from([0.0, 0.0, 1.0, 1.5, 2.0]))
    return FaultScope(
        share=draw(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])),
        agents=draw(st.none() | ids),
        from_seconds=begin,
        to_seconds=draw(st.none() | st.sampled_from([0.5, 1.5]).map(lambda more: begin + more)),
        from_request=(first := draw(st.sampled_from([1, 1, 3, 4]))),
        to_request=draw(st.none() | st.sampled_from([1, 2]).map(lambda more: first + more)),
        node=draw(st.none() | st.sampled_from(NODES)),
    )


@given(st.lists(reaches(), max_size=8))
@settings(max_examples=examples(200))
def test_an_excess_is_found_exactly_where_there_is_one(claims: list[FaultScope]) -> None:
    """Against asking about every agent, moment, node and number."""
    totals = {
        where: math.fsum(claim.share for claim in claims if claim.concerns(Arrival(*where)))
        for where in product(AGENTS, SECONDS, NODES, NUMBERS)
    }
    found = find_excess(claims)
    if found is None:
        assert max(totals.values()) <= 1 + 1e-9
        return
    assert found.total > 1
    said = re.fullmatch(
        r"( for agent (?P<agent>\d+))?( from second (?P<second>[\d.]+))?"
        r"( from request (?P<number>\d+))?( on node (?P<node>\d))?",
        found.where,
    )
    assert said is not None
    # Where neither agent nor node is said, any will do; of moments and numbers, some.
    assert any(
        totals[int(said["agent"] or AGENTS[-1]), second, int(said["node"] or 1), number]
        == pytest.approx(found.total)
        for second in ([float(said["second"])] if said["second"] else SECONDS)
        for number in ([int(said["number"])] if said["number"] else NUMBERS)
    )


def test_where_one_fault_ends_another_may_begin() -> None:
    before = FaultScope(share=1, to_seconds=2)
    after = FaultScope(share=1, from_seconds=2)
    assert find_excess([before, after]) is None
    assert find_excess(
        [before, after, FaultScope(share=1, agents=AgentIds("101"), to_seconds=1)]
    ) == (Excess(2, " for agent 101 from second 0"))


def test_where_one_fault_ends_by_number_another_may_begin() -> None:
    before = FaultScope(share=1, to_request=300)
    after = FaultScope(share=1, from_request=300)
    assert find_excess([before, after]) is None
    overlapping = FaultScope(share=0.5, from_request=299, to_request=300, node=2)
    assert find_excess([before, after, overlapping]) == Excess(1.5, " from request 299 on node 2")
    assert before.concerns(Arrival(101, number=299))
    assert not before.concerns(Arrival(101, number=300))


def test_overlapping_ranges_of_one_fault_count_once() -> None:
    twice = FaultScope(share=0.6, agents=AgentIds("101-110,105-120"))
    assert find_excess([twice, FaultScope(share=0.4, agents=AgentIds("105"))]) is None


def test_a_window_needs_an_end_above_its_beginning() -> None:
    with pytest.raises(ValueError, match="`to_seconds` is not above `from_seconds`"):
        FaultScope(share=1, to_seconds=0)
    with pytest.raises(ValueError, match="`to_request` is not above `from_request`"):
        FaultScope(share=1, from_request=3, to_request=3)


def test_two_hundred_faults_that_meet_nowhere_are_a_scenario() -> None:
    """Each certain for its own agent, node and window; all of them would add up to 200."""
    faults = tuple(
        ScenarioFault(
            kind=FaultKind.RESET_BEFORE,
            share=1,
            agents=AgentIds(f"{101 + number // 8}"),
            from_seconds=number % 2,
            to_seconds=number % 2 + 1,
            node=number // 2 % 4 + 1,
        )
        for number in range(200)
    )
    assert len(Scenario(cluster=Cluster(nodes=4), faults=faults).faults) == 200
    with pytest.raises(ValueError, match=r"for agent 101 from second 0 on node 1 add up to 1\.5:"):
        Scenario(
            cluster=Cluster(nodes=4),
            faults=(*faults, ScenarioFault(kind=FaultKind.HTML, share=0.5)),
        )
