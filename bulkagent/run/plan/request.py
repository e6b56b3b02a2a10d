"""The request, the plan and the result of a run, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.errors import BadRow
from bulkagent.instants import Instant
from bulkagent.model import Cause, Status
from bulkagent.run.clients.target import Target
from bulkagent.settings import ConfigFile, Settings


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
    skip_invalid: bool | int = False
    """How many invalid rows may be left out; True: 1 % of the rows, at least 3; False: none."""
    reports: tuple[Path, ...] = ()
    """Where reports go, format by suffix; none: one CSV report in the current folder."""
    scenario: Path | None = None
    """Faults of the emulated gateway."""
    ca_file: Path | None = None
    client_cert: Path | None = None
    tls_server_name: str = ""
    insecure: bool = False
    or_resume: bool = False
    """Go on with the latest run of the same roster, flag and gateway where it is unfinished."""
    override: str = ""
    """Why a guardrail is overridden; recorded."""
    take_over: tuple[str, ...] | str = ()
    """Runs in progress that are drained first; their IDs or the beginnings of them, or `all`."""
    log_file: Path | None = None
    """Where every attempt and decision is logged, as JSON Lines."""
    events: Path | None = None
    """Where each outcome is written as it happens, as JSON Lines; `-` is standard output."""
    metrics_file: Path | None = None
    """Where metrics are left for Prometheus's node exporter."""
    place: tuple[str, ...] = ()
    """Options without which a following command would not find the run, for the summary."""
    repeat: tuple[str, ...] = ()
    """Options that the ledger does not keep and a resume needs again, for the summary."""
    start_at: Instant | None = None
    """When the first request may go out; None: at once. Neither time is kept for a resume."""
    finish_by: Instant | None = None
    """When it should be done. It is planned and warned about, and never stops anything."""
    note: str = ""
    """A note that is kept with the run, such as a ticket's number."""
    on_behalf_of: str = ""
    """The user for whom an orchestrator says that it runs; shown as a claim."""

    @property
    def target(self) -> Target:
        """Which gateways are meant, and how they are trusted."""
        return Target(
            gateway=self.gateway,
            ca_file=self.ca_file,
            client_cert=self.client_cert,
            tls_server_name=self.tls_server_name,
            insecure=self.insecure,
            scenario=self.scenario,
        )


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Settings by where they come from, for a run that has settings of its own already.

    Explicit ones go over the run's own, those over the environment, that over the file.
    """

    explicit: Mapping[str, Any] = {}
    environment: Mapping[str, Any] = {}
    file: ConfigFile = ConfigFile()

    @property
    def ledger(self) -> Path | None:
        """Where the run is looked for, before it can say anything about itself."""
        given = self.explicit.get("ledger") or self.environment.get("ledger")
        return given or Settings.resolve({}, self.file).ledger

    def settings(self, own: Mapping[str, Any]) -> Settings:
        """The settings that hold.

        Raises:
            SettingsRefused: A value is out of its range.
        """
        return Settings.resolve(self.explicit, self.file, environment=self.environment, own=own)


class FollowUpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request about a run in the ledger; a field that is not given is as it was then."""

    run: str
    """A run ID, the beginning of one, or `last`."""
    choices: Choices = Choices()
    roster: str = ""
    """Another roster to take GUIDs from; "" for the run's own."""
    gateway: str = ""
    """Addresses that the run's gateways may have although their names mean others today, separated
    by commas."""
    encoding: str | None = None
    delimiter: str | None = None
    agent_column: str | None = None
    reports: tuple[Path, ...] = ()
    scenario: Path | None = None
    tls: Mapping[str, Any] = {}
    """Files and names for TLS that go over the run's own: fields of a gateway's `Endpoint`."""
    insecure: bool = False
    """Never taken over from the run: it is given each time."""
    take_over: tuple[str, ...] | str = ()
    """Runs in progress that are drained first; their IDs or the beginnings of them, or `all`."""
    log_file: Path | None = None
    events: Path | None = None
    metrics_file: Path | None = None
    place: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()
    start_at: Instant | None = None
    finish_by: Instant | None = None
    note: str = ""
    on_behalf_of: str = ""


class Resume(FollowUpRequest, frozen=True, kw_only=True):
    """Go on with a run: everything that another attempt may help."""

    only: frozenset[Cause] = frozenset()
    """Only what ended with one of these causes; none: whatever the cause."""
    override: str = ""
    """Why a guardrail is overridden; recorded."""


