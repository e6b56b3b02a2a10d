"""The emulated agent gateway: real agent state behind the documented interface, scripted faults.

What may live here: the gateway's side of the interface, written from the vendor's documents
alone. What this folder must not know: how bulkagent's own client reads those documents. Where
both misread a page in the same way, no test would notice.

`protocol/` has the words of the interface, `agents/` the state of the agents, `faults/` the
scenarios, `handlers/` one module an interface, `http/` the network. A program starts an emulated
gateway with `gateway`, and writes its files with `roster_out` and `sessions_out`.
"""

from __future__ import annotations

from bulkagent.emulator.agents.events import EventType
from bulkagent.emulator.agents.records import AgentChange, AgentRecord, ChangeKind, SessionRecord
from bulkagent.emulator.faults.latency import (
    Capacity,
    ColdStart,
    Distribution,
    Latency,
    OverloadRefusal,
)
from bulkagent.emulator.faults.outages import Outage, Sessions, SwitchOver
from bulkagent.emulator.faults.scenario import (
    AgentRules,
    Cluster,
    FaultKind,
    Scenario,
    ScenarioFault,
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
    "AgentChange",
    "AgentIds",
    "AgentRecord",
    "AgentRules",
    "Authentication",
    "Capacity",
    "ChangeKind",
    "Cluster",
    "ColdStart",
    "Distribution",
    "EmulatedGateway",
    "EventType",
    "FaultKind",
    "Latency",
    "LiveSession",
    "Outage",
    "OverloadRefusal",
    "Scenario",
    "ScenarioFault",
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
