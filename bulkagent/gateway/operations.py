"""The operations of the agent gateway, as a table of requests."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import Disposition

PREFIX = "/agentgateway/resource"

CONTENT_TYPE = "application/json; charset=UTF-8"
"""Of every request: mandatory also where there is no body."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One per-agent setter of the gateway: everything that is particular to it."""

    name: str
    """As the last part of its path, which is also what an assignment carries."""
    log_name: str
    """As the gateway's own log calls it, so that two logs can be joined."""
    method: str
    path: str
    """With `{agent_id}` where the agent's number goes."""
    parameters: Mapping[str, frozenset[str]]
    """Query parameters, all mandatory, each with the values it may have."""
    repeatable: bool
    """Whether sending it twice leaves the same state as sending it once."""
    inverse: Mapping[str, str]
    """Arguments that undo arguments, where the operation can be undone by itself."""
    waves: Mapping[str, int]
    """Which arguments go first: lower before higher, 0 where not named."""
    retcodes: Mapping[str, Disposition]
    """Every retcode with a known meaning for this operation."""

    def path_for(self, agent_id: str) -> str:
        """The path of one agent's request; the ID was checked to be digits in the roster."""
        return self.path.replace("{agent_id}", agent_id)

    def check(self, arguments: str) -> str:
        """Return the arguments if they are complete and allowed.

        Raises:
            SettingsRefused: A parameter is missing, unknown, repeated or has another value.
        """
        given = parse_qsl(arguments, keep_blank_values=True)
        allowed = {(name, value) for name, values in self.parameters.items() for value in values}
        complete = sorted(name for name, _ in given) == sorted(self.parameters)
        # Only one way of writing it, because what undoes it is looked up by it.
        if not complete or set(given) - allowed or urlencode(given) != arguments:
            wanted = ", ".join(
                f"{name}={'|'.join(sorted(values))}" for name, values in self.parameters.items()
            )
            raise SettingsRefused(f"{self.name} takes {wanted}; it was given {arguments!r}")
        return arguments


SET_TALK_RIGHT = Operation(
    # "Setting Whether to Answer Inbound Calls", page 1223 (0356 in the newest edition). That
    # repeating it is safe is inferred: it sets an absolute value and triggers no event.
    name="settalkright",
    log_name="setTalkRight",
    method="POST",
    path=f"{PREFIX}/onlineagent/{{agent_id}}/settalkright",
    parameters={"flag": frozenset({"0", "1"})},
    repeatable=True,
    inverse={"flag=0": "flag=1", "flag=1": "flag=0"},
    waves={"flag=1": 0, "flag=0": 1},
    retcodes=RETCODES,
)

OPERATIONS: Mapping[str, Operation] = {SET_TALK_RIGHT.name: SET_TALK_RIGHT}

_TALK_RIGHTS = {0: "flag=0", 1: "flag=1"}
_FLAGS = {"flag=0": "0", "flag=1": "1"}


def talk_right(flag: int) -> str:
    """The arguments of `settalkright` for a flag: 1 takes inbound calls, 0 does not."""
    return _TALK_RIGHTS[flag]


def flag_of(arguments: str) -> str:
    """The flag within the arguments of `settalkright`, or "" where there is none."""
    return _FLAGS.get(arguments, "")
