"""Attempts: what one is, all of one item together, and the rule by which they become an outcome.

Times of day are milliseconds since the Unix epoch, UTC; durations name their unit.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import msgspec

from bulkagent.model import Absence, Cause, Delivery, Disposition, Outcome, Status


class AttemptResult(Protocol):
    """What the engine asks of an attempt, whatever else its record holds."""

    @property
    def disposition(self) -> Disposition:
        """How it ended."""

    @property
    def pause_s(self) -> float:
        """For how many seconds the upstream asked to be left alone; 0 where it did not."""

    @property
    def since_sent_s(self) -> float | None:
        """How long before its end its request left; None where that is not known."""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One request: how it ended and what the gateway said, with every secret taken out."""

    disposition: Disposition
    sent_at: int
    """Time of day in milliseconds at which it was handed to the network."""
    latency_ms: float
    """From after the dispatch mark to the last byte of the reply, or to the fault."""
    retcode: str = ""
    message: str = ""
    http_status: int = 0
    """0 where there was no HTTP reply."""
    detail: str = ""
    """What the network said where the gateway said nothing."""
    pause_s: float = 0.0
    """For how many seconds the gateway, or a proxy before it, asked to be left alone."""
    since_sent_s: float | None = None
    """How long before its end its request was written; None where it was answered, or never was."""


AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class AttemptHistory(msgspec.Struct, Generic[AttemptT], frozen=True):
    """All attempts of one assignment so far, folded into what its outcome depends on."""

    attempts: int
    first: AttemptT
    last: AttemptT
    doubt: AttemptT | None
    """The latest attempt that ended in doubt."""
    answer: AttemptT | None
    """The latest attempt that the gateway answered."""
    ends: tuple[Disposition, ...]
    """How each attempt ended."""
    sent: AttemptT | None = None
    """The first attempt of which a byte may have left."""
    not_sent: int = 0
    """Attempts of which no byte left."""
    withheld: Cause | None = None
    """Why a further attempt that was due was not made."""

    @classmethod
    def begin(cls, attempt: AttemptT) -> AttemptHistory[AttemptT]:
        """All attempts of an assignment after its first one."""
        delivery = attempt.disposition.delivery
        return cls(
            attempts=1,
            first=attempt,
            last=attempt,
            doubt=attempt if delivery is Delivery.IN_DOUBT else None,
            answer=attempt if delivery is Delivery.ANSWERED else None,
            ends=(attempt.disposition,),
            sent=None if delivery is Delivery.NEVER_SENT else attempt,
            not_sent=int(delivery is Delivery.NEVER_SENT),
        )

    @property
    def repeats(self) -> int:
        """How many attempts so far ended as the latest one did, that one included."""
        return self.ends.count(self.last.disposition)

    def then(self, attempt: AttemptT) -> AttemptHistory[AttemptT]:
        """The same with one attempt more."""
        delivery = attempt.disposition.delivery
        return AttemptHistory(
            attempts=self.attempts + 1,
            first=self.first,
            last=attempt,
            doubt=attempt if delivery is Delivery.IN_DOUBT else self.doubt,
            answer=attempt if delivery is Delivery.ANSWERED else self.answer,
            ends=(*self.ends, attempt.disposition),
            sent=attempt
            if self.sent is None and delivery is not Delivery.NEVER_SENT
            else self.sent,
            not_sent=self.not_sent + (delivery is Delivery.NEVER_SENT),
        )


class Carryover(msgspec.Struct, frozen=True, gc=False):
    """What earlier executions of a run left of an assignment that is tried again."""

    attempts: int
    first_sent_at: int | None
    """None: no byte has left yet."""
    doubt: Cause | None
    """Why it may have taken effect already; None where it certainly has not."""
    not_sent: int = 0
    """Of `attempts`, those of which no byte left."""
    only_end: str = ""
    """The disposition that all its attempts ended in; "" where they ended in several."""


def conclude(
    row: int,
    history: AttemptHistory[Attempt],
    finished_at: int,
    carried: Carryover | None = None,
    *,
    others_applied: bool = False,
) -> Outcome:
    """The outcome of an assignment that gets no further attempt.

    Only a retcode "0" clears a doubt, also one of an earlier execution. A later refusal speaks
    for its own request alone: its code is shown, but the status stays `unknown` and the cause is
    the fault that made it so.

    Args:
        row: The row.
        history: Its attempts.
        finished_at: Time of day in milliseconds.
        carried: What earlier executions left of it.
        others_applied: Whether others at the same gateway were applied in this run.
    """
    last = history.last
    not_sent = history.not_sent + (carried.not_sent if carried else 0)
    first_sent_at = carried.first_sent_at if carried else None
    if first_sent_at is None and history.sent is not None:
        first_sent_at = history.sent.sent_at
    if first_sent_at is not None:
        # The clock may have been set back between two attempts.
        first_sent_at = min(first_sent_at, finished_at)
    # An HTTP 429 is an answer that says nothing worth keeping beyond its own attempt.
    said = history.answer if history.answer is not None and history.answer.retcode else last
    status, cause = last.disposition.status, last.disposition.cause
    if status is not Status.APPLIED:
        if history.doubt is not None:
            status, cause = Status.UNKNOWN, history.doubt.disposition.cause
        elif carried is not None and carried.doubt is not None:
            status, cause = Status.UNKNOWN, carried.doubt
        elif history.withheld is not None:
            cause = history.withheld
        elif others_applied and carried is not None and _lasts(history, carried):
            status, cause = Status.REJECTED, last.disposition.lasting
    return Outcome(
        row=row,
        status=status,
        cause=cause,
        disposition=last.disposition.name,
        retcode=said.retcode,
        message=said.message or last.detail,
        http_status=said.http_status,
        attempts=history.attempts + (carried.attempts if carried else 0) - not_sent,
        # How long it takes to get nowhere says nothing of the gateway.
        latency_ms=None if last.disposition.delivery is Delivery.NEVER_SENT else last.latency_ms,
        first_sent_at=first_sent_at,
        finished_at=finished_at,
        absent=last.disposition.absence is Absence.SURELY,
        not_sent=not_sent,
    )


def _lasts(history: AttemptHistory[Attempt], carried: Carryover) -> bool:
    """Whether all that ever came of it is one end, which may be about this agent."""
    last = history.last.disposition
    return (
        last.lasting is not None
        and carried.only_end == last.name
        and all(end.name == last.name for end in history.ends)
    )
