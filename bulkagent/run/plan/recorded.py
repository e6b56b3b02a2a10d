"""A run that is in the ledger, brought back: what it was asked to do, and its agents' GUIDs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from bulkagent.errors import ResumeRefused, RosterRefused, SettingsRefused
from bulkagent.files.user_folders import current_folder
from bulkagent.gateway.credentials import PackedGuids
from bulkagent.ledger import (
    Database,
    RosterMatch,
    RunFacts,
    RunLock,
    RunRecord,
    endpoints_of,
    find_run,
    read_as_written,
    release_lease,
    unplanned_since,
)
from bulkagent.model import Cause, Status
from bulkagent.roster import Retraction, Roster
from bulkagent.run.clients.credentials import guids_required
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.clients.target import EMULATED
from bulkagent.run.plan.apply import flag_text, rules_of
from bulkagent.run.plan.fingerprint import roster_of
from bulkagent.run.plan.recorded_checks import (
    RecordedSettings,
    recorded_settings,
    refuse_foreign,
    refuse_moved,
    refuse_strange,
)
from bulkagent.run.plan.request import FollowUpRequest, Request
from bulkagent.settings import GuidService, Settings, refuse_idle_settings
from bulkagent.text.undecodable import path_of


class RecordedRun(msgspec.Struct, frozen=True):
    """A run's own request, with what was asked for now laid over it."""

    facts: RunFacts
    request: Request
    gateways: Gateways


def locked_run(database: Database, name: str) -> tuple[RunFacts, RunLock]:
    """Find a run that can be brought back, and own it.

    Raises:
        RunNotFound: There is no such run.
        RunBusy: Another process is at work on it.
        ResumeRefused: It cannot be brought back.
    """
    facts = find_run(database, name)
    if name == "last" and (unplanned := unplanned_since(RunRecord(database, facts.run))):
        raise ResumeRefused(
            f"the last run, {unplanned}, was never planned, so nothing was sent; apply its roster"
            f" again, or name the run before it, {facts.id}"
        )
    lock = RunLock(database.path, facts.id)
    try:
        # Its last owner may have ended it meanwhile.
        facts = _of_this_format(find_run(database, facts.id))
        refuse_strange(database, facts)
        # Its owner is dead, or has let go: its agents are nobody's until a leg begins.
        release_lease(RunRecord(database, facts.run))
    except BaseException:
        lock.release()
        raise
    return facts, lock


def _of_this_format(facts: RunFacts) -> RunFacts:
    if facts.fingerprint:
        return facts
    raise ResumeRefused(
        f"run {facts.id} was planned by an earlier bulkagent, which did not keep all that a resume"
        " needs; apply its roster again"
    )


def recorded_run(database: Database, facts: RunFacts, again: FollowUpRequest) -> RecordedRun:
    """The request that a run was planned with, under what is asked for now.

    Raises:
        SettingsRefused: A setting, or a file that the run needs, cannot be used.
        ResumeRefused: A gateway is elsewhere than its name leads to, or a report where another file
            is.
        LedgerUnavailable: What the ledger has of it is not as bulkagent writes it.
    """
    own = recorded_settings(database, facts.settings)
    with read_as_written(database):
        own_settings = Settings.own_of(facts.settings)
    settings = again.choices.settings(own_settings)
    if again.roster:
        if again.choices.explicit.keys() & {"sessions", "guid_url", "guids"}:
            raise SettingsRefused(
                "GUIDs come from --roster, from --sessions or from --guid-url; give one of them"
            )
        # A person who names a roster to take GUIDs from wants them from there.
        settings = msgspec.structs.replace(settings, guids=None)
    request = Request(
        roster=again.roster or path_of(facts.roster),
        gateway=own.gateway,
        flag=own.flag,
        settings=settings,
        encoding=again.encoding or own.encoding,
        delimiter=again.delimiter or own.delimiter,
        agent_column=again.agent_column or own.agent_column,
        skip_invalid=facts.settings["skip_invalid"],
        reports=again.reports or _reports_of(facts, own),
        scenario=again.scenario or (Path(path_of(own.scenario)) if own.scenario else None),
        ca_file=again.tls.get("ca_file"),
        client_cert=again.tls.get("client_cert"),
        tls_server_name=again.tls.get("tls_server_name", ""),
        insecure=again.insecure,
        log_file=again.log_file,
        events=again.events,
        metrics_file=again.metrics_file,
        place=again.place,
        repeat=again.repeat,
    )
    recorded = endpoints_of(RunRecord(database, facts.run))
    if own.gateway != EMULATED:
        refuse_moved(
            facts.id,
            recorded,
            again.choices.file.gateways,
            asked=own.gateway,
            given=again.gateway,
        )
    refuse_idle_settings(again.choices.explicit, settings)
    if again.tls and own.gateway == EMULATED:
        name = next(iter(again.tls)).replace("_", "-")
        raise SettingsRefused(
            f"--{name} would change nothing, because run {facts.id} is at an emulated gateway,"
            " whose certificate is known; leave it out"
        )
    gateways = Gateways(request.target, settings, recorded, default=own.default_gateway)
    gateways.check(at.gateway for at in recorded)
    return RecordedRun(facts, request, gateways)


