"""The agents by whose eyes a run is verified, found and refused before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.operations import flag_of
from bulkagent.ledger import Database, RunRecord, endpoints_of, row_of
from bulkagent.model import Assignment
from bulkagent.run.clients.credentials import CredentialProvider
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.plan.apply import Planned
from bulkagent.run.verify.queue_checks import QueueObserver
from bulkagent.settings import observer
from bulkagent.settings.observers import Observer

_OUTGOING = "0"

_ELSEWHERE = 0
"""The row of an observer whose GUID does not come from the roster."""


def observers_of(
    texts: tuple[str, ...],
    gateways: Gateways,
    planned: Planned,
    database: Database,
    provider: CredentialProvider | None,
) -> tuple[QueueObserver, ...]:
    """The queues that a run is verified by; none where nothing is sent.

    Observers of a configured gateway that the run is not for are left out, so that one
    configuration serves all.

    Raises:
        SettingsRefused: An observer cannot see what the run does, or can have no GUID.
    """
    if not planned.lanes:
        return ()
    names = [at.gateway for at in endpoints_of(RunRecord(database, planned.run))]
    try:
        found = [_observer_of(each, names, gateways, planned, database, provider) for each in texts]
    except SettingsRefused as refused:
        raise SettingsRefused(str(refused), totals=planned.plan.totals) from None
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _observer_of(  # noqa: PLR0917 - what one observer is found in
    text: str,
    names: Sequence[str],
    gateways: Gateways,
    planned: Planned,
    database: Database,
    provider: CredentialProvider | None,
) -> QueueObserver | None:
    """The queue of one observer; None where the run is not for that gateway."""
    seen_by = observer(text)
    name = _gateway_of(seen_by, names, gateways, planned)
    if not name:
        return None
    found = row_of(RunRecord(database, planned.run), name, seen_by.agent_id)
    row, arguments = found or (_ELSEWHERE, "")
    if flag_of(arguments) == _OUTGOING:
        raise SettingsRefused(
            f"--verify-with {seen_by}: agent {seen_by.agent_id} is to stop taking calls by this"
            " run. A gateway shows a queue only to agents who take calls; name an agent who stays"
            " on, or verify with none"
        )
    agent = Assignment(row, name, seen_by.agent_id, "", "")
    known = gateways.emulated or (provider is None and planned.guids.of_row(row))
    if not known and (problem := _without_guid(agent, provider)):
        raise SettingsRefused(f"--verify-with {seen_by}: {problem}")
    return QueueObserver(agent, seen_by.skill)


def _gateway_of(
    seen_by: Observer, names: Sequence[str], gateways: Gateways, planned: Planned
) -> str:
    """The gateway of an observer; "" for one that the run is not for."""
    if not seen_by.gateway and len(names) == 1:
        return names[0]
    if not seen_by.gateway:
        raise SettingsRefused(
            f"--verify-with {seen_by}: the run is for {', '.join(names)}; write the agent's"
            f" gateway too, like {names[0]}/{seen_by}"
        )
    if seen_by.gateway in names:
        return seen_by.gateway
    known = gateways.names or frozenset()
    # A run that is gone on with, or set back, knows its own gateways alone.
    if seen_by.gateway in known or planned.plan.command != "apply":
        return ""
    raise SettingsRefused(
        f"--verify-with {seen_by}: there is no gateway {seen_by.gateway!r} here; known are"
        f" {', '.join(sorted({*names, *known}))}"
    )


def _without_guid(agent: Assignment, provider: CredentialProvider | None) -> str:
    """Why there can be no GUID of an observer whom the roster has none of; "" where there may."""
    if provider is not None:
        lacks = provider.lacks(agent.gateway, agent.agent_id)
        return f"{lacks} has no session of agent {agent.agent_id}; add it there" if lacks else ""
    return (
        f"GUIDs come from the roster, which has none of agent {agent.agent_id}; add the agent as a"
        " row with flag 1, or take GUIDs from --sessions or --guid-url"
    )
