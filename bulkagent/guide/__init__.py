"""The guide: one page a topic, read with `bulkagent guide TOPIC` and on the web.

What may live here: the pages, their order, and which topic helps with what. What this room must
not know: how a page is shown, and what the program does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.lazy import lazily

if TYPE_CHECKING:
    from bulkagent.guide.help_topics import (
        TOPIC_OF_CAUSE,
        TOPIC_OF_CHECK,
        TOPIC_OF_ERROR,
        TOPIC_OF_EXIT_CODES,
        TOPIC_OF_GROUP,
        TOPIC_OF_STATUS,
        TOPIC_OF_VERDICTS,
        topic_for,
        topic_for_check,
        topic_for_error,
    )
    from bulkagent.guide.pages import TOPICS, Topic, page, topics

__all__ = [
    "TOPICS",
    "TOPIC_OF_CAUSE",
    "TOPIC_OF_CHECK",
    "TOPIC_OF_ERROR",
    "TOPIC_OF_EXIT_CODES",
    "TOPIC_OF_GROUP",
    "TOPIC_OF_STATUS",
    "TOPIC_OF_VERDICTS",
    "Topic",
    "page",
    "topic_for",
    "topic_for_check",
    "topic_for_error",
    "topics",
]

_HOMES = {
    "bulkagent.guide.help_topics": (
        "TOPIC_OF_CAUSE",
        "TOPIC_OF_CHECK",
        "TOPIC_OF_ERROR",
        "TOPIC_OF_EXIT_CODES",
        "TOPIC_OF_VERDICTS",
        "TOPIC_OF_GROUP",
        "TOPIC_OF_STATUS",
        "topic_for",
        "topic_for_check",
        "topic_for_error",
    ),
    "bulkagent.guide.pages": ("TOPICS", "Topic", "page", "topics"),
}

__getattr__ = lazily(__name__, _HOMES)
