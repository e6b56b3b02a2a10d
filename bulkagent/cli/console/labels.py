"""The margin of the screen: what a line is about, in eight columns."""

from __future__ import annotations

import enum

from bulkagent.language import mark, translate
from bulkagent.text.columns import padded


class Label(enum.StrEnum):
    """What a line is about."""

    DONE = mark("DONE")
    SHORT = mark("SHORT")
    FAILED = mark("FAILED")
    STOPPED = mark("STOPPED")
    HALTED = mark("HALTED")
    OK = mark("OK")
    ERROR = mark("ERROR")
    WHY = mark("WHY")
    HELD = mark("HELD")
    GROUP = mark("group")
    TO_DO = mark("to do")
    NEXT = mark("next")
    NOTE = mark("note")
    REPORT = mark("report")
    SENT = mark("sent")
    SEEN = mark("seen")
    FINISH = mark("finish")
    ROSTER = mark("roster")
    RUN = mark("run")
    PLAN = mark("plan")
    REVERT = mark("revert")
    ORDER = mark("order")
    HINT = mark("hint")
    BEFORE = mark("before")
    IN_USE = mark("in use")
    NOTHING = ""


def labelled(label: Label, text: str) -> str:
    """A line with its label; one that fills the margin has a blank behind it all the same."""
    return _beside(translate(label), text)


def _beside(label: str, text: str) -> str:
    shown = padded(label, MARGIN)
    return f"{shown}{'' if shown.endswith(' ') else ' '}{text}"


def is_whole(line: str) -> bool:
    """Whether a line is to be copied, so that it may not be broken: a command, or a path."""
    # Threads and handlers of signals speak English, so both are looked for.
    labels = [_beside(name, "") for label in _COPIED for name in (label, translate(label))]
    return line.startswith(tuple(labels)) or line.lstrip().startswith("bulkagent ")


_COPIED = (Label.NEXT, Label.REPORT)

MARGIN = 8
"""Columns of a label, with the blanks behind it."""
