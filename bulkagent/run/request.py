"""What a run is asked to do, what it would do, and what it did, as frozen records.

What may live here: the request, the plan as people see it, the result that `--json` prints.
What this room must not know: how any of it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bulkagent.errors import BadRow
from bulkagent.outcome import Status
from bulkagent.settings import Settings

__all__ = ["EMULATED", "Plan", "PlanPart", "Progress", "Request", "RunResult", "planned_totals"]

EMULATED = "emulated"
"""The gateway that is started inside the command."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one run is asked to do."""

    roster: str
    """Path of the roster; `-` is standard input."""
    gateway: str = ""
    """`https://...`, a configured name, or `emulated`; "" where every row names its own."""
    flag: int | None = None
    """1: may take inbound calls, 0: may not; None where the roster has a flag column."""
    settings: Settings = Settings()
    encoding: str | None = None
    delimiter: str | None = None
    agent_column: str | None = None
    skip_invalid: bool = False
    reports: tuple[Path, ...] = ()
    """Where reports go, format by suffix; none: one CSV report in the current folder."""
    scenario: Path | None = None
    """Faults of the emulated gateway."""
    ca_file: Path | None = None
    client_cert: Path | None = None
    tls_server_name: str = ""
    insecure: bool = False
    command: str = ""
    """What to type to do the same again, for the last screen."""


class PlanPart(msgspec.Struct, frozen=True):
    """The assignments of one gateway with one flag."""

    gateway: str
    flag: str
    agents: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do: read, checked, and nothing sent."""

    run_id: str
    layout: str
    """How the roster was read: encoding, delimiter, agent column."""
    rows: int
    agents: int
    duplicates: int
    invalid: int
    parts: tuple[PlanPart, ...]
    """In the order in which they are sent."""
    bad_rows: tuple[BadRow, ...]

    @property
    def totals(self) -> dict[str, int]:
        """The rows by status as long as nothing is sent."""
        return planned_totals(self.rows, self.duplicates, self.invalid)


def planned_totals(rows: int = 0, duplicates: int = 0, invalid: int = 0) -> dict[str, int]:
    """Rows by status as long as nothing is sent; every status is there."""
    totals = {status.value: 0 for status in Status}
    totals[Status.DUPLICATE] = duplicates
    totals[Status.INVALID] = invalid
    totals[Status.NOT_ATTEMPTED] = rows - duplicates - invalid
    return totals


class Progress(msgspec.Struct, frozen=True):
    """A run at one moment; every count is of what is on disk."""

    agents: int
    finished: int
    by_status: Mapping[str, int]
    requests: int
    retries: int
    waiting: int
    """Agents between two attempts."""
    elapsed_s: float


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run: the object that `--json` prints."""

    run_id: str | None
    state: str
    """`completed`, `halted`, `interrupted` or `refused`."""
    exit_code: int
    rows: int
    totals: Mapping[str, int]
    """Rows by status; all seven are always there."""
    causes: Mapping[str, int]
    """Rows by cause; only those that occurred, the most frequent first."""
    requests: int = 0
    retries: int = 0
    elapsed_s: float = 0.0
    reports: tuple[str, ...] = ()
    next: str | None = None
    """The command to type now."""
    error: str | None = None
    """Why it was refused or ended early, for people."""
    errors: tuple[BadRow, ...] = ()
    """Every bad row of a refused roster."""
