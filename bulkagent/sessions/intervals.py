"""How long to wait before the next poll or the next sign-in."""

from __future__ import annotations

SESSION_LIFE_S = 120.0
"""A session is signed out when nobody has polled for so long (page 1202)."""

GIVE_UP_AFTER_S = 600.0
"""Beyond `SESSION_LIFE_S` a poll can only tell what became of the session. That is worth asking
through an outage of some minutes, and no longer."""

NOT_NOW_TRIES = 3
"""Sign-ins of one agent in a row that the gateway may put off before they count as refused."""

_SHORTEST_PAUSE_S = 0.2  # page 1274: 200 to 500 ms after each answer
_SPREAD = 0.2

_FIRST_BACKOFF_S = 0.5
# Eight tries and more fit into the two minutes that a session lives without being polled.
_LONGEST_BACKOFF_S = 15.0

_BEFORE_SIGN_IN_S = 30.0
_LONGEST_BEFORE_SIGN_IN_S = 120.0


def after_answer_s(pause_s: float, chance: float) -> float:
    """Seconds from a poll's answer to the next poll, at most `pause_s`.

    Spread a little, so that thousands of sessions that began together do not stay in step.

    Args:
        pause_s: The longest pause, at least 0.2.
        chance: From 0 up to 1.
    """
    return max(_SHORTEST_PAUSE_S, pause_s * (1.0 - _SPREAD * chance))


def after_failure_s(failures: int, chance: float) -> float:
    """Seconds to the next poll after so many in a row without an answer: full jitter.

    AWS Architecture Blog, "Exponential Backoff And Jitter": a gateway that comes back meets its
    sessions spread over the whole pause.
    """
    longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 16))
    return longest * chance


def before_sign_in_s(tries: int, chance: float) -> float:
    """Seconds to the next sign-in of an agent after so many in a row that said nothing."""
    longest = min(_LONGEST_BEFORE_SIGN_IN_S, _BEFORE_SIGN_IN_S * 2.0 ** min(tries - 1, 16))
    return longest * (0.5 + chance / 2)
