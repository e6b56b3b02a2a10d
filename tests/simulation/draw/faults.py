"""What may be wrong with a gateway: one row a kind, weighted to what matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tests.simulation.draw.dice import Dice
from tests.simulation.world import Fault, FaultKind

_REFUSALS: Sequence[tuple[str, float]] = (
    ("000-004", 3.0),
    ("105-002", 1.0),
    ("105-003", 1.0),
    ("105-001", 1.0),
    ("100-007", 3.0),
    ("000-000", 2.0),
    ("000-007", 1.0),
    ("000-003", 2.0),
    ("000-002", 1.0),
    ("100-006", 2.0),
    ("100-008", 1.0),
    ("100-009", 1.0),
    ("999-999", 0.5),
)
_STATUSES: Sequence[tuple[str, float]] = (
    ("429", 4.0),
    ("503", 2.5),
    ("502", 1.5),
    ("504", 1.5),
    ("500", 1.5),
    ("404", 1.5),
    ("401", 1.0),
    ("302", 1.0),
)
_BODIES = (
    "",
    "null",
    "[]",
    "<html><body>Sign in</body></html>",
    '{"message":"success"}',
    '{"message":"success","retcode":"0"',
    '{"message":"","retcode":"0 "}',
)
TWO_CODES = '{"retcode":"100-006","retcode":"0"}'
"""A reply that says two things, so that it says nothing."""


def _refuses(dice: Dice, timeout_s: float) -> dict[str, Any]:
    return {"code": dice.weighted(_REFUSALS)}


def _status(dice: Dice, timeout_s: float) -> dict[str, Any]:
    return {
        "code": dice.weighted(_STATUSES),
        "seconds": float(dice.whole(1, 5)) if dice.chance(0.4) else 0.0,
    }


def _garbage(dice: Dice, timeout_s: float) -> dict[str, Any]:
    return {"code": TWO_CODES if dice.chance(0.3) else dice.one_of(_BODIES)}


def _late_effect(dice: Dice, timeout_s: float) -> dict[str, Any]:
    return {"seconds": dice.scale(0.001, 1.5 * timeout_s)}


def _slow(dice: Dice, timeout_s: float) -> dict[str, Any]:
    # From a moment to beyond twice the time-out, and often just beyond the time-out.
    around = round(timeout_s * dice.number(0.7, 2.3), 3)
    return {"seconds": dice.weighted([(around, 3.0), (dice.scale(0.05, 3 * timeout_s), 1.0)])}


def _stray(dice: Dice, timeout_s: float) -> dict[str, Any]:
    return {"seconds": 0.0 if dice.chance(0.2) else dice.scale(0.0002, 0.2)}


def _nothing(dice: Dice, timeout_s: float) -> dict[str, Any]:
    return {}


FAULTS: Mapping[FaultKind, Callable[[Dice, float], dict[str, Any]]] = {
    FaultKind.REFUSES: _refuses,
    FaultKind.STATUS: _status,
    FaultKind.GARBAGE: _garbage,
    FaultKind.RESET_BEFORE: _nothing,
    FaultKind.RESET_AFTER: _late_effect,
    FaultKind.LOST_REQUEST: _nothing,
    FaultKind.LOST_ANSWER: _nothing,
    FaultKind.SLOW: _slow,
    FaultKind.STRAY: _stray,
    FaultKind.REFUSED: _nothing,
    FaultKind.BLACKHOLE: _nothing,
    FaultKind.NO_NAME: _nothing,
    FaultKind.TLS: _nothing,
}
"""What else is drawn of each kind."""

OF_REQUESTS = (
    FaultKind.REFUSES,
    FaultKind.STATUS,
    FaultKind.GARBAGE,
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.LOST_REQUEST,
    FaultKind.LOST_ANSWER,
    FaultKind.SLOW,
    FaultKind.STRAY,
)
"""Kinds that single requests have."""
OF_CONNECTIONS = (FaultKind.REFUSED, FaultKind.BLACKHOLE, FaultKind.NO_NAME, FaultKind.TLS)
"""Kinds because of which nothing leaves."""
OF_SOURCES = (
    FaultKind.REFUSED,
    FaultKind.LOST_REQUEST,
    FaultKind.STATUS,
    FaultKind.GARBAGE,
    FaultKind.SLOW,
)
"""Kinds that the service of GUIDs has."""


class Window(msgspec.Struct, frozen=True):
    """When a fault holds."""

    begins_s: float
    ends_s: float


def draw_fault(
    dice: Dice,
    kind: FaultKind,
    gateway: str,
    window: Window,
    *,
    timeout_s: float,
    agents: Sequence[str] = (),
) -> Fault:
    """A fault of this kind.

    Args:
        dice: What decides.
        kind: Which.
        gateway: Where; "" for the service of GUIDs.
        window: When.
        timeout_s: The time-out of requests, which what is slow is measured by.
        agents: Some of these may be the only ones that it is about; none: it is about all.
    """
    single = bool(agents) and dice.chance(0.3)
    return Fault(
        kind=kind,
        gateway=gateway,
        begins_s=window.begins_s,
        ends_s=window.ends_s,
        share=1.0 if single or dice.chance(0.4) else dice.number(0.02, 0.9),
        agents=frozenset(dice.some_of(agents, 5)) if single else frozenset(),
        **FAULTS[kind](dice, timeout_s),
    )
