from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator.protocol.agent_ids import AgentIds, number_of


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("200", {200}),
        ("120-122,200", {120, 121, 122, 200}),
        (" 120 - 121 , 200 ", {120, 121, 200}),
        ("", set()),
    ],
)
def test_ids_and_ranges_of_them(text: str, members: set[int]) -> None:
    ids = AgentIds(text)
    assert {number for number in range(100, 300) if number in ids} == members
    assert bool(ids) is bool(members)


@pytest.mark.parametrize(
    "text", ["x", "1-", "-5", "5-4", "1,,2", "0101", "1234567", "١٢٣", "1-2-3"]
)
def test_a_bad_part_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="neither an agent ID nor a range"):
        AgentIds(text)


def test_equal_sets_are_equal_however_they_are_spaced() -> None:
    assert AgentIds("101, 102") == AgentIds("101,102") == AgentIds("101-102")
    assert hash(AgentIds("101, 102")) == hash(AgentIds("101,102"))
    assert list(filter(AgentIds("101").__contains__, ["101", 101.5, None])) == []
    assert repr(AgentIds("101")) == "AgentIds('101')"


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))),
        min_size=1,
    )
)
def test_ranges_are_the_same_set_in_order_and_apart(pairs: list[tuple[int, int]]) -> None:
    ids = AgentIds(",".join(f"{low}-{high}" for low, high in pairs))
    members = {number for low, high in pairs for number in range(low, high + 1)}
    assert {number for number in range(60) if number in ids} == members
    assert [number for numbers in ids.ranges for number in numbers] == sorted(members)
    assert all(left.stop < right.start for left, right in pairwise(ids.ranges))


@given(st.integers(min_value=1, max_value=999_999))
def test_every_agent_id_reads_as_its_number(number: int) -> None:
    assert number_of(str(number)) == number


@pytest.mark.parametrize(
    "text", ["", "0", "0101", "+101", " 101", "1e3", "\uff11\uff10\uff11", "²", "1000000"]
)
def test_what_is_not_plain_digits_is_no_agent_id(text: str) -> None:
    assert number_of(text) is None
