"""The one decision of the retry policy, as a table and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.attempt import Attempt, AttemptHistory
from bulkagent.engine import Retry, RetryPolicy, Stop, decide
from bulkagent.model import Disposition
from tests.dispositions import ALL, BUSY, DONE, LOST, ODD, READY, REFUSED, ended

POLICY = RetryPolicy(max_attempts=4, base_s=0.5, cap_s=15.0)


def history(*dispositions: Disposition) -> AttemptHistory[Attempt]:
    whole = AttemptHistory.begin(ended(dispositions[0]))
    for disposition in dispositions[1:]:
        whole = whole.then(ended(disposition))
    return whole


@pytest.mark.parametrize(
    ("happened", "again"),
    [
        ((DONE,), False),
        ((REFUSED,), False),
        ((BUSY,), True),
        ((BUSY, BUSY, BUSY), True),
        ((BUSY, BUSY, BUSY, BUSY), False),
        ((ODD,), True),
        ((ODD, ODD), False),
        ((ODD, BUSY, ODD), False),
        ((LOST,), True),
        ((LOST, DONE), False),
        ((LOST, REFUSED), False),
        ((READY,), True),
        ((READY, READY), False),
    ],
)
def test_goes_on_only_where_another_attempt_may_help(
    happened: tuple[Disposition, ...], again: bool
) -> None:
    assert isinstance(decide(POLICY, history(*happened), lambda: 0.5), Retry) is again


@pytest.mark.parametrize(("attempts", "window_s"), [(1, 0.5), (2, 1.0), (3, 2.0)])
def test_full_jitter_doubles_its_window(attempts: int, window_s: float) -> None:
    happened = history(*[BUSY] * attempts)
    assert decide(POLICY, happened, lambda: 0.0) == Retry(0.0)
    assert decide(POLICY, happened, lambda: 0.5) == Retry(window_s / 2)


def test_another_kind_of_end_starts_with_a_window_of_its_own() -> None:
    assert decide(POLICY, history(BUSY, LOST), lambda: 0.5) == Retry(0.25)
    assert decide(POLICY, history(BUSY, LOST, BUSY), lambda: 0.5) == Retry(0.5)


def test_the_window_never_grows_beyond_its_cap() -> None:
    policy = RetryPolicy(max_attempts=5_000)
    assert decide(policy, history(*[BUSY] * 4_000), lambda: 1.0) == Retry(15.0)


def test_an_upstream_that_says_it_is_ready_is_not_kept_waiting() -> None:
    assert decide(POLICY, history(BUSY, READY), lambda: 0.9) == Retry(0.0)


@given(
    happened=st.lists(st.sampled_from(ALL), min_size=1, max_size=12),
    limit=st.integers(1, 10),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_a_delay_is_within_its_window_and_attempts_are_bounded(
    happened: list[Disposition], limit: int, chance: float
) -> None:
    policy = RetryPolicy(max_attempts=limit)
    whole = history(*happened)
    decision = decide(policy, whole, lambda: chance)
    if isinstance(decision, Retry):
        assert len(happened) < limit
        assert 0.0 <= decision.after_s <= min(15.0, 0.5 * 2 ** (len(happened) - 1))
        assert whole.last.disposition.retries != 0
    else:
        assert isinstance(decision, Stop)
        assert decision.reason
