"""One test agent set to 0 and to 1, to see what this site's gateway does where no document says.

Both are runs like any other: in the ledger, with its marks and locks.
"""

from __future__ import annotations

import csv
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.diagnostics.checks import CheckRequest, rules_of
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.credentials import CredentialSource, PackedGuids
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.model import Assignment, Status, Verified
from bulkagent.roster import Roster, RosterRow
from bulkagent.run import Consent, Request, Run, RunResult
from bulkagent.run.clients.credentials import guids_required
from bulkagent.run.clients.factory import ClientFactory
from bulkagent.run.clients.gateways import Gateways

_NOBODYS_GUID = "00000000-0000-4000-8000-000000000000.AgentGateway1"


class PilotStep(msgspec.Struct, frozen=True, kw_only=True):
    """The result of setting the agent once."""

    flag: int
    status: str
    cause: str
    seen: str
    """`yes`, `no` or `not_visible`; "" where nobody was to look."""
    result: RunResult


class PilotReport(msgspec.Struct, frozen=True, kw_only=True):
    """The results of a pilot."""

    agent: str
    gateway: str
    steps: tuple[PilotStep, ...]
    nobodys_guid: str
    """The answer to a GUID that no agent has, for people."""
    observers: tuple[str, ...]

    @property
    def left_on(self) -> bool:
        """Whether the agent is known to have talk right 1 in the end."""
        return self.steps[-1].flag == 1 and self.steps[-1].status == Status.APPLIED


async def run_pilot(
    asked: CheckRequest,
    clock: Clock,
    stop: anyio.CancelScope | None = None,
    *,
    consent: Consent,
) -> PilotReport:
    """Set a test agent to 0 and then, in any case, to 1. A person must have agreed to it.

    Args:
        asked: The gateway, the agent, and where GUIDs come from; its roster may have the agent's.
        clock: Time.
        stop: Its cancelling ends the setting to 0; what remains is to set the agent to 1.
        consent: How it was agreed to.

    Returns:
        The results; of a pilot that was stopped, maybe the second step alone.

    Raises:
        BulkagentError: It cannot be done as asked; nothing was sent.
    """
    stop = stop or anyio.CancelScope()
    agent, target = asked.agent, asked.target
    gateways = await in_thread(Gateways, target, asked.settings)
    if not gateways.default:
        raise SettingsRefused("name the gateway of the pilot with --gateway")
    guid = await in_thread(_guid_of, asked, gateways)
    with _own_folder() as folder:
        roster = Path(folder) / "pilot.csv"
        _write_roster(roster, agent, guid)
        request = Request(
            roster=str(roster),
            gateway=target.gateway,
            ca_file=target.ca_file,
            client_cert=target.client_cert,
            tls_server_name=target.tls_server_name,
            insecure=target.insecure,
            scenario=target.scenario,
            reports=(Path(folder) / "report.csv",),
            note="doctor --pilot",
            settings=msgspec.structs.replace(asked.settings, verify_again_after_s=0.0),
        )
        steps: list[PilotStep] = []
        with stop:
            steps.append(await _set(request, 0, consent))
        # In any case: no agent is left without calls by a diagnosis.
        with anyio.CancelScope(shield=True):
            steps.append(await _set(request, 1, consent))
    return PilotReport(
        agent=agent,
        gateway=gateways.default,
        steps=tuple(steps),
        nobodys_guid="not asked"
        if stop.cancel_called
        else await _of_nobody(gateways, asked, clock),
        observers=asked.settings.verify_with,
    )


def _own_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="bulkagent-pilot-")
    except OSError as error:
        raise SettingsRefused(
            f"--pilot needs a temporary folder for its roster: {error.strerror or error};"
            " set TMPDIR to one that can be written"
        ) from None


async def _set(request: Request, flag: int, consent: Consent) -> PilotStep:
    with Run(msgspec.structs.replace(request, flag=flag)) as run:
        prepared = await in_thread(run.prepare)
        finished = await prepared.execute(consent, answered=True)
        result = finished.result_or_defect()
    status = next((name for name, number in result.totals.items() if number), "")
    verified = result.verified or {}
    return PilotStep(
        flag=flag,
        status=status,
        cause=next(iter(result.causes), ""),
        seen=next((name for name, number in verified.items() if number), ""),
        result=result,
    )


async def _of_nobody(gateways: Gateways, asked: CheckRequest, clock: Clock) -> str:
    """The gateway's answer to a GUID that no agent has: a query, which changes nothing."""
    from bulkagent.gateway.queries import Unanswered

    if gateways.emulated:
        return "not asked at an emulated gateway"
    guids: CredentialSource = _packed(_NOBODYS_GUID)
    item = Assignment(2, gateways.default, asked.agent, SET_TALK_RIGHT.name, "")
    async with ClientFactory(gateways, asked.settings, clock).queries(
        gateways.default, guids
    ) as queries:
        said = await queries.ask_state(item)
    if isinstance(said, Unanswered):
        return f"answered with {said.why}"
    return "ANSWERED as if it were the agent's: this gateway does not check GUIDs"


def _packed(guid: str) -> PackedGuids:
    guids = PackedGuids()
    guids.add(2, guid)
    return guids


def _guid_of(asked: CheckRequest, gateways: Gateways) -> str:
    """The agent's GUID in the roster; "" where there is none, or GUIDs come from elsewhere."""
    if not asked.roster:
        return ""
    guid_required = guids_required(asked.settings, gateways)
    rules = rules_of(asked.settings, gateways, guid_required=guid_required)
    with Roster(asked.roster, rules) as roster:
        for row in roster.rows():
            if isinstance(row, RosterRow) and row.agent_id == asked.agent and row.guid:
                return row.guid
    raise SettingsRefused(f"{asked.roster} has no GUID of agent {asked.agent}; nothing was sent")


def _write_roster(path: Path, agent: str, guid: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["agent_id", "guid"], [agent, guid]] if guid else
                                  [["agent_id"], [agent]])  # fmt: skip


def settings_to_paste(report: PilotReport) -> Iterator[str]:
    """Lines for `bulkagent.toml` that follow from the results; comments where none do."""
    yield f"# what the pilot of agent {report.agent} saw at {report.gateway}"
    if len(report.steps) == 1:
        yield "# nothing: it was stopped before the agent was set to 0"
        return
    yield f"# a GUID that is nobody's is {report.nobodys_guid}"
    seen = [step.seen for step in report.steps]
    if not report.observers:
        yield "# whether a skill queue shows it: not looked at; give --verify-with AGENT:SKILL"
        return
    quoted = ", ".join(f'"{observer}"' for observer in report.observers)
    if all(each == Verified.YES for each in seen):
        yield "# the skill queue showed both at once"
        yield f"verify_with = [{quoted}]"
        yield 'verify_again_after = "none"'
    elif Verified.NO in seen:
        slow = math.ceil(max(step.result.elapsed_s for step in report.steps)) + 4
        yield "# the skill queue did not show it at once; try again with a pause, and watch"
        yield f"verify_with = [{quoted}]"
        yield f'verify_again_after = "{slow}s"'
    else:
        yield f"# the skill queue of {quoted} cannot prove it for this agent"
