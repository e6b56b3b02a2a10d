"""The emulated agent gateway: real agent state behind the documented interface, scripted faults.

What may live here: the gateway's side of the interface, written from the vendor's documents
alone. What this room must not know: how bulkagent's own client reads those documents; where
both misread a page in the same way, no test would notice.

Layers, each importing only from those above it:

    agent_ids, reply, guids, traffic, limits  words, counts and limits
    affinity, authentication, records         more of them, of sessions
    reach, spells, pace                       which requests, when, and how fast
    agent_events, sessions, agent             what one agent has
    directory, agents, locks                  what all of them have
    sign_in, scenario, interfaces, asked      rules and records
    keeping, signing_in, signing_out,
    skill_queues, answers                     what a session is asked
    decisions, faults, scenario_file          what befalls a request
    state                                     all that changes, to be copied whole
    reception, emulation                      a request in, a reply out
    certificates, listening, entrance         the way in
    presence, watch, waiting, connections     who is there, and who waits
    server                                    the network
    gateway, roster_out, sessions_out         what starts one, and gives GUIDs away
"""

from __future__ import annotations

from bulkagent.emulator.agents.events import EventType
from bulkagent.emulator.agents.records import AgentRecord, Change, Event, SessionRecord
from bulkagent.emulator.faults.latency import Capacity, ColdStart, Distribution, Latency, Refusal
from bulkagent.emulator.faults.outages import Outage, Sessions, SwitchOver
from bulkagent.emulator.faults.scenario import (
    AgentRules,
    Cluster,
    Fault,
    FaultKind,
    Scenario,
    SignInRules,
)
from bulkagent.emulator.faults.scenario_file import load_scenario
from bulkagent.emulator.gateway import EmulatedGateway
from bulkagent.emulator.handlers.state import Snapshot
from bulkagent.emulator.protocol.agent_ids import AgentIds
from bulkagent.emulator.protocol.authentication import Authentication, SessionRules
from bulkagent.emulator.protocol.counters import Stats
from bulkagent.emulator.roster_out import write_roster
from bulkagent.emulator.sessions_out import LiveSession, keep_sessions_file, write_sessions

__all__ = [
    "AgentIds",
    "AgentRecord",
    "AgentRules",
    "Authentication",
    "Capacity",
    "Change",
    "Cluster",
    "ColdStart",
    "Distribution",
    "EmulatedGateway",
    "Event",
    "EventType",
    "Fault",
    "FaultKind",
    "Latency",
    "LiveSession",
    "Outage",
    "Refusal",
    "Scenario",
    "SessionRecord",
    "SessionRules",
    "Sessions",
    "SignInRules",
    "Snapshot",
    "Stats",
    "SwitchOver",
    "keep_sessions_file",
    "load_scenario",
    "write_roster",
    "write_sessions",
]
