"""The checks of everything that a run at a gateway needs, in the order in which it needs it."""

from __future__ import annotations

import asyncio
import functools
import ssl
import tempfile
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.diagnostics import findings, probes
from bulkagent.diagnostics.findings import CheckStatus, Finding
from bulkagent.errors import BulkagentError, SettingsRefused
from bulkagent.gateway.credentials import CredentialSource, PackedGuids
from bulkagent.gateway.handshakes import refusal_in
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.os_errors import words_of
from bulkagent.ledger import default_path, exposure, rehearse
from bulkagent.model import Assignment
from bulkagent.roster import Roster, RosterRow, RosterRules
from bulkagent.run import EMULATED, Target
from bulkagent.run.clients.credentials import credential_provider
from bulkagent.run.clients.factory import ClientFactory
from bulkagent.run.clients.gateways import Gateways
from bulkagent.settings import GuidService, SessionsFile, Settings

_EMULATED_AGENT = "101"
_ROW = 2

FoundT = TypeVar("FoundT")


class CheckRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway and the sources that are to be checked."""

    target: Target
    settings: Settings = Settings()
    roster: str = ""
    """Path of a roster that GUIDs are taken from; "" where there is none."""
    agent: str = ""
    """The agent who is asked about; "" where the roster's first one is."""


def rules_of(settings: Settings, gateways: Gateways, *, guid_required: bool) -> RosterRules:
    """How a roster is to be read that GUIDs are taken from; its flags do not matter."""
    return RosterRules(
        require_flag=False,
        agent_id_range=settings.agent_id_range,
        agent_id_ranges=settings.agent_id_ranges,
        gateways=gateways.names,
        default_gateway=gateways.default,
        guid_required=guid_required,
    )


async def run_checks(asked: CheckRequest, clock: Clock) -> list[Finding]:
    """Check everything; no agent is set.

    Raises:
        SettingsRefused: The checks cannot begin: no such gateway, or a certificate
            file that cannot be used.
    """
    settings = asked.settings
    gateways = await in_thread(Gateways, asked.target, settings)
    async with AsyncExitStack() as stack:
        emulated: CredentialSource | None = None
        if gateways.emulated:
            agent = asked.agent or _EMULATED_AGENT
            emulated = await gateways.emulate(stack, [EMULATED], [(_ROW, EMULATED, agent)])
        name = gateways.default
        if not name:
            raise SettingsRefused("name the gateway to examine with --gateway")
        found = await _of_network(gateways, name, settings.connect_timeout_s, clock)
        reached = all(each.verdict is not CheckStatus.FAILED for each in found)
        if emulated is not None:
            item = _about(asked.agent or _EMULATED_AGENT, EMULATED)
            wire = ClientFactory(gateways, settings, clock)
            found.append(await _asked(wire, "the emulator", emulated, item))
        else:
            found.extend(await _of_sources(asked, gateways, name, clock, reached=reached))
    found.append(findings.of_open_files(settings.limits(name).most_in_flight, probes.open_files()))
    found.append(await in_thread(_of_temporary_folder))
    found.extend(await in_thread(_of_ledger, settings.ledger))
    return found


async def _of_network(
    gateways: Gateways, name: str, connect_timeout_s: float, clock: Clock
) -> list[Finding]:
    endpoint = gateways.endpoint(name)
    host, port = probes.host_and_port(endpoint)
    within = functools.partial(_within, connect_timeout_s)
    left = ["name service", "connection", "TLS", "clock"]
    found: list[Finding] = []
    if endpoint.client_cert is not None:
        found.append(await in_thread(_of_client, endpoint.client_cert, clock))
    try:
        known = await within(probes.addresses(host))
        found.append(
            Finding(left.pop(0), CheckStatus.OK, f"{host} has the address {', '.join(known)}")
        )
        await within(probes.connect(host, port))
        found.append(Finding(left.pop(0), CheckStatus.OK, f"port {port} takes connections"))
        handshake, date_s = await within(probes.shake_hands(endpoint))
        now_s = clock.wall_ms() / 1000
        left.pop(0)
        found.append(findings.of_handshake(handshake, now_s))
        check = left.pop(0)
        if date_s is None:
            found.append(findings.unchecked(check, "the gateway does not say what time it is"))
        else:
            found.append(findings.of_clock(date_s, now_s))
    except (OSError, TimeoutError) as error:
        failed = left.pop(0)
        fix = _OF_CLIENT if refusal_in(error) else _FIXES[failed]
        said = f"{host}:{port}: {_said(error)}" if failed == "connection" else _said(error)
        found.append(Finding(failed, CheckStatus.FAILED, said, fix))
        found.extend(findings.unchecked(check, f"{failed} failed") for check in left)
    return found


async def _within(seconds: float, looking: Awaitable[FoundT]) -> FoundT:
    async with asyncio.timeout(seconds):
        return await looking


_FIXES = {
    "name service": "Check the address. If it is right, this machine asks the wrong name service.",
    "connection": "Check address, port and firewall. Check that the gateway is up.",
    "TLS": "Check --ca-file and --tls-server-name. Check that the port is the gateway's.",
    "clock": "Check that the port is the gateway's.",
}


_OF_CLIENT = (
    "Ask the people who run the gateway for a client certificate. Give it with --client-cert."
)


