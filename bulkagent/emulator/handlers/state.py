"""All of an emulated gateway that changes, in one place, so that it can be copied whole."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import msgspec

from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.guids import guid_source
from bulkagent.emulator.agents.lockout import Lockout
from bulkagent.emulator.faults.decisions import FaultHistory
from bulkagent.emulator.faults.outages import Disruptions, Outage, SwitchOver
from bulkagent.emulator.faults.scenario import Scenario
from bulkagent.emulator.protocol.authentication import SessionRules
from bulkagent.emulator.protocol.counters import Traffic


class GatewayState(msgspec.Struct):
    """The state of a gateway; a copy has to name every field, so that none is forgotten."""

    random: Random
    """Draws faults and latencies."""
    guids: Random | None
    """Draws GUIDs, apart from the others, so that an extra sign-in shifts no fault."""
    agents: Agents
    history: FaultHistory
    traffic: Traffic
    switch_overs: Disruptions[SwitchOver]
    outages: Disruptions[Outage]
    lockout: Lockout
    turns: int
    """Connections that were dealt to nodes by affinity."""
    first_at: float | None
    """When the first settalkright request arrived; None before it."""

    def __repr__(self) -> str:
        return f"<GatewayState: {self.agents!r}, {self.traffic.stats()}>"  # no GUIDs

    def copy(self) -> GatewayState:
        """The same state, from here on independent of this one, with nothing in flight."""
        guids = None if self.guids is None else _copied(self.guids)
        return GatewayState(
            random=_copied(self.random),
            guids=guids,
            agents=self.agents.copy(guid_source(guids)),
            history=self.history.copy(),
            traffic=self.traffic.copy(),
            switch_overs=self.switch_overs.copy(),
            outages=self.outages.copy(),
            lockout=self.lockout.copy(),
            turns=self.turns,
            first_at=self.first_at,
        )


class Snapshot(msgspec.Struct, frozen=True):
    """The state of a gateway at one moment. Opaque: only the gateway looks into it."""

    state: GatewayState
    """Nobody's but the snapshot's: it stays as it is."""
    taken_at: float


def first_state(
    scenario: Scenario,
    agent_ids: Iterable[int] | None,
    agent_id_range: tuple[int, int],
    rules: SessionRules,
) -> GatewayState:
    """The state of a gateway to which nothing has happened yet.

    Args:
        scenario: its seed is what all that is random comes from; None for something else each
            time.
        agent_ids: the numbers of the agents that exist; None for the whole range.
        agent_id_range: lowest and highest agent ID.
        rules: how long sessions and GUIDs live.
    """
    seeds = Random(scenario.seed)
    random = Random(seeds.getrandbits(64))
    guids = None if scenario.seed is None else Random(seeds.getrandbits(64))
    return GatewayState(
        random=random,
        guids=guids,
        agents=Agents(agent_ids, agent_id_range, guid_source(guids), rules, scenario.cluster.nodes),
        history=FaultHistory(),
        traffic=Traffic(),
        switch_overs=Disruptions(scenario.switch_overs),
        outages=Disruptions(scenario.outages),
        lockout=Lockout(scenario.sign_in.lock_after),
        turns=0,
        first_at=None,
    )


def _copied(random: Random) -> Random:
    twin = Random(0)  # a seed spares asking the operating system for one
    twin.setstate(random.getstate())
    return twin
