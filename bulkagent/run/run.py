"""A run as it is asked for, and its preparation: from a roster to a plan that may be executed."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import BinaryIO, Self

import msgspec

from bulkagent.clock import Clock, SystemClock
from bulkagent.errors import BulkagentError
from bulkagent.ledger import Database, agents_set_at, default_path, exposure, open_ledger
from bulkagent.model import Outcome
from bulkagent.reports import probe
from bulkagent.run.clients.credentials import CredentialProvider, credential_provider
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.outputs.outlets import Outlets
from bulkagent.run.plan.consent import going_off, number_to_type
from bulkagent.run.plan.operator_identity import operator_name, refuse_on_behalf_of
from bulkagent.run.plan.path_conflicts import refuse_outlets, refuse_reports
from bulkagent.run.plan.prepare import PlannedLeg, ResolvedRequest, prepare
from bulkagent.run.plan.request import Request, Resume, Revert
from bulkagent.run.plan.reservation import PlanReservation
from bulkagent.run.prepared import PreparedRun
from bulkagent.run.schedule.timetable import timetable_of
from bulkagent.run.send.leg import LegSender
from bulkagent.run.verify.observers import observers_of


class Run:
    """One leg of a run, before it is planned: `prepare` it within a `with`.

    Leaving the `with` takes a plan that was not executed out of the ledger again, and closes
    whatever was opened.

    Args:
        request: What to do: a roster to apply, or a run to resume or to revert.
        clock: Time; the machine's by default.
        uniform: Numbers from 0 up to 1 for the jitter of retries.
        settled: Called with each outcome once it is on disk.
    """

    def __init__(
        self,
        request: Request | Resume | Revert,
        *,
        clock: Clock | None = None,
        uniform: Callable[[], float] = random.random,
        settled: Callable[[Outcome], None] | None = None,
    ) -> None:
        self._asked = request
        self._clock: Clock = clock or SystemClock()
        self._uniform = uniform
        self._settled = settled
        self._stack = contextlib.ExitStack()
        # Closed last of all: whatever else is put back is put back in the ledger.
        self._databases = self._stack.enter_context(contextlib.ExitStack())
        self._outlets = Outlets(self._clock)
        self._stack.callback(self._outlets.close)
        self.warn: Callable[[str], None] = lambda _text: None
        """Told what people should know before the start."""
        self.began_ms = self._clock.wall_ms()
        """When its command began, time of day: what ends later was in progress then."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def prepare(self, *, stdin: BinaryIO | None = None) -> PreparedRun:
        """Plan it in the ledger; nothing is sent. Blocks, so not for an event loop.

        Args:
            stdin: What standard input is, for a roster that is `-`.

        Raises:
            BulkagentError: It cannot be done as asked; leaving the `with` takes what is in the
                ledger of it out again.
        """
        asked = self._asked
        # A new run may be refused before the ledger is opened.
        known = _resolved(asked) if isinstance(asked, Request) else None
        refuse_on_behalf_of(asked.on_behalf_of)
        chosen = asked.settings if isinstance(asked, Request) else asked.choices
        ledger = chosen.ledger or default_path()
        provider: CredentialProvider | None = None
        if known is not None:
            refuse_reports(known.request, known.gateways, ledger)
            provider = self._provider(known)
        database = self._databases.enter_context(open_ledger(ledger, tell=self.warn))
        if exposed := exposure(ledger):
            self.warn(f"WARNING {exposed}")
        now_ms = self._clock.wall_ms()
        planned, resolved = prepare(
            asked, known, database, now_ms=now_ms, began_ms=self.began_ms, stdin=stdin
        )
        reservation = PlanReservation(planned, database)
        self._stack.callback(self._let_go, reservation)
        if known is None:
            provider = self._provider(resolved)
        leg = PlannedLeg(asked, resolved, planned, database)
        if not resolved.gateways.emulated:
            leg = _with_number(leg)
        observers = observers_of(
            *(leg.settings.verify_with, leg.gateways, leg.planned, leg.database, provider)
        )
        if leg.settings.durability == "full":
            leg = self._synced(leg, reservation)
        self._open_outlets(leg)
        reports = resolved.reports(leg.plan.run_id)
        for report in reports:
            probe(report)
        leg.make_room()
        prepared = PreparedRun(
            leg,
            reservation=reservation,
            sender=lambda tell: LegSender(
                leg,
                provider=provider,
                observers=observers,
                outlets=self._outlets,
                clock=self._clock,
                uniform=self._uniform,
                settled=self._settled,
                tell=tell,
            ),
            observers=observers,
            outlets=self._outlets,
            reports=reports,
            timetable=timetable_of(leg, now_ms=now_ms),
            clock=self._clock,
            warn=self.warn,
        )
        self._outlets.log.decided(f"run.{leg.plan.command}", **_briefly(leg))
        return prepared

    def _provider(self, resolved: ResolvedRequest) -> CredentialProvider | None:
        return credential_provider(resolved.request.settings, resolved.gateways, self._clock)

    def _synced(self, leg: PlannedLeg, reservation: PlanReservation) -> PlannedLeg:
        """The leg on a connection that syncs also how it begins and ends.

        Exit codes and guardrails go by that.
        """
        database = Database(leg.database.path, synced=True)
        self._databases.callback(database.close)
        leg.database.close()
        reservation.database = database
        return msgspec.structs.replace(leg, database=database)

    def _open_outlets(self, leg: PlannedLeg) -> None:
        request = leg.resolved.request
        refuse_outlets(request, leg.gateways, leg.database.path)
        self._outlets.open(leg.plan.run_id, log_file=request.log_file, events=request.events)

    def _let_go(self, reservation: PlanReservation) -> None:
        if reservation.is_open:
            with contextlib.suppress(BulkagentError):  # it may be what went wrong
                reservation.discard()
                self._outlets.log.decided("run.discarded")
        reservation.release()


def _resolved(request: Request) -> ResolvedRequest:
    return ResolvedRequest(request, Gateways(request.target, request.settings))


def _with_number(leg: PlannedLeg) -> PlannedLeg:
    """The leg with the number that a person has to type, where it takes many agents off."""

    def set_before(gateway: str, up_to: int) -> int:
        url = leg.gateways.endpoint(gateway).url
        return agents_set_at(leg.database, url, up_to=up_to)

    number = number_to_type(going_off(leg.plan.parts), set_before)
    if not number.number:
        return leg
    plan = msgspec.structs.replace(leg.plan, to_type=number.number, most_of=number.most_of)
    return msgspec.structs.replace(leg, planned=msgspec.structs.replace(leg.planned, plan=plan))


def _briefly(leg: PlannedLeg) -> dict[str, object]:
    facts = msgspec.to_builtins(leg.plan)
    told = ("rows", "agents", "parts", "again", "superseded", "previous_unknown", "guardrail")
    asked = {"override": leg.override, "who": operator_name()}
    asked["on_behalf_of"] = leg.asked.on_behalf_of
    return {
        **{name: facts[name] for name in told if facts[name]},
        **{name: value for name, value in asked.items() if value},
    }