def _said(error: OSError | TimeoutError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return refusal_in(error) or f"no TLS: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "no answer within --connect-timeout"
    return words_of(error) or error.strerror or str(error)


def _of_client(path: Path, clock: Clock) -> Finding:
    try:
        return findings.of_certificate(probes.certificate_in(path), clock.wall_ms() / 1000)
    except (OSError, ValueError) as error:
        return Finding(
            "client certificate",
            CheckStatus.FAILED,
            f"{path}: {error}",
            "Give a PEM file that has the certificate and its key.",
        )


def _about(agent_id: str, gateway: str) -> Assignment:
    return Assignment(_ROW, gateway, agent_id, SET_TALK_RIGHT.name, "")


async def _of_sources(
    asked: CheckRequest, gateways: Gateways, name: str, clock: Clock, *, reached: bool
) -> list[Finding]:
    """One question for each source of GUIDs that there is."""
    settings = asked.settings
    found: list[Finding] = []
    for source, given in (
        ("roster", bool(asked.roster)),
        ("--sessions", isinstance(settings.guids, SessionsFile)),
        ("--guid-url", isinstance(settings.guids, GuidService)),
    ):
        if not given:
            continue
        if not reached:
            found.append(findings.unchecked(f"GUID from {source}", "the gateway was not reached"))
        elif source == "roster":
            found.append(await _of_roster(asked, gateways, name, clock))
        elif not asked.agent:
            found.append(
                findings.unchecked(f"GUID from {source}", "no agent to ask about; give --agent")
            )
        else:
            found.append(await _of_provider(asked, gateways, name, source, clock))
    if not found:
        why = "no source of GUIDs was given; give --roster, or --sessions and --agent"
        found.append(findings.unchecked("GUID", why))
    return found


async def _of_roster(asked: CheckRequest, gateways: Gateways, name: str, clock: Clock) -> Finding:
    try:
        row = await in_thread(_first_with_guid, asked, gateways)
    except BulkagentError as error:
        return Finding("GUID from roster", CheckStatus.FAILED, str(error), "Correct the roster.")
    if row is None:
        return Finding(
            "GUID from roster",
            CheckStatus.FAILED,
            f"no row {'of agent ' + asked.agent if asked.agent else ''} has a GUID",
            "Export the roster with the GUIDs of agents who have signed in.",
        )
    guids = PackedGuids()
    guids.add(_ROW, row.guid)
    item = _about(row.agent_id, row.gateway or name)
    return await _asked(ClientFactory(gateways, asked.settings, clock), "roster", guids, item)


def _first_with_guid(asked: CheckRequest, gateways: Gateways) -> RosterRow | None:
    rules = rules_of(asked.settings, gateways, guid_required=True)
    with Roster(asked.roster, rules) as roster:
        for row in roster.rows():
            if (
                isinstance(row, RosterRow)
                and row.status is None
                and row.guid
                and asked.agent in {"", row.agent_id}
            ):
                return row
    return None


async def _of_provider(
    asked: CheckRequest, gateways: Gateways, name: str, source: str, clock: Clock
) -> Finding:
    settings = asked.settings
    try:
        provider = await in_thread(credential_provider, settings, gateways, clock)
        if provider is None:
            raise SettingsRefused(f"{source} is not given")
        async with AsyncExitStack() as stack:
            guids = await provider.enter(stack)
            item = _about(asked.agent, name)
            return await _asked(ClientFactory(gateways, settings, clock), source, guids, item)
    except BulkagentError as error:
        return Finding(f"GUID from {source}", CheckStatus.FAILED, str(error), f"Check {source}.")


async def _asked(
    wire: ClientFactory, source: str, guids: CredentialSource, item: Assignment
) -> Finding:
    from bulkagent.gateway.queries import Unanswered

    async with wire.queries(item.gateway, guids) as queries:
        said = await queries.ask_state(item)
    if isinstance(said, Unanswered):
        return findings.of_state(source, item.agent_id, None, said.why, said.retcode)
    return findings.of_state(source, item.agent_id, said, "", "")


def _of_temporary_folder() -> Finding:
    try:
        return findings.of_temporary_folder(probes.temporary_folder(), "")
    except OSError as error:
        where = tempfile.tempdir or ""
        return findings.of_temporary_folder(where, error.strerror or str(error))


def _of_ledger(given: Path | None) -> list[Finding]:
    try:
        path = given or default_path()
    except BulkagentError as error:
        return [Finding("ledger", CheckStatus.FAILED, str(error), "Give one with --ledger.")]
    found: list[Finding] = []
    try:
        rehearse(path)
        exposed = exposure(path)
        found.append(
            Finding(
                "ledger",
                CheckStatus.WARNING,
                exposed,
                "Give it to its user alone, with chmod and chown.",
            )
            if exposed
            else Finding("ledger", CheckStatus.OK, f"{path} can be written")
        )
    except BulkagentError as error:
        found.append(
            Finding("ledger", CheckStatus.FAILED, str(error), "Give another one with --ledger.")
        )
    try:
        found.append(findings.of_disk(str(path.parent), probes.free_space(path)))
    except OSError as error:
        found.append(findings.unchecked("disk", error.strerror or str(error)))
    return found
