"""What came of a morning: what the gateways saw and how commands ended. The judge's evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tests.simulation.world import Command, World


class Handled(msgspec.Struct):
    """A request as a gateway saw it. Times are true seconds since the morning began."""

    number: int
    gateway: str
    process: int
    """Which process sent it; the gateway would see its address."""
    agent: str
    flag: str
    guid: str
    arrived_s: float
    effect_s: float | None = None
    """When the talk right was set; None: it was not, or not yet."""
    ended_s: float | None = None
    """When the gateway was done with it, whatever the client did meanwhile; None: not yet."""
    answer: str = ""
    """What it answered: a retcode, `http 503`, `garbage`, `reset`, `nothing`."""
    accepted: bool = False
    """Whether it answered "0" to this request, or would have."""
    reset_s: float | None = None
    """When it ended the connection without an answer; None: it did not."""
    strayed_s: float | None = None
    """From when on a reply too many had come on its connection before it was done; None: none."""
    line: int = 0
    """What the gateway calls the connection that it came on; 0: no other came on it."""
    pause_s: float = 0.0
    """For how long its answer asked for nothing more; 0: it did not."""


class Seen(msgspec.Struct, frozen=True):
    """An answer to the question what state an agent is in: the agent is idle."""

    gateway: str
    agent: str
    process: int
    """Which process had asked."""
    at_s: float


class RightChange(msgspec.Struct, frozen=True):
    """A talk right as it is from a time on."""

    gateway: str
    agent: str
    at_s: float
    right: str
    """`0`, `1`."""
    number: int
    """The request's number; 0: a failover, -1: the agent signed in anew."""


class ReportRow(msgspec.Struct, frozen=True):
    """A row of a report file, as it is written."""

    row: int
    agent_id: str
    gateway: str
    flag: str
    status: str
    cause: str
    retcode: str
    attempts: int
    first_sent_at: str
    finished_at: str
    message: str = ""
    http_status: str = ""
    latency_ms: str = ""


class Ended(msgspec.Struct, frozen=True):
    """The end of a process."""

    process: int
    command: Command
    began_s: float
    ended_s: float
    exit_code: int
    """137: it was killed; 1: a defect."""
    run_id: str = ""
    """The run that it was about; "" where it came to none."""
    sent_for: str = ""
    """The same, once it may have sent."""
    result: Mapping[str, Any] = {}
    """The object that --json prints; empty where it printed none."""
    report: tuple[ReportRow, ...] = ()
    """The CSV report at its end; () where none was written."""
    reports: Mapping[str, bytes] = {}
    """Every file that it has written, by name."""
    said: tuple[str, ...] = ()
    """What it told people."""
    traceback: str = ""
    """Of a defect."""
    most_tasks: int = 0
    """So many asyncio tasks it had at once."""
    settings: Mapping[str, Any] = {}
    """The settings it was carried out by, as builtins."""
    ahead_s: float = 0.0
    """By how much its time of day was ahead as it began."""


class RunRow(msgspec.Struct, frozen=True):
    """A run as the ledger has it in the end, with its report written anew."""

    run_id: str
    state: str
    exit_code: int | None
    roster: str
    """The name of the roster; "" of a revert."""
    report: tuple[ReportRow, ...]
    begun: bool
    """Whether it ever had a leg."""
    reverts: str = ""
    """The ID of the run that it reverts; "" where it is none."""


class Morning(msgspec.Struct):
    """All of it."""

    world: World
    handled: list[Handled] = []
    rights: list[RightChange] = []
    seen: list[Seen] = []
    ended: list[Ended] = []
    """In the order of their ends."""
    runs: list[RunRow] = []
    """In the order of their IDs."""
    last: list[Ended] = []
    """The commands of the end, by which everything unfinished was gone on with."""
    files: Mapping[str, bytes] = {}
    """Every file that there is in the end, the ledger's too, but for those that are given to
    commands: rosters and the sessions file have GUIDs by right."""
    log: list[str] = []
    """One line for everything that happened, the same bytes for the same seed."""
    violations: list[str] = []
    """Requests that nobody may send, as the gateways saw them."""
    stuck: str = ""
    """Why the morning came to no end; "" where it did."""
