"""What commands are asked to write, for whom, and by when."""

from __future__ import annotations

import msgspec

from tests.simulation.draw.dice import Dice
from tests.simulation.world import SENDING, Command, CommandKind

_FILES = ((".json", 0.4), (".jsonl", 0.4), (".html", 0.1), (".xlsx", 0.03))
_BESIDE = ("log", "events", "metrics")
_CAUSES = ("timeout", "reset", "gateway_error", "interrupted", "deadline", "breaker_open", "gate")
_OFTEN = 0.15


def with_outputs(dice: Dice, command: Command) -> Command:
    """The command with what it is asked for beside its work."""
    if command.kind not in SENDING:
        return command
    asked: dict[str, object] = {}
    if dice.chance(_OFTEN):
        reports = [suffix for suffix, often in _FILES if dice.chance(often)]
        asked["files"] = (*reports, *(name for name in _BESIDE if dice.chance(0.5)))
    if dice.chance(0.05):
        asked["finish_in_s"] = dice.scale(1, 600)
    if command.kind is CommandKind.RESUME and dice.chance(0.1):
        asked["only"] = tuple(sorted(dice.some_of(_CAUSES, 3)))
    return msgspec.structs.replace(command, **asked)
