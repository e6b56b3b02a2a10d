"""README, consent: before many agents stop taking calls their number is typed."""

import pytest

from bulkagent.run.plan.consent import going_off, number_to_type
from bulkagent.run.plan.request import PlanPart


@pytest.mark.parametrize(
    ("off", "known", "typed", "most_of"),
    [
        ({}, 0, 0, ""),
        ({"east": 500}, 0, 0, ""),
        ({"east": 501}, 0, 501, ""),
        ({"east": 501}, 100_000, 501, ""),
        ({"east": 300, "west": 201}, 0, 501, ""),  # one morning, however many gateways
        ({"east": 99}, 99, 0, ""),  # too few to be a shift
        ({"east": 100}, 0, 0, ""),  # a first run: nothing is known to be half of
        ({"east": 100}, 199, 100, "east"),
        ({"east": 100}, 200, 0, ""),  # the half itself is not more than it
        ({"east": 20, "west": 150}, 150, 170, "west"),
    ],
)
def test_when_a_number_is_typed(off: dict[str, int], known: int, typed: int, most_of: str) -> None:
    def set_before(_gateway: str, up_to: int) -> int:
        return min(known, up_to)

    number = number_to_type(off, set_before)
    assert number.number == typed
    assert number.most_of == most_of


def test_only_agents_who_go_off_count() -> None:
    parts = [PlanPart("east", "1", 900), PlanPart("east", "0", 7), PlanPart("east", "0", 5)]
    assert going_off([*parts, PlanPart("west", "", 3)]) == {"east": 12}
