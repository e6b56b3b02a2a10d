"""A morning as it is drawn from a seed: rosters, gateways, settings, and what happens when.

Everything here is frozen data. A world that fails is made smaller by leaving parts of it out.
"""

from __future__ import annotations

import enum
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

EPOCH_MS = 1_790_000_000_000
"""The time of day at which every morning begins."""
GUID_URL = "https://guids.sim/{gateway}/{agentid}"
"""The service that knows GUIDs, as `--guid-url` has it."""


def url_of(gateway: str) -> str:
    """The address of the gateway of this name."""
    return f"https://{gateway}.sim:8043"


def cookie_of(guid: str) -> str:
    """The cookie by which a load balancer knows the node of a session; "" of every other one."""
    secret = hashlib.blake2b(guid.encode(), digest_size=16).digest()
    return f"node={uuid.UUID(bytes=secret)}" if secret[0] % 2 else ""


class RowKind(enum.Enum):
    """What a row of a roster is."""

    ASSIGNMENT = "assignment"
    DUPLICATE = "duplicate"
    INVALID = "invalid"


class Row(msgspec.Struct, frozen=True):
    """One row of a roster."""

    kind: RowKind
    agent: str
    """The cell as it is written; of an invalid row, none of an agent."""
    gateway: str
    flag: str
    """`0` or `1`."""
    group: str = ""


class Roster(msgspec.Struct, frozen=True):
    """A file of agents. Columns are agent_id, gateway, flag, group and guid, as they are needed."""

    name: str
    rows: tuple[Row, ...]


class FaultKind(enum.Enum):
    """What may be wrong with a request to a gateway while a fault holds."""

    REFUSES = "refuses"
    """It answers with the retcode `code`."""
    STATUS = "status"
    """It answers with the HTTP status `code`, and with a Retry-After of `seconds` above 0.
    Every other time that it is a 5xx there is the effect all the same."""
    GARBAGE = "garbage"
    """It answers with HTTP 200 and the body `code`; every other time there is the effect."""
    RESET_BEFORE = "reset before"
    """The connection ends, and there is no effect."""
    RESET_AFTER = "reset after"
    """The connection ends at once; the effect comes when the gateway is done, `seconds` later."""
    LOST_REQUEST = "lost request"
    """Nothing is answered, and there is no effect."""
    LOST_ANSWER = "lost answer"
    """There is the effect, and nothing is answered."""
    SLOW = "slow"
    """It takes `seconds` longer; the effect is at the end."""
    STRAY = "stray"
    """After the answer another "0" comes on the same connection, `seconds` later."""
    REFUSED = "refused"
    """There is no connection, and those that were there are closed: nothing listens."""
    BLACKHOLE = "blackhole"
    """There is no connection, nobody says so, and what is sent on those that were there is lost."""
    NO_NAME = "no name"
    """The host name has no address for now."""
    TLS = "tls"
    """The handshake fails."""


class Fault(msgspec.Struct, frozen=True):
    """Something wrong with a gateway for a while."""

    kind: FaultKind
    gateway: str
    begins_s: float
    ends_s: float
    share: float = 1.0
    """Of the requests, 0 to 1."""
    code: str = ""
    seconds: float = 0.0
    agents: frozenset[str] = frozenset()
    """The agents that it is about; none: all."""


class GatewayModel(msgspec.Struct, frozen=True):
    """One gateway and what it does to requests."""

    name: str
    latency_s: float
    """The median time that a request takes."""
    spread: float
    """The sigma of its lognormal distribution."""
    on: frozenset[str] = frozenset()
    """The agents with talk right 1 at the beginning."""
    absent: Mapping[str, float] = {}
    """Agent to the second at which it signs in; before, 100-006 is the answer."""
    leaves: Mapping[str, float] = {}
    """Agent to the second at which its session ends; from then on 100-006 is the answer."""
    newer: Mapping[str, float] = {}
    """Agent to the second at which it signs out and in again, so that its GUID is another one
    and its talk right the one that it had at the beginning."""
    failovers: tuple[tuple[float, float, float], ...] = ()
    """Begin and length in seconds, and the share of agents that lose their talk right."""


class CommandKind(enum.Enum):
    """A command of bulkagent."""

    APPLY = "apply"
    RESUME = "resume"
    REVERT = "revert"
    REPORT = "report"
    SHOW = "show"
    RUNS = "runs"
    PRUNE = "prune"
    CHECK = "check"


