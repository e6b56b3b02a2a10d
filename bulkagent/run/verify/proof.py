"""Whether what was set is seen to be so: the pure rule.

A queue lists the agents who are signed in to it and take calls, up to a number (page 0414). So an
agent in a list has the right, however long the list is. An agent who is not in it may have no
right, be signed out, have left the queue, never have been in it, or be beyond the list's end; only
where all others are ruled out does the absence prove the first.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

import msgspec

from bulkagent.gateway.query_requests import SkillAgents
from bulkagent.model import Verified


class ListedAfter(enum.Enum):
    """What the list of a queue says of an agent after the last request."""

    SEEN = enum.auto()
    ABSENT = enum.auto()  # not in a list that is whole
    OPEN = enum.auto()  # there is no list, or there may be more agents than it has


class QueueSight(msgspec.Struct, frozen=True, gc=False):
    """What one queue showed of one agent."""

    before: bool
    """Whether the agent was in its list before the first request: a member, then, for sure."""
    after: ListedAfter

    @property
    def vanished(self) -> bool:
        """Whether the agent was there before and surely is not any more."""
        return self.before and self.after is ListedAfter.ABSENT


def queue_sight(before: SkillAgents | None, after: SkillAgents | None, agent_id: str) -> QueueSight:
    """What two lists of a queue show of an agent; None where there is no list."""
    was_there = before is not None and agent_id in before.ids
    if after is None:
        return QueueSight(was_there, ListedAfter.OPEN)
    if agent_id in after.ids:
        return QueueSight(was_there, ListedAfter.SEEN)
    return QueueSight(was_there, ListedAfter.OPEN if after.full else ListedAfter.ABSENT)


def hangs_on_session(sights: Iterable[QueueSight]) -> bool:
    """Whether it makes a difference if the agent is still signed in."""
    seen = list(sights)
    vanished = any(one.vanished for one in seen)
    return vanished and not any(one.after is ListedAfter.SEEN for one in seen)


def proven(flag: str, sights: Sequence[QueueSight], *, signed_in: bool) -> Verified:
    """What all queues together prove of an agent that was set.

    To be seen is to have the right, wherever that is and whatever other lists lack.

    Args:
        flag: What was set: "1" may take calls, "0" may not.
        sights: What each queue showed of the agent.
        signed_in: Whether the agent is known to be signed in still, after the lists; asked for
            only where `hangs_on_session`.
    """
    if any(one.after is ListedAfter.SEEN for one in sights):
        return Verified.YES if flag == "1" else Verified.NO
    if signed_in and hangs_on_session(sights):
        return Verified.YES if flag == "0" else Verified.NO
    return Verified.NOT_VISIBLE
