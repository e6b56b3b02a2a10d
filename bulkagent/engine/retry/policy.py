"""Whether to try again, and when: a pure question with a value for an answer.

Randomness is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.model import Absence

AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Exponential backoff with full jitter.

    The window doubles each time the same thing happens again. A gateway that is down fails in
    one way, so its agents are soon tried rarely; where faults are rare and mixed, three
    different ones in a row mean bad luck, and waiting four times as long for it would only
    make the run longer (at 10 % faults, by half).

    Full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015)
    spreads the retries of agents that failed together over the whole window, where a fixed
    backoff would send them together again.
    """

    max_attempts: int = 8
    """Attempts of one item in all, at least 1."""
    base_s: float = 0.5
    """The window of the first retry; it doubles each time that the same end comes again."""
    cap_s: float = 15.0
    """The longest window. Eight attempts then spread over at most 45 seconds."""
    retry_for_s: float = 0.0
    """An item whose attempts are spent sooner than this after its first one began is tried again
    when all others are done, and from then on until as much time has passed; 0: never. It is also
    the longest pause that an upstream is granted when it asks for one."""


class Retry(msgspec.Struct, frozen=True, gc=False):
    """Try once more after this many seconds."""

    after_s: float
    last: bool = False
    """And not before there is nothing new to attempt."""


class Stop(msgspec.Struct, frozen=True, gc=False):
    """No further attempt is made."""

    reason: str


class Poll(msgspec.Struct, frozen=True, gc=False):
    """Try again when its agent may have come."""


Decision = Retry | Stop | Poll

APPLIED = Stop("nothing left to do")
"""What follows from a success, whatever the policy."""
_FINAL = Stop("trying again would not change it")
_SPENT = Stop("attempts spent")
_YET = Poll()


def decide(
    policy: RetryPolicy,
    history: AttemptHistory[AttemptT],
    random: Callable[[], float],
    *,
    elapsed_s: float = 0.0,
    sweeping: bool = False,
    awaiting: bool = False,
) -> Decision:
    """What follows the latest attempt of an item.

    Args:
        policy: The limits.
        history: What has happened so far.
        random: A number from 0 up to 1.
        elapsed_s: Seconds since its first attempt began.
        sweeping: Whether items whose attempts are spent are tried again now.
        awaiting: Whether items are polled whose agents are not there.
    """
    disposition = history.last.disposition
    if disposition.cause is None:
        return APPLIED
    if awaiting and disposition.absence is not Absence.NONE and not disposition.retries:
        return _YET
    if disposition.retries == 0:
        return _FINAL
    if disposition.retries is not None and history.repeats > disposition.retries:
        return _SPENT
    # An agent who was not there has not been tried.
    absent = sum(end.absence is not Absence.NONE for end in history.ends) if awaiting else 0
    spent = history.attempts - absent >= policy.max_attempts
    if spent and elapsed_s >= policy.retry_for_s:
        return _SPENT
    # Beyond 2**60 the window is the cap anyway, and a float would overflow.
    window_s = min(policy.cap_s, policy.base_s * 2.0 ** min(history.repeats - 1, 60))
    after_s = 0.0 if disposition.at_once else window_s * random()
    return Retry(after_s, last=spent and not sweeping)
