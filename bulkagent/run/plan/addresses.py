"""Where the gateways of a recorded run are, and whether they are where they should be.

A writer to a ledger could have it send GUIDs to any host. An address is therefore either
the one that its name has today, or one that somebody has given for this very command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bulkagent.errors import ResumeRefused, SettingsRefused
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.ledger import EndpointRecord as Recorded
from bulkagent.settings import GatewaySection


def refuse_moved(
    run_id: str,
    recorded: Sequence[Recorded],
    known: Mapping[str, GatewaySection],
    *,
    asked: str,
    given: str,
) -> None:
    """Refuse a run whose gateways are elsewhere than their names lead to.

    Args:
        run_id: The run, for people.
        recorded: Where the run's gateways are, as the ledger has it.
        known: What names mean today.
        asked: What the run was first asked to go to, a name or an address; "": what its rows say.
        given: Addresses or names that somebody gave for this, separated by commas; "": none.

    Raises:
        ResumeRefused: One is elsewhere, or a given one is none of the run's.
        SettingsRefused: A given one is no address.
    """
    if "://" in asked and len(recorded) == 1:
        known = {recorded[0].gateway: GatewaySection(url=asked), **known}
    agreed = {_url_of(text.strip(), known) for text in given.split(",") if text.strip()}
    there = {at.url for at in recorded}
    if strange := sorted(agreed - there):
        raise ResumeRefused(
            f"run {run_id} goes to {' and '.join(sorted(there))}, not to {strange[0]}; a run stays"
            " at its gateways, so apply its roster for another one"
        )
    for at in recorded:
        today = _today(at, known)
        if at.url in agreed or at.url == today:
            continue
        raise ResumeRefused(
            f"run {run_id} would go to {at.url} for its gateway {at.gateway!r}, which is"
            f" {today} today. Nothing was sent; where the first is right, say so with --gateway"
            f" {at.url}, else apply its roster again"
        )


def _url_of(text: str, known: Mapping[str, GatewaySection]) -> str:
    return Endpoint.parse(known[text].url if text in known else text).url


def _today(at: Recorded, known: Mapping[str, GatewaySection]) -> str:
    """The address that a gateway's name has today; where it has none, the recorded one."""
    if at.gateway in known:
        return Endpoint.parse(known[at.gateway].url).url
    if not _ADDRESS & set(at.gateway):
        return at.url
    try:
        # A gateway that was given by its address is called by it.
        plain = Endpoint.parse(at.url)
    except SettingsRefused:
        return f"https://{at.gateway}"
    return plain.url if plain.name == at.gateway else f"https://{at.gateway}"


# What a name has that is an address, and none that stands in a configuration need have.
_ADDRESS = frozenset(":.")
