"""Each promise of the judge: a morning that keeps it, and one that breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.documents import DOCUMENTS, REPOSITORY
from tests.simulation import judged_ends, judged_runs, judged_sending
from tests.simulation.hand_made import SETTINGS, ended, morning, reported, request, run
from tests.simulation.history import Morning
from tests.simulation.judge import PREDICATES, Predicate, judge
from tests.simulation.world import Event, EventKind

_GROUPS = (judged_sending, judged_runs, judged_ends)
KEPT = {name: made for group in _GROUPS for name, made in group.KEPT.items()}
BROKEN = [pair for group in _GROUPS for pair in group.BROKEN]


def broken(judged: Morning) -> set[str]:
    return {verdict.name for verdict in judge(judged)}


@pytest.mark.parametrize("name", KEPT)
def test_a_morning_that_keeps_its_promises_is_not_blamed(name: str) -> None:
    assert not judge(KEPT[name]()), name


@pytest.mark.parametrize(
    ("name", "made"), BROKEN, ids=[f"{n}: {name}" for n, (name, _) in enumerate(BROKEN)]
)
def test_a_broken_promise_is_seen(name: str, made: Callable[[], Morning]) -> None:
    judged = made()
    assert name in broken(judged)
    assert all(each.violations for each in judge(judged))


def test_each_promise_has_a_morning_that_breaks_it() -> None:
    assert {name for name, _ in BROKEN} == {predicate.name for predicate in PREDICATES}


@pytest.mark.parametrize("predicate", PREDICATES, ids=lambda predicate: predicate.name)
def test_a_promise_is_in_the_words_of_its_page(predicate: Predicate) -> None:
    """So that it stands there at all, and that a page that changes brings the judge along."""
    assert not _words(predicate.promise) - _words(PAGES[predicate.page])


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text.lower()))


PAGES = DOCUMENTS | {
    "CONTRIBUTING": (REPOSITORY / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
}
"""What a predicate may cite."""


def test_after_a_loss_of_power_only_full_durability_remembers() -> None:
    lost = Event(EventKind.POWER_LOSS, 2.0)
    report = (reported(2, "not_attempted", attempts=0), reported(3, "unknown"))
    for durability, blamed in (("normal", False), ("full", True)):
        settings = {**SETTINGS, "durability": durability}
        judged = morning(
            handled=(request(1, "1001", 1.0, answer="nothing"),),
            ends=(ended(settings=settings, exit_code=137),),
            runs=(run(report=report),),
            events=(lost,),
            settings=settings,
        )
        assert ("effect is told" in broken(judged)) is blamed
