"""The agents that a run has left to later ones: by whom they were set, to what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bulkagent.cli.render.moments import moment
from bulkagent.cli.render.preview import named, run_of
from bulkagent.gateway.operations import flag_of
from bulkagent.language import translate_plural

if TYPE_CHECKING:
    from bulkagent.ledger import LeftTo


def left_to_as_lines(
    groups: Sequence[LeftTo], *, now_ms: int = 0, zone: str = ""
) -> tuple[str, ...]:
    """A sentence for each later run and each talk right that it has set.

    Args:
        groups: The agents.
        now_ms: Time of day; 0: times have their date.
        zone: The time zone of the user; "" for the machine's.
    """
    return tuple(_line(group, now_ms, zone) for group in groups)


def _line(group: LeftTo, now_ms: int, zone: str) -> str:
    words = {
        "agents": named(group.some, group.agents),
        "run": run_of(group.run_id, group.who),
    }
    flag = flag_of(group.arguments)
    if not flag or group.at is None:
        told = translate_plural(
            "{agents} was left to {run}", "{agents} were left to {run}", group.agents
        )
        return told.format(**words)
    told = translate_plural(
        "{agents} was set to {flag} by {run}, {time}",
        "{agents} were set to {flag} by {run}, {time}",
        group.agents,
    )
    return told.format(flag=flag, time=moment(group.at, now_ms, zone), **words)
