"""The emulated agent gateway: real agent state behind the documented interface, scripted faults.

What may live here: the gateway's side of the interface, written from the vendor's documents
alone. What this room must not know: how bulkagent's own client reads those documents; where
both misread a page in the same way, no test would notice.

Layers, each importing only from those above it:

    agent_ids, reply, guids, traffic, limits  words, counts and limits
    reach, spells, pace                       which requests, when, and how fast
    agents, sign_in, scenario, interfaces     state, rules and records
    decisions, faults, scenario_file          what befalls a request
    state                                     all that changes, to be copied whole
    emulation                                 a request in, a reply out
    certificates, listening, entrance         the way in
    presence, watch, server                   the network
"""

from __future__ import annotations

from bulkagent.emulator.agent_ids import AgentIds
from bulkagent.emulator.agents import AgentRecord, Change, Event
from bulkagent.emulator.pace import Capacity, ColdStart, Distribution, Latency, Refusal
from bulkagent.emulator.roster_out import write_roster
from bulkagent.emulator.scenario import (
    AgentRules,
    Cluster,
    Fault,
    FaultKind,
    Scenario,
    SignInRules,
)
from bulkagent.emulator.scenario_file import load_scenario
from bulkagent.emulator.server import EmulatedGateway
from bulkagent.emulator.spells import Outage, SwitchOver
from bulkagent.emulator.state import Snapshot
from bulkagent.emulator.traffic import Stats

__all__ = [
    "AgentIds",
    "AgentRecord",
    "AgentRules",
    "Capacity",
    "Change",
    "Cluster",
    "ColdStart",
    "Distribution",
    "EmulatedGateway",
    "Event",
    "Fault",
    "FaultKind",
    "Latency",
    "Outage",
    "Refusal",
    "Scenario",
    "SignInRules",
    "Snapshot",
    "Stats",
    "SwitchOver",
    "load_scenario",
    "write_roster",
]
