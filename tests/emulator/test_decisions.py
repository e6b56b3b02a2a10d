from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.emulator import (
    AgentIds,
    Cluster,
    Distribution,
    FaultKind,
    Latency,
    Scenario,
    ScenarioFault,
)
from bulkagent.emulator.faults.decisions import Decision, FaultHistory, decide
from bulkagent.emulator.faults.latency import draw_latency
from bulkagent.emulator.faults.scope import Arrival
from tests.examples import examples


def carry_out(
    scenario: Scenario, seed: int, agents: list[int], seconds: float = 0, node: int = 1
) -> list[Decision]:
    random, history = Random(seed), FaultHistory()
    decisions = []
    for agent in agents:
        decision = decide(scenario, random, history, Arrival(agent, seconds, node))
        history.note(agent, decision)
        decisions.append(decision)
    return decisions


@given(seed=st.integers(), share=st.floats(min_value=0, max_value=0.5))
@settings(max_examples=examples(25))
def test_shares_are_honoured(seed: int, share: float) -> None:
    scenario = Scenario(
        faults=(
            ScenarioFault(kind=FaultKind.RESET_BEFORE, share=share),
            ScenarioFault(kind=FaultKind.HTML, share=0.2),
        )
    )
    times = 4000
    seen = Counter(
        decision.fault.kind
        for decision in carry_out(scenario, seed, [101] * times)
        if decision.fault is not None
    )
    # Six standard deviations: one unlucky draw in five hundred million.
    margin = 6 * (0.25 / times) ** 0.5
    assert seen[FaultKind.RESET_BEFORE] / times == pytest.approx(share, abs=margin)
    assert seen[FaultKind.HTML] / times == pytest.approx(0.2, abs=margin)


@given(seed=st.integers(), limit=st.integers(min_value=1, max_value=5))
@settings(max_examples=examples(25))
def test_per_agent_is_honoured(seed: int, limit: int) -> None:
    scenario = Scenario(
        faults=(ScenarioFault(kind=FaultKind.RESET_AFTER, share=0.7, per_agent=limit),)
    )
    agents = [101, 102, 103] * 40
    struck = Counter(
        agent
        for agent, decision in zip(agents, carry_out(scenario, seed, agents), strict=True)
        if decision.fault is not None
    )
    assert set(struck.values()) == {limit}


def test_only_the_named_agents_are_struck() -> None:
    fault = ScenarioFault(
        kind=FaultKind.SLOW, share=1, agents=AgentIds("101,110-120"), milliseconds=2000
    )
    decisions = carry_out(Scenario(faults=(fault,)), 7, [101, 102, 115])
    assert [decision.fault for decision in decisions] == [fault, None, fault]
    assert [decision.hold_seconds for decision in decisions] == [2.0, 0.0, 2.0]


def test_a_seed_repeats_the_sequence() -> None:
    scenario = Scenario(
        latency=Latency(distribution=Distribution.EXPONENTIAL, milliseconds=5),
        faults=(ScenarioFault(kind=FaultKind.LOOSE, share=0.3),),
    )
    agents = list(range(101, 201))
    assert carry_out(scenario, 7, agents) == carry_out(scenario, 7, agents)
    assert carry_out(scenario, 7, agents) != carry_out(scenario, 8, agents)


def test_the_request_after_a_lost_answer_is_owed_its_retcode() -> None:
    fault = ScenarioFault(kind=FaultKind.LOST_ANSWER, share=1, retcode="000-007", per_agent=1)
    first, other, second, third = carry_out(Scenario(faults=(fault,)), 7, [101, 102, 101, 101])
    assert (first.fault, first.owed) == (fault, None)
    assert (other.fault, other.owed) == (fault, None)
    assert (second.fault, second.owed) == (None, fault)
    assert (third.fault, third.owed) == (None, None)


def test_a_lost_answer_without_a_retcode_owes_nothing() -> None:
    fault = ScenarioFault(kind=FaultKind.LOST_ANSWER, share=1, per_agent=1)
    _, second = carry_out(Scenario(faults=(fault,)), 7, [101, 101])
    assert second == Decision(0)


