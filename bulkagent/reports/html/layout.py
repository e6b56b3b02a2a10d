"""The order of the table's columns, and the names over them."""

from __future__ import annotations

from collections.abc import Sequence

from bulkagent.language import mark
from bulkagent.reports.columns import COLUMNS

MOST_BESIDE = 4
"""Columns of the roster beside the agent ID at most, so that the status stays in sight."""

LABELS = {
    "row": mark("Line"),
    "agent_id": mark("Agent ID"),
    "gateway": mark("Gateway"),
    "flag": mark("Flag"),
    "status": mark("Status"),
    "cause": mark("Cause"),
    "retcode": mark("Retcode"),
    "message": mark("Message"),
    "http_status": mark("HTTP"),
    "attempts": mark("Attempts"),
    "latency_ms": mark("Latency, ms"),
    "first_sent_at": mark("First sent"),
    "finished_at": mark("Finished"),
}
"""The report's own columns, as people call them."""

# What rosters call the columns by which people know an agent: the name, then the team.
_WORDS = (
    ("name", "姓名", "名字"),
    ("team", "group", "skill", "queue", "site", "班组", "组", "技能", "队列"),
)


def order_of(names: Sequence[str], *, verified: bool) -> list[int]:
    """Which columns stand in the table, from left to right: all of them, each once.

    Names and teams stand beside the agent ID, then what became of the agent, then the rest.

    Args:
        names: The columns as every report has them.
        verified: Whether the first one after the report's own says what was verified.
    """
    own = {name: at for at, name in enumerate(COLUMNS)}
    first = len(COLUMNS) + verified
    theirs = sorted(range(first, len(names)), key=lambda at: (_rank(names[at]), at))
    beside = theirs[:MOST_BESIDE]
    seen = [len(COLUMNS)] if verified else []
    parts = (
        *(own["row"], own["agent_id"], *beside, own["gateway"], own["flag"]),
        *(own["status"], own["cause"], *seen, own["message"], own["retcode"]),
        *(own["http_status"], own["attempts"], own["latency_ms"]),
        *(own["first_sent_at"], own["finished_at"]),
    )
    return [*parts, *sorted(set(range(len(names))) - set(parts))]


def _rank(name: str) -> int:
    spelled = name.casefold()
    for rank, words in enumerate(_WORDS):
        if any(word in spelled for word in words):
            return rank
    return len(_WORDS)
