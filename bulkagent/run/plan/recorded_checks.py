"""Checks of the facts that a ledger has kept of a run: whether they may be acted on.

A writer to the ledger could have written anything: a value is used only where it is one that
bulkagent would have written. It could also have GUIDs sent to any host: an address is therefore
either the one that its name has today, or one that somebody has given for this very command.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.errors import ResumeRefused, SettingsRefused
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.ledger import Database, RunFacts, RunRecord, idle_s, read_as_written, strange_row
from bulkagent.ledger import EndpointRecord as Recorded
from bulkagent.settings import GatewaySection

# Of a report in any format, also where a spreadsheet has saved it since.
_MARKS = (b"agent_id", b"run_id", b"bulkagent", b"REFUSED", b"PK\x03\x04")
_LOOKED_AT = 65_536


class RecordedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a request that are no settings."""

    gateway: str
    default_gateway: str
    flag: int | None
    encoding: str | None
    delimiter: str | None
    agent_column: str | None
    scenario: str | None
    reports: tuple[str, ...]
    folder: str


def recorded_settings(database: Database, settings: Mapping[str, Any]) -> RecordedSettings:
    """Read it from a run's settings.

    Raises:
        LedgerUnavailable: It is not as bulkagent writes it.
    """
    with read_as_written(database):
        kept = msgspec.convert(settings, RecordedSettings)
        if kept.flag not in {None, 0, 1} or "\0" in "".join((kept.folder, *kept.reports)):
            raise ValueError
        return kept


def refuse_strange(database: Database, facts: RunFacts) -> None:
    """Refuse a run with rows that no roster could have given it.

    Raises:
        LedgerUnavailable: It has one.
    """
    with read_as_written(database):
        if facts.operation != SET_TALK_RIGHT.name:
            raise ValueError
        if strange_row(RunRecord(database, facts.run), tuple(SET_TALK_RIGHT.inverse)) is not None:
            raise ValueError


def refuse_foreign(report: Path) -> None:
    """Refuse a report's place where a file is that is none of ours.

    It is for places that a ledger names: one that is typed is meant.

    Raises:
        ResumeRefused: There is another file.
    """
    try:
        if not report.is_file():
            return
        with report.open("rb") as file:
            begins = file.read(_LOOKED_AT)
    except OSError:
        return  # it is found out, and said, where reports are tried
    if begins and not any(mark in begins for mark in _MARKS):
        raise ResumeRefused(
            f"{report} is not the report of this run, although the ledger names that path, and"
            " would be replaced; give the report's path with --report"
        )


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
            f"run {run_id} goes to {' and '.join(sorted(there))}, not to {strange[0]}. A run stays"
            " at its gateways; apply its roster for another one"
        )
    for at in recorded:
        today = _today(at, known)
        if at.url in agreed or at.url == today:
            continue
        raise ResumeRefused(
            f"run {run_id} would go to {at.url} for its gateway {at.gateway!r}, which is {today}"
            f" today. Nothing was sent; if the first address is right, give --gateway {at.url},"
            " else apply the roster again"
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


def refuse_age(database: Database, facts: RunFacts, max_age_s: float, now_ms: int) -> None:
    """Refuse a run that nobody has been at work on for too long.

    Raises:
        ResumeRefused: It is too old.
    """
    age_s = idle_s(database, facts, now_ms)
    if age_s == math.inf:
        raise ResumeRefused(
            f"run {facts.id} was at work when this machine's clock was ahead of the time that it"
            " shows now. How long ago is unknown, and its list may be another shift's; apply a"
            " fresh roster"
        )
    if age_s > max_age_s:
        raise ResumeRefused(
            f"run {facts.id} was last at work {_hours(age_s)} ago, and its list may be another"
            f" shift's; apply a fresh roster, or raise --max-age ({_hours(max_age_s)})"
        )


def _hours(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - so few are told one by one
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004
