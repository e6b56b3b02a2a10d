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
from bulkagent.run.plan.run_order import RunOrder
from bulkagent.settings import ConfigFile, Settings


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one run is asked to do."""

    roster: str
    """Path of the roster, or `-` for standard input."""
    gateway: str = ""
    """`https://...`, a configured name, or `emulated`. "" where every row names its own gateway."""
    flag: int | None = None
    """1 allows inbound calls, 0 stops them. None where the roster has a flag column."""
    settings: Settings = Settings()
    """Limits, timeouts and rules."""
    encoding: str | None = None
    """The roster's encoding. None: it is found out."""
    delimiter: str | None = None
    """The roster's delimiter. None: it is found out."""
    agent_column: str | None = None
    """The name of the column of agent IDs. None: it is found out."""
    skip_invalid: bool | int = False
    """How many invalid rows may be left out. True means 1 % of the rows, and at least 3. False
    means none."""
    reports: tuple[Path, ...] = ()
    """Paths of reports, whose suffixes give their formats. (): one CSV report in this folder."""
    scenario: Path | None = None
    """Faults of the emulated gateway."""
    ca_file: Path | None = None
    """PEM file of a private CA. None: the system's CAs."""
    client_cert: Path | None = None
    """PEM file with the certificate and key that are presented. None: none are."""
    tls_server_name: str = ""
    """The name to expect in the certificate. "": the one in the address."""
    insecure: bool = False
    """Whether any certificate is accepted."""
    or_resume: bool = False
    """Go on with the latest run of the same roster, flag and gateway where it is unfinished."""
    override: str = ""
    """Why a guardrail is overridden. The ledger keeps it."""
    take_over: tuple[str, ...] | str = ()
    """Runs in progress to drain first: their IDs, the beginnings of them, or `all`."""
    log_file: Path | None = None
    """Where every attempt and decision is logged, as JSON Lines."""
    events: Path | None = None
    """Where each outcome is written at once as JSON Lines, or `-` for standard output."""
    metrics_file: Path | None = None
    """Where metrics are left for Prometheus's node exporter."""
    place: tuple[str, ...] = ()
    """Options that the next command needs to find the run. The summary shows them."""
    repeat: tuple[str, ...] = ()
    """Options that a resume needs again, because the ledger does not keep them."""
    start_at: Instant | None = None
    """When the first request may leave. None: at once. A resume does not take it over."""
    finish_by: Instant | None = None
    """When the run should be done. bulkagent plans for it and warns; it stops nothing."""
    time_zone: str = ""
    """The time zone of the times on the page, such as `Europe/Berlin`. "" means the machine's."""
    note: str = ""
    """A note that is kept with the run, such as a ticket's number."""
    on_behalf_of: str = ""
    """The user for whom an orchestrator says that it runs this. It is shown as a claim."""

    @property
    def target(self) -> Target:
        """The gateways that are meant, and how they are trusted."""
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
    """Fields of `Settings` that were given for this."""
    environment: Mapping[str, Any] = {}
    """Fields of `Settings` that variables gave."""
    file: ConfigFile = ConfigFile()
    """The configuration file."""

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
    """A request about a run in the ledger. A field that you leave out is as it was for the run.

    Fields without a description mean what they mean in `Request`.
    """

    run: str
    """A run ID, the beginning of one, or `last`."""
    choices: Choices = Choices()
    """Settings that go over those of the run."""
    roster: str = ""
    """Another roster to take GUIDs from. "" means the run's own."""
    gateway: str = ""
    """Addresses of the run's gateways, separated by commas, that hold although their names mean
    other addresses today."""
    encoding: str | None = None
    """The encoding of another roster. None: it is found out."""
    delimiter: str | None = None
    """The delimiter of another roster. None: it is found out."""
    agent_column: str | None = None
    """The column of agent IDs in another roster. None: it is found out."""
    reports: tuple[Path, ...] = ()
    """As for `Request`. (): where the run has them."""
    scenario: Path | None = None
    """Faults of the emulated gateway."""
    tls: Mapping[str, Any] = {}
    """Files and names for TLS that go over the run's own: fields of a gateway's `Endpoint`."""
    insecure: bool = False
    """Not taken over from the run. Give it each time."""
    take_over: tuple[str, ...] | str = ()
    """Runs in progress to drain first: their IDs, the beginnings of them, or `all`."""
    log_file: Path | None = None
    events: Path | None = None
    metrics_file: Path | None = None
    place: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()
    start_at: Instant | None = None
    finish_by: Instant | None = None
    time_zone: str = ""
    note: str = ""
    on_behalf_of: str = ""


class Resume(FollowUpRequest, frozen=True, kw_only=True):
    """Go on with a run: try again every agent whom another attempt may help."""

    only: frozenset[Cause] = frozenset()
    """Send only agents with one of these causes. Empty: every cause."""
    override: str = ""
    """Why a guardrail is overridden. The ledger keeps it."""


