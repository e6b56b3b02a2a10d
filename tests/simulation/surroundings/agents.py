"""The agents of one gateway: their sessions, GUIDs and talk rights."""

from __future__ import annotations

import functools
import hashlib
import math
import zlib
from collections.abc import Iterator

from tests.simulation.world import GatewayModel


@functools.lru_cache(maxsize=65_536)
def _guid(seed: int, gateway: str, agent: str, number: int) -> str:
    digest = hashlib.blake2b(f"{seed}:{gateway}:{agent}:{number}".encode(), digest_size=16)
    text = digest.hexdigest()
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return f"{'-'.join(parts)}.AgentGateway0"


class Agents:
    """The agents. An agent of whom the world says nothing is signed in all morning, with right 0.

    Args:
        model: What the world says.
        seed: The morning's.
    """

    def __init__(self, model: GatewayModel, seed: int) -> None:
        self._model = model
        self._seed = seed
        self._rights: dict[str, str] = {}

    def session(self, agent: str, at_s: float) -> int:
        """The number of the agent's session at a time; 0: there is none."""
        model = self._model
        if at_s < model.absent.get(agent, 0.0):
            return 0
        anew_s = model.newer.get(agent, math.inf)
        left_s = model.leaves.get(agent, math.inf)
        if left_s <= at_s and not left_s < anew_s <= at_s:
            return 0
        return 2 if anew_s <= at_s else 1

    def guid_of(self, agent: str, at_s: float) -> str:
        """The GUID of the agent's session; "" where there is none."""
        number = self.session(agent, at_s)
        return _guid(self._seed, self._model.name, agent, number) if number else ""

    def first_right(self, agent: str) -> str:
        """The talk right with which a session of the agent begins."""
        return "1" if agent in self._model.on else "0"

    def right(self, agent: str) -> str:
        """The agent's talk right now."""
        return self._rights.get(agent) or self.first_right(agent)

    def give(self, agent: str, right: str) -> None:
        """Set it."""
        self._rights[agent] = right

    def forget(self, agent: str) -> bool:
        """Take the agent's right back to what it was first; whether that is another one."""
        was = self.right(agent)
        self._rights.pop(agent, None)
        return was != self.right(agent)

    def has_skill(self, agent: str, skill: str) -> bool:
        """Whether the agent is of this queue: three of four are."""
        return zlib.crc32(f"{self._seed}:{skill}:{agent}".encode()) % 4 > 0

    def known(self) -> list[str]:
        """All agents that the world names, and those that had their right set."""
        model = self._model
        return sorted({*model.on, *model.absent, *model.leaves, *model.newer, *self._rights})

    def sign_ins(self) -> Iterator[tuple[float, str]]:
        """When sessions begin during the morning, and of which agents."""
        for times in (self._model.absent, self._model.newer):
            for agent in sorted(times):
                yield times[agent], agent
