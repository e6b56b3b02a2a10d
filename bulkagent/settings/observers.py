"""Agents by whose eyes a run is verified, as people write them."""

from __future__ import annotations

import re

import msgspec

from bulkagent.errors import SettingsRefused

_OBSERVER = re.compile(
    r"(?:(?P<gateway>\S+)/)?(?P<agent_id>[1-9]\d{2,5}):(?P<skill>\d{1,9})", re.ASCII
)


class Observer(msgspec.Struct, frozen=True):
    """An agent who is asked about one skill queue."""

    agent_id: str
    skill: str
    gateway: str = ""
    """The name of a gateway; "" for the only one of the run."""

    def __str__(self) -> str:
        return f"{f'{self.gateway}/' if self.gateway else ''}{self.agent_id}:{self.skill}"


def observer(text: str) -> Observer:
    """The observer of `105:7`, agent and skill queue, or of `east/105:7`.

    Raises:
        SettingsRefused: It is none.
    """
    match = _OBSERVER.fullmatch(text.strip())
    if match is None:
        raise SettingsRefused(
            f"{text!r} is not an observer; write agent and skill queue like 105:7, or with the"
            " gateway's name like east/105:7"
        )
    return Observer(match["agent_id"], str(int(match["skill"])), match["gateway"] or "")