class Revert(FollowUpRequest, frozen=True, kw_only=True):
    """Give agents that a run changed the talk right back that the ledger knew before."""

    assume_opposite: bool = False
    """Where the ledger knows no earlier talk right of an agent, assume the opposite one."""


class PlanPart(msgspec.Struct, frozen=True):
    """The assignments of one gateway with one flag."""

    gateway: str
    """The name of the gateway."""
    flag: str
    """`1` or `0`."""
    agents: int
    """How many agents there are."""


class PlanGroup(msgspec.Struct, frozen=True):
    """A group that hands over."""

    group: str
    """The value of the column."""
    incoming: int
    """How many rows come on shift."""
    outgoing: int
    """How many rows go off shift."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a run, before anything is sent."""

    run_id: str
    """The ID that the run has, or would have."""
    layout: str
    """How the roster was read: encoding, delimiter, agent column."""
    rows: int
    """How many rows the roster has."""
    agents: int
    """How many agents would be set."""
    duplicates: int
    """How many rows repeat an earlier one."""
    invalid: int
    """How many rows cannot be used."""
    parts: tuple[PlanPart, ...]
    """In the order in which they are sent."""
    bad_rows: tuple[BadRow, ...] = ()
    """The defects of the rows that cannot be used."""
    groups: tuple[PlanGroup, ...] = ()
    """The groups of a handover. (): the run is none."""
    order: RunOrder = RunOrder()
    """The order and the conditions of a handover. `str` makes a sentence of it."""
    hint: str = ""
    """A column that may be a better `group_by`."""
    command: str = "apply"
    """`apply`, `resume` or `revert`."""
    origin: str = ""
    """The run that is reverted."""
    of_agents: int = 0
    """How many agents the whole run has, where it sends to a part of them."""
    again: Mapping[str, int] = {}
    """Status to number of agents, where an earlier attempt of the run planned them."""
    once_more: int = 0
    """How many agents were set before a failover and are sent once more."""
    protected: int = 0
    """How many agents are left alone because `protect` names them."""
    superseded: Mapping[str, int] = {}
    """Run ID to number of agents that are left to this later run."""
    set_otherwise: Mapping[str, int] = {}
    """Run ID to number of agents that the run has set and this later run has set otherwise."""
    previous_unknown: int = 0
    """How many agents cannot be set back, because the ledger knows no earlier talk right."""
    earlier: str = ""
    """A sentence on what the latest finished run of the same roster set. "" where there is none."""
    at_work: Mapping[str, int] = {}
    """Run ID to number of these agents that this run in progress has."""
    guardrail: str = ""
    """Why the run was stopped before. A person must have looked at it. "" where it was not."""
    halted_at: int | None = None
    """When that was. None: it was not, or nobody knows."""
    to_type: int = 0
    """How many agents stop taking calls, where a person must type that number to agree. 0: a word
    is enough."""
    most_of: str = ""
    """The gateway of whose known agents more than half stop taking calls. "": the number alone is
    large."""
    addresses: Mapping[str, str] = {}
    """Name to address of each gateway, for a run that is in the ledger already."""
    places: tuple[str, ...] = ()
    """Certificates, GUID service and the like that such a run uses, for people."""
    standing: Mapping[str, int] = {}
    """The rows by status as earlier attempts of the run left them. Empty: there was none."""

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
    """The ID of the run. None: it was refused before it had one."""
    state: str
    """`completed`, `halted`, `interrupted` or `refused`; of a report also `running`."""
    exit_code: int | None
    """None while the run goes on."""
    rows: int
    """How many rows the roster has."""
    totals: Mapping[str, int]
    """Rows by status. All seven statuses are always there."""
    causes: Mapping[str, int]
    """Rows by cause, the most frequent first. Causes that did not occur are left out."""
    requests: int = 0
    """Requests that a gateway could have seen, of all attempts of the run."""
    retries: int = 0
    """The requests among these that were not the first for their agent."""
    not_sent: int = 0
    """Further attempts, of which no byte left."""
    elapsed_s: float = 0.0
    """How long it took, in seconds."""
    reports: tuple[str, ...] = ()
    """Paths of the reports that were written."""
    set_before_switchover: int = 0
    """Agents who were set before a failover of their gateway and may have lost the right."""
    left_out: tuple[int, ...] = ()
    """The lines of the rows that were left out because they are invalid."""
    verified: Mapping[str, int] | None = None
    """Applied rows by what the gateway showed of them. None where nothing was looked at."""
    next: str | None = None
    """The command to type now."""
    error: str | None = None
    """Why the run was refused or ended early, for people."""
    errors: tuple[BadRow, ...] = ()
    """Every bad row of a refused roster."""


class RunResult(RunStanding, frozen=True, kw_only=True):
    """The result of a run that has come to an end."""

    exit_code: int
    """The exit code of the command."""