def places_of(request: Request, gateways: Gateways) -> tuple[str, ...]:
    """The gateways of a recorded run, how they are trusted, and its source of GUIDs."""
    source = request.settings.guids
    told = (f"GUIDs come from {source.url}",) if isinstance(source, GuidService) else ()
    return (*gateways.trusted, *told)


def _reports_of(facts: RunFacts, own: RecordedSettings) -> tuple[Path, ...]:
    """Where the run's reports are, so that a resume takes their places."""
    if own.reports:
        reports = tuple(Path(path_of(report)) for report in own.reports)
        for report in reports:
            refuse_foreign(report)
        return reports
    stem = "stdin" if facts.roster == "-" else Path(path_of(facts.roster)).stem
    folder = Path(path_of(own.folder))
    if folder == current_folder() or not folder.is_dir():
        folder = Path()
    return (folder / f"{stem}.{facts.id}.report.csv",)


def guids_for(
    database: Database,
    recorded: RecordedRun,
    *,
    run: int,
    other: bool,
    only: Collection[Cause] = (),
    stdin: BinaryIO | None = None,
) -> PackedGuids:
    """The GUIDs of a run's agents, from its roster as it is now, or from another one.

    Args:
        database: The ledger.
        recorded: The run that the roster was first read for.
        run: The key of the run whose rows get the GUIDs; its rows have the numbers of that one's.
        only: Only what ended with one of these causes needs one; none: all that is left.
        other: Whether somebody named the roster for this, so that it may be another one.
        stdin: What standard input is.

    Raises:
        RosterRefused: It cannot be read.
        ResumeRefused: It is not the one that the run was planned from, or lacks an agent.
    """
    facts, request = recorded.facts, recorded.request
    if not (
        other or guids_required(request.settings, recorded.gateways) or recorded.gateways.emulated
    ):
        return PackedGuids()
    if request.roster == "-" and not other:
        raise ResumeRefused(
            f"the roster of run {facts.id} came from standard input, which is over; give the file"
            " with --roster PATH"
        )
    rules = msgspec.structs.replace(rules_of(request, recorded.gateways), require_flag=not other)
    # A revert sets other flags than the roster's, and the run that it reverts has those.
    reading = _Reading()
    whatever = facts.reverts is not None or run != facts.run
    origin = roster_of(database, facts).run
    try:
        with Roster(request.roster, rules, stdin=stdin) as roster:
            if not (roster.layout.has_guid or recorded.gateways.emulated):
                raise ResumeRefused(
                    f"{request.roster} has no guid column, and nothing else supplies GUIDs; name a"
                    " roster with a guid column with --roster"
                )
            rows = reading.rows(roster)
            with RosterMatch(
                RunRecord(database, run), rows, whatever=whatever, only=only
            ) as matching:
                matching.withdraw(reading.retracted)
                if matching.is_roster_of(origin):
                    # GUIDs go by the run's rows, and the same roster may have another order now.
                    pairs = matching.every_pair() if matching.moved else None
                    return reading.guids if pairs is None else _by_pairs(pairs, reading.guids)
                if other:
                    return _matched(facts, request.roster, reading.guids, matching)
    except RosterRefused as refused:
        raise RosterRefused(
            f"{refused}. You can name another roster for run {facts.id} with --roster",
            refused.bad_rows,
        ) from None
    raise ResumeRefused(
        f"{request.roster} is not the roster that run {facts.id} was planned from: its gateways,"
        " agents or flags have changed. To take GUIDs from it all the same, give --roster"
        f" {request.roster}; else apply it"
    )


class _Reading:
    """One pass over a roster, for its agents and their GUIDs."""

    def __init__(self) -> None:
        self.guids = PackedGuids()
        self.retracted: list[tuple[str, str]] = []

    def rows(self, roster: Roster) -> Iterator[tuple[str, str, str, int, bool]]:
        """Gateway, agent ID, arguments and row of each agent named, and whether it is valid."""
        for row in roster.rows():
            if isinstance(row, Retraction):
                self.retracted.append((row.gateway, row.agent_id))
                continue
            valid = row.status is None
            if valid:
                self.guids.add(row.row, row.guid)
            # An agent who was an assignment and has lost the GUID is in the roster all the same.
            if valid or (row.status is Status.INVALID and row.agent_id.isdecimal()):
                yield row.gateway, row.agent_id, flag_text(row.flag), row.row, valid


def _matched(
    facts: RunFacts, roster: str, offered: PackedGuids, matching: RosterMatch
) -> PackedGuids:
    missing, some = matching.missing()
    if missing:
        more = ", ..." if missing > len(some) else ""
        raise ResumeRefused(
            f"{roster} lacks {missing:,} of the agents that are left of run {facts.id}, or gives"
            f" them another flag: {', '.join(some)}{more}; give a roster that has them all"
        )
    return _by_pairs(matching.pairs(), offered)


def _by_pairs(pairs: Iterable[tuple[int, int]], offered: PackedGuids) -> PackedGuids:
    """GUIDs of a roster's rows as those of the run's."""
    guids = PackedGuids()
    for row, there in pairs:
        guids.add(row, offered.of_row(there) or "")
    return guids
