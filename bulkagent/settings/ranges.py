"""What a value may be.

What may live here: the least and the most of each setting, as a table, and the sentence for what
is beyond. What this module must not know: where a value comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulkagent.errors import SettingsRefused
from bulkagent.text.spelling import did_you_mean, nearest
from bulkagent.units import agent_id_range, concurrency

__all__ = [
    "NONE",
    "RANGES",
    "refuse_bounds",
    "refuse_number",
    "refuse_words",
]

_DURABILITIES = ("normal", "full")
_UP_MEANS = ("permission", "available")

RANGES: Mapping[str, tuple[str, float, float]] = {
    "concurrency": ("concurrency", 1, 10_000),
    # 0 is no rate: it would lift the limit. The lowest is one start in some three hours.
    "per_second": ("the rate a second", 0.0001, 1_000_000),
    "burst": ("burst", 1, 100_000),
    "max_attempts": ("max-attempts", 1, 1_000),
    "max_agents": ("max-agents", 1, 1_000_000_000),
    "timeout_s": ("the timeout in seconds", 0.001, 86_400),
    "connect_timeout_s": ("the connect timeout in seconds", 0.001, 86_400),
    "retry_for_s": ("the retry-for in seconds", 0, 86_400),
    "give_up_after_s": ("the give-up-after in seconds", 0.001, 86_400),
    "deadline_s": ("the deadline in seconds", 0.001, 604_800),
    "grace_s": ("the grace in seconds", 0.001, 86_400),
    "halt_share": ("the share that halts", 0.000_000_01, 1),
    "halt_count": ("the number of agents that halts", 1, 1_000_000_000),
    "halt_first": ("halt-first", 0, 1_000_000_000),
    "gate": ("the gate as a part of the whole", 0, 1),
    "floor": ("the floor as a part of the whole", 0, 1),
    "canary": ("canary", 0, 100_000),
    "wait_for_sign_in_s": ("the wait-for-sign-in in seconds", 0.001, 86_400),
    "max_age_s": ("the max-age in seconds", 1, 31_536_000),
    "verify_again_after_s": ("the verify-again-after in seconds", 0, 3_600),
    "trust_state_s": ("the trust-state in seconds", 1, 31_536_000),
}


def refuse_number(name: str, value: object) -> None:
    """Refuse a number that is not in its range; None, where it is allowed, means no limit.

    Raises:
        SettingsRefused: It is not, or is no number.
    """
    label, low, high = RANGES[name]
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingsRefused(f"{label} must be a number from {low} to {high}, not {value!r}")
    if not low <= value <= high:
        raise SettingsRefused(f"{label} must be {low} to {high}, not {value}")


def refuse_words(values: Mapping[str, Any]) -> None:
    """Refuse words that are none of those that a setting takes.

    Args:
        values: Settings by their names; those that take no words are not looked at.

    Raises:
        SettingsRefused: One is another word.
    """
    for name, (told, words) in _WORDS.items():
        word = values.get(name, words[0])
        if word not in words:
            meant = did_you_mean(nearest(str(word), words))
            raise SettingsRefused(f"{told} {' or '.join(words)}, not {word!r}{meant}")


_WORDS = {"durability": ("the durability is", _DURABILITIES), "up_means": ("up means", _UP_MEANS)}


def refuse_bounds(auto: tuple[int, int] | None, ids: tuple[int, int]) -> None:
    """Refuse bounds of an adaptive limit, or a range of agent IDs, that cannot be one.

    Raises:
        SettingsRefused: One is none.
    """
    if auto is not None:
        concurrency(f"auto:{'-'.join(map(str, auto))}")
    agent_id_range("-".join(map(str, ids)))


NONE: Mapping[str, float | None] = {
    "deadline": None,
    "retry_for": 0.0,
    "wait_for_sign_in": None,
    "verify_again_after": 0.0,
}
"""What the word `none` means for the durations of which there need not be any."""
