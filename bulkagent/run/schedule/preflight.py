"""Everything that the start of a run needs, looked at while there is time to correct it."""

from __future__ import annotations

from contextlib import AsyncExitStack

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.credentials import SourceFailed
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.preflight import run_preflight
from bulkagent.instants import Instant
from bulkagent.model import Assignment
from bulkagent.run.clients.credentials import credential_provider, provided_elsewhere
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.schedule.wait import PreflightProblem, ProblemKind
from bulkagent.settings import GuidService


async def preflight_problems(
    leg: PlannedLeg,
    agent: tuple[int, str, str] | None,
    *,
    start: Instant,
    clock: Clock,
) -> tuple[PreflightProblem, ...]:
    """What would go wrong if the run started now, or at its start; nobody is set.

    Args:
        leg: What is to be sent, where to, and with which settings.
        agent: Row, gateway and ID of an agent whose GUID a service is asked for.
        start: When it is to start, for certificates.
        clock: Time.
    """
    if leg.gateways.emulated:
        return ()
    troubles = [await _of_gateway(name, leg, start, clock) for name in sorted(leg.planned.names)]
    if leg.planned.names and provided_elsewhere(leg.settings):
        troubles.append(await _of_source(leg, agent, clock))
    return tuple(trouble for trouble in troubles if trouble is not None)


async def _of_gateway(
    name: str, leg: PlannedLeg, start: Instant, clock: Clock
) -> PreflightProblem | None:
    timeout_s = leg.settings.connect_timeout_s
    try:
        result = await run_preflight(
            leg.gateways.endpoint(name), connect_timeout_s=timeout_s, clock=clock
        )
    except SettingsRefused as refused:
        return PreflightProblem(ProblemKind.SET_UP, str(refused))
    if not result.answered:
        return PreflightProblem(
            ProblemKind.SILENT, f"{name} does not take connections now: {result.why}"
        )
    if result.expires_ms is not None and result.expires_ms <= start.at_ms:
        ends = Instant(result.expires_ms, start.zone)
        return PreflightProblem(
            ProblemKind.SET_UP,
            f"the certificate of {name} ends at {ends}, before the start at {start}, so nothing was"
            " sent; have it renewed first",
        )
    return None


async def _of_source(
    leg: PlannedLeg, agent: tuple[int, str, str] | None, clock: Clock
) -> PreflightProblem | None:
    settings = leg.settings
    try:
        # Read anew: what was opened for the plan may be gone, or somebody else's by now.
        provider = await in_thread(
            credential_provider, settings, leg.gateways, clock, abandon_on_cancel=True
        )
    except SettingsRefused as refused:
        return PreflightProblem(ProblemKind.SET_UP, str(refused))
    if provider is None or agent is None or not isinstance(settings.guids, GuidService):
        return None
    row, gateway, agent_id = agent
    try:
        async with AsyncExitStack() as stack:
            source = await provider.enter(stack)
            # An agent without a session is no problem yet: sign-ins come when the shift begins.
            await source.credential(Assignment(row, gateway, agent_id, SET_TALK_RIGHT.name, ""))
    except SourceFailed as failed:
        return PreflightProblem(
            ProblemKind.SOURCE,
            f"{failed}, asked for agent {agent_id}; check --guid-url, --guid-ca-file and"
            " BULKAGENT_GUID_HEADER",
        )
    return None
