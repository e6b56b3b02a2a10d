"""Which pages of the guide have some words, for a reader who knows no topic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bulkagent.guide.sections import PageSection, heading_at, sections_of

OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "revert": ("undo", "cancel", "roll back", "rollback", "back out", "wrong list", "wrong file"),
    "resume": ("abort", "cancel", "stop", "interrupt", "pause", "continue", "ctrl-c", "restart"),
    "trouble": ("abort", "stop", "error", "help", "problem", "log"),
    "trouble#see-how-a-run-stands-now": ("status", "progress", "how far"),
    "guardrails#two-runs-on-the-same-agents": (
        *("colleague", "two people", "someone else", "same time", "lock", "in use"),
    ),
    "guardrails#protected-agents": ("protect", "exclude", "supervisors", "skip"),
    "handover": ("shift change", "team", "teams", "staffing"),
    "start": ("install", "tutorial", "try", "first steps", "demo"),
    "timing": ("schedule", "delay", "clock", "o'clock", "late"),
    "batch": ("cron", "scheduler", "job", "exit status", "return code"),
    "unattended": ("night", "automatic", "without a person"),
    "speed": ("slow", "fast", "faster", "throttle", "parallel"),
    "guids": ("token", "log in", "login", "authentication"),
    "sessions": ("password", "sign in", "log in", "login"),
    "report": ("html", "excel", "spreadsheet", "print", "pdf"),
    "roster": ("csv", "list", "column", "columns", "encoding"),
    "emulator": ("mock", "simulate", "simulator", "practice", "practise"),
    "outages": ("down", "outage", "broken", "unavailable"),
    "doubt": ("unsure", "timed out"),
    "records": ("database", "audit", "history", "privacy"),
    "configuration": ("certificate", "chinese", "translation"),
}
"""Topic, perhaps with a heading's anchor -> other words for what it is about."""


class Place(msgspec.Struct, frozen=True):
    """A part of a page that has the words, or is about their matter."""

    topic: str
    heading: str


def places_of(text: str, pages: Mapping[str, str], *, most: int) -> tuple[Place, ...]:
    """The best place of each page about a text or with all its words, the best pages first.

    Args:
        text: The words.
        pages: Topic -> page, in the order of the topics.
        most: So many places at most.
    """
    words = text.split()
    if not words:
        return ()
    found = (_about(topic, page, words) for topic, page in pages.items())
    ranked = sorted((each for each in found if each), key=lambda each: each[0])
    return tuple(place for _, place in ranked[:most])


def _about(topic: str, page: str, words: Sequence[str]) -> tuple[int, Place] | None:
    """The same where what is asked for may have another name in the guide."""
    best, text = _best(topic, page, words), " ".join(words)
    for name, others in OTHER_WORDS.items():
        of, _, anchor = name.partition("#")
        if of != topic or not any(_pattern(re.escape(other)).search(text) for other in others):
            continue
        heading = heading_at(page, anchor) or next(sections_of(page)).heading
        matter = (_OF_THE_MATTER, Place(topic, heading))
        return matter if best is None else min(best, matter, key=lambda each: each[0])
    return best


_OF_THE_MATTER = 1
"""As good as all words in one heading."""


def _best(topic: str, page: str, words: Sequence[str]) -> tuple[int, Place] | None:
    """The place of a page that has the words best, with its rank; None: none has them."""
    ranked = (
        (rank, at, section.heading)
        for at, section in enumerate(sections_of(page))
        for rank in _ranks(section, words)
    )
    best = min(ranked, default=None)
    return None if best is None else (best[0], Place(topic, best[2]))


def _ranks(section: PageSection, words: Sequence[str]) -> Iterator[int]:
    """Words in a heading are what a section is about; side by side they are what was meant."""
    in_order = _pattern(r"\W+".join(map(re.escape, words)))
    each = [_pattern(re.escape(word)) for word in words]
    whole = f"{section.heading} {section.prose}"
    tests = (
        in_order.search(section.heading),
        all(word.search(section.heading) for word in each),
        in_order.search(section.prose),
        all(word.search(whole) for word in each),
    )
    return (rank for rank, holds in enumerate(tests) if holds)


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