def test_a_fault_strikes_within_its_window_only() -> None:
    fault = ScenarioFault(kind=FaultKind.RESET_BEFORE, share=1, from_seconds=1, to_seconds=2.5)
    struck = {
        seconds: carry_out(Scenario(faults=(fault,)), 7, [101], seconds)[0].fault is fault
        for seconds in (0.0, 0.999, 1.0, 2.499, 2.5, 90_000.0)
    }
    assert struck == {0.0: False, 0.999: False, 1.0: True, 2.499: True, 2.5: False, 90_000.0: False}


def test_a_fault_strikes_on_its_node_only() -> None:
    fault = ScenarioFault(kind=FaultKind.RESET_BEFORE, share=1, node=3)
    scenario = Scenario(cluster=Cluster(nodes=4), faults=(fault,))
    struck = [node for node in range(1, 5) if carry_out(scenario, 7, [101], node=node)[0].fault]
    assert struck == [3]


def test_each_agent_has_a_certain_fault_of_its_own() -> None:
    faults = tuple(
        ScenarioFault(kind=kind, share=1, agents=AgentIds(str(agent)))
        for agent, kind in enumerate((FaultKind.HTML, FaultKind.GBK, FaultKind.LOOSE), start=101)
    )
    decisions = carry_out(Scenario(faults=faults), 7, [103, 101, 102, 104])
    assert [decision.fault for decision in decisions] == [faults[2], faults[0], faults[1], None]
    assert [decision.place for decision in decisions] == [2, 0, 1, -1]


@given(seed=st.integers())
@settings(max_examples=examples(25))
def test_faults_for_others_change_nothing_for_an_agent(seed: int) -> None:
    mine = ScenarioFault(kind=FaultKind.HTML, share=0.4)
    others = ScenarioFault(kind=FaultKind.GBK, share=0.6, agents=AgentIds("102"))
    alone = carry_out(Scenario(faults=(mine,)), seed, [101] * 50)
    beside = carry_out(Scenario(faults=(others, mine)), seed, [101] * 50)
    assert [decision.fault for decision in alone] == [decision.fault for decision in beside]


def test_no_other_fault_takes_the_place_of_one_that_is_used_up() -> None:
    first = ScenarioFault(kind=FaultKind.HTML, share=0.5, per_agent=1)
    second = ScenarioFault(kind=FaultKind.GBK, share=0.25)
    faults = [
        decision.fault for decision in carry_out(Scenario(faults=(first, second)), 7, [101] * 4000)
    ]
    assert faults.count(first) == 1
    margin = 6 * (0.25 / 4000) ** 0.5
    assert faults.count(second) / 4000 == pytest.approx(0.25, abs=margin)


LATENCIES = [
    (Latency(milliseconds=5), 5.0, 5.0, 5.0),
    (
        Latency(distribution=Distribution.UNIFORM, low_milliseconds=2, high_milliseconds=8),
        2.0,
        5.0,
        8.0,
    ),
    (Latency(distribution=Distribution.LOGNORMAL, milliseconds=5, sigma=0.5), 0.1, 5.0, 100.0),
    # The median of an exponential distribution is its mean times the logarithm of 2.
    (Latency(distribution=Distribution.EXPONENTIAL, milliseconds=5), 0.0, 3.466, 100.0),
]


@pytest.mark.parametrize(("latency", "lowest", "median", "highest"), LATENCIES)
def test_latencies_lie_as_the_distribution_says(
    latency: Latency, lowest: float, median: float, highest: float
) -> None:
    random = Random(7)
    drawn = sorted(draw_latency(latency, random) for _ in range(4001))
    assert drawn[0] >= lowest
    assert drawn[2000] == pytest.approx(median, rel=0.05)
    assert drawn[-1] <= highest


def test_no_latency_is_longer_than_ten_minutes() -> None:
    latency = Latency(distribution=Distribution.LOGNORMAL, milliseconds=600_000, sigma=5)
    random = Random(7)
    assert max(draw_latency(latency, random) for _ in range(100)) == 600_000


def test_an_exponential_latency_may_be_zero() -> None:
    assert (
        draw_latency(Latency(distribution=Distribution.EXPONENTIAL, milliseconds=0), Random()) == 0
    )
