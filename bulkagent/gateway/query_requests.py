"""Questions about agents, as a table, and the reading of what is answered.

Pages 0355 (agentstatus), 0414 and 1025 (agents signed in to a skill queue), 0581 (states). The
reading is tolerant of types, which are loose, and of nothing else: an agent missing from a list
is taken for absent, so a list that cannot be read whole is no list.
"""

from __future__ import annotations

import enum

import msgspec

from bulkagent.gateway.json_text import NotJson, read_json, text_of
from bulkagent.gateway.operations import PREFIX

LONGEST_LIST = 500
"""The most that `agentLimit` may be (page 0414). No page says how many there are without one, so a
list of as many is taken for one that was cut off."""


class AgentState(enum.IntEnum):
    """The state of an agent (page 0581)."""

    UNKNOWN = 0
    SIGNED_OUT = 2
    BUSY = 3
    IDLE = 4
    WRAP_UP = 5
    TALKING = 7
    REST = 8
    PRE_REST = 9

    @classmethod
    def _missing_(cls, _value: object) -> AgentState:
        return cls.UNKNOWN

    @property
    def signed_in(self) -> bool:
        """Whether there is a session for sure."""
        return self not in {AgentState.UNKNOWN, AgentState.SIGNED_OUT}

    @property
    def available(self) -> bool:
        """Whether calls come to the agent, now or after the one under way."""
        return self in {AgentState.IDLE, AgentState.TALKING, AgentState.WRAP_UP}


class SkillAgents(msgspec.Struct, frozen=True):
    """The agents of a skill queue who are signed in and take calls."""

    ids: frozenset[str]

    @property
    def full(self) -> bool:
        """Whether there may be more of them than the gateway lists."""
        return len(self.ids) >= LONGEST_LIST


class Question(msgspec.Struct, frozen=True):
    """One kind of question."""

    log_name: str
    """As the gateway's own log calls it, so that two logs can be joined; "" where not known."""
    path: str
    """With `{agent_id}` where the number of the agent who asks goes, and `{skill}` a queue's."""

    def path_for(self, agent_id: str, skill: str = "") -> str:
        """The path of one question; both were checked to be digits."""
        return self.path.replace("{agent_id}", agent_id).replace("{skill}", skill)


AGENT_STATUS = Question("", f"{PREFIX}/onlineagent/{{agent_id}}/agentstatus")
AGENTS_OF_SKILL = Question(
    "queryAgentInfoBySkillId", f"{PREFIX}/agentgroup/{{agent_id}}/agentbyskill/{{skill}}"
)


def state_in(body: bytes) -> AgentState | None:
    """The state that a reply of agentstatus tells; None where it tells none."""
    result = _result_of(body)
    if not isinstance(result, dict):
        return None
    number = _digits(result.get("agentState"))
    return AgentState(int(number)) if number else None


def agents_in(body: bytes) -> SkillAgents | None:
    """The agents that a reply of agentbyskill lists; None where not all can be read."""
    result = _result_of(body)
    if not isinstance(result, list):
        return None
    ids = frozenset(_agent_id(entry) for entry in result)
    return None if "" in ids else SkillAgents(ids)


# The pages of the gateway write the first, those of its neighbours the others.
_ID_FIELDS = ("workno", "workNo", "agentId", "agentid")


def _agent_id(entry: object) -> str:
    if isinstance(entry, dict):
        entry = next((entry[name] for name in _ID_FIELDS if name in entry), None)
    return _digits(entry)


_LONGEST_NUMBER = 9


def _digits(value: object) -> str:
    """A whole number however it is written, without leading zeros; "" for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or len(text) > _LONGEST_NUMBER:
        return ""
    return str(int(text))


def _result_of(body: bytes) -> object:
    text = text_of(body)
    if text is None:
        return None
    try:
        fields = read_json(text)
    except NotJson:
        return None
    return fields.get("result") if isinstance(fields, dict) else None
