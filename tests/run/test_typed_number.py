"""README, consent: before many agents stop taking calls their number is typed."""

import pytest

from bulkagent.cli.render.preview import question
from bulkagent.language import Language, speaking
from bulkagent.run.plan.consent import going_off, number_to_type
from bulkagent.run.plan.request import Plan, PlanPart


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


def _question(most_of: str) -> str:
    parts = (PlanPart("east", "0", 280), PlanPart("west", "0", 20))
    return question(
        Plan(
            run_id="R",
            layout="",
            rows=300,
            agents=300,
            duplicates=0,
            invalid=0,
            parts=parts,
            to_type=300,
            most_of=most_of,
        )
    )


def test_the_question_says_why_it_wants_a_number() -> None:
    assert _question("").endswith("More than 500 agents stop taking calls, so y is not enough. ")
    half = "280 is more than half of the agents known at east, so y is not enough. "
    assert _question("east").endswith(half)
    with speaking(Language.CHINESE):
        assert "280 名超过网关 east 上已知座席的一半" in _question("east")