SENDING = frozenset({CommandKind.APPLY, CommandKind.RESUME, CommandKind.REVERT})
"""Their exit code is about a run, and they may be asked for files."""
READING = frozenset({CommandKind.REPORT, CommandKind.SHOW, CommandKind.RUNS, CommandKind.CHECK})
"""What a run has left is the same after them."""


class Command(msgspec.Struct, frozen=True):
    """A command line, so to speak."""

    kind: CommandKind
    roster: str = ""
    """The roster's name."""
    run: str = "last"
    """`last`, or `process:N` for the run of the process with that number."""
    person: bool = False
    """Whether a person agrees at a terminal; else it has --yes."""
    or_resume: bool = False
    take_over: str = ""
    """"" or `all`, or `process:N`."""
    override: bool = False
    """Whether it has --override."""
    settings: Mapping[str, Any] = {}
    """Fields of `Settings` that differ from the world's, as builtins."""
    skip_invalid: int = 0
    """How many invalid rows may be left out (--skip-invalid); 0: none."""
    assume_opposite: bool = False
    """Of a revert, whether it has --assume-opposite."""
    older_than_s: float = 0.0
    """Of prune: runs that stood still for so long are taken out."""
    start_in_s: float = 0.0
    """So much after its own beginning it is to start sending (--start-at); 0: at once."""
    files: tuple[str, ...] = ()
    """What it writes beside its CSV report: a report by its suffix, `log`, `events`, `metrics`."""
    only: tuple[str, ...] = ()
    """Of a resume: the causes of the agents that it is for (--only); none: all."""
    finish_in_s: float = 0.0
    """So much after its own beginning it should be done (--finish-by); 0: nobody says."""


class EventKind(enum.Enum):
    """What a person, an orchestrator or the machine does."""

    START = "start"
    """Process `process` begins `command`."""
    SIGNAL = "signal"
    """Process `process` gets the signal `number`."""
    KILL = "kill"
    """Process `process` is killed."""
    KILL_AT_COMMIT = "kill at commit"
    """Process `process` is killed at its `number`-th look at the disk from now on."""
    POWER_LOSS = "power loss"
    """All processes end, and the disk has what was synced."""
    CLOCK_JUMP = "clock jump"
    """All clocks of day jump by `seconds`."""
    DISK_FULL = "disk full"
    """For `seconds` nothing more can be written to the ledger; with `number` 1 to no file."""
    READ_ONLY = "read only"
    """For `seconds` the ledger's file system is read-only; with `number` 1 it has all files."""


class Event(msgspec.Struct, frozen=True):
    """Something that happens at a time."""

    kind: EventKind
    at_s: float
    process: int = 0
    command: Command | None = None
    number: int = 0
    seconds: float = 0.0
    ahead_s: float = 0.0
    """Of a start: by how much the process's clock is ahead."""
    again: int = 0
    """Of a start: how often an orchestrator starts the same command again where it was killed or
    ended with an exit code that allows that (3, 5, 129 to 143)."""


class SourceKind(enum.Enum):
    """Where GUIDs come from."""

    COLUMN = "column"
    FILE = "file"
    SERVICE = "service"


class World(msgspec.Struct, frozen=True):
    """A whole morning."""

    seed: int
    profile: str
    """The class of trouble that it was drawn for."""
    rosters: tuple[Roster, ...]
    gateways: tuple[GatewayModel, ...]
    faults: tuple[Fault, ...]
    source: SourceKind
    source_faults: tuple[Fault, ...]
    """Of the service: REFUSED, LOST_REQUEST, STATUS, GARBAGE, SLOW; their gateway is ""."""
    settings: Mapping[str, Any]
    """Fields of `Settings` as builtins: those of every command that begins a run.

    A concurrency is a number or `auto:A-B`, and `halt` is as it is written. Where GUIDs come from
    is said by `source`, and the ledger's place by the morning."""
    events: tuple[Event, ...]
    """In the order of their times."""
    ends_s: float
    """By then all faults have ended. Then everything unfinished is gone on with to its end."""
    sizes: Mapping[str, int] = {}
    """The sizes within bulkagent that are smaller than usual, by their names in `draw.sizes`."""