class Revert(FollowUpRequest, frozen=True, kw_only=True):
    """Set back what a run changed, to what the ledger knew of it before."""

    assume_opposite: bool = False
    """Take an agent without a known talk right to have had the other one."""


class PlanPart(msgspec.Struct, frozen=True):
    """The assignments of one gateway with one flag."""

    gateway: str
    flag: str
    agents: int


class PlanGroup(msgspec.Struct, frozen=True):
    """A group that hands over."""

    group: str
    incoming: int
    """How many rows come on."""
    outgoing: int
    """How many rows go off."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a run: read, checked, and nothing sent."""

    run_id: str
    layout: str
    """How the roster was read: encoding, delimiter, agent column."""
    rows: int
    agents: int
    duplicates: int
    invalid: int
    parts: tuple[PlanPart, ...]
    """In the order in which they are sent."""
    bad_rows: tuple[BadRow, ...] = ()
    groups: tuple[PlanGroup, ...] = ()
    """The groups of a handover; none: it is none."""
    order: str = ""
    """In which order, and under which conditions, for people; "" where there is none."""
    hint: str = ""
    """A column by which it might better be grouped."""
    command: str = "apply"
    """`apply`, `resume` or `revert`."""
    origin: str = ""
    """The run that is reverted."""
    of_agents: int = 0
    """How many agents the whole run has, where it sends to a part of them."""
    again: Mapping[str, int] = {}
    """Of the agents, how many stand how: status to count, where they were planned before."""
    once_more: int = 0
    """How many agents were set before a switch-over and are sent once more."""
    protected: int = 0
    """How many agents are left alone because they are never touched."""
    superseded: Mapping[str, int] = {}
    """How many agents are left to each later run, by its ID."""
    previous_unknown: int = 0
    """How many agents cannot be set back, because nothing is known of them before."""
    earlier: str = ""
    """What the latest finished run of the same roster has set; "" where there is none."""
    at_work: Mapping[str, int] = {}
    """How many of these agents each run in progress has, by its ID."""
    guardrail: str = ""
    """What stopped the run before and a person has to have looked at; "" where nothing did."""
    to_type: int = 0
    """How many agents stop taking calls, where a person must type that number to agree; 0: a word
    is enough."""
    addresses: Mapping[str, str] = {}
    """Where the gateways of a run that is in the ledger already are, by name."""
    places: tuple[str, ...] = ()
    """What else such a run would have to do with, for people: certificates, a service of GUIDs."""
    standing: Mapping[str, int] = {}
    """The rows by status as earlier legs have left them; none: there was no earlier leg."""

    @property
    def totals(self) -> Mapping[str, int]:
        """The rows by status as long as nothing more is sent."""
        return self.standing or planned_totals(self.rows, self.duplicates, self.invalid)


def planned_totals(rows: int = 0, duplicates: int = 0, invalid: int = 0) -> dict[str, int]:
    """Rows by status as long as nothing is sent; every status is there."""
    totals = {status.value: 0 for status in Status}
    totals[Status.DUPLICATE] = duplicates
    totals[Status.INVALID] = invalid
    totals[Status.NOT_ATTEMPTED] = rows - duplicates - invalid
    return totals


class RunStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a run stands: the object that `--json` prints."""

    run_id: str | None
    state: str
    """`completed`, `halted`, `interrupted` or `refused`; of a report also `running`."""
    exit_code: int | None
    """None while it runs."""
    rows: int
    totals: Mapping[str, int]
    """Rows by status; all seven are always there."""
    causes: Mapping[str, int]
    """Rows by cause; only those that occurred, the most frequent first."""
    requests: int = 0
    """What the gateways could have seen, over all legs."""
    retries: int = 0
    """Of these, beyond the first for an agent."""
    not_sent: int = 0
    """Further attempts, which sent nothing."""
    elapsed_s: float = 0.0
    reports: tuple[str, ...] = ()
    set_before_switchover: int = 0
    """Agents who were set before their gateway switched over, and may have lost the right."""
    left_out: tuple[int, ...] = ()
    """The lines of the rows that were left out because they are invalid."""
    verified: Mapping[str, int] | None = None
    """Applied rows by what was seen of them; None where nobody looked."""
    next: str | None = None
    """The command to type now."""
    error: str | None = None
    """Why it was refused or ended early, for people."""
    errors: tuple[BadRow, ...] = ()
    """Every bad row of a refused roster."""


class RunResult(RunStanding, frozen=True, kw_only=True):
    """The result of a run that has come to an end."""

    exit_code: int
