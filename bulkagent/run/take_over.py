"""The agents that two runs want: which run gets them, and having the other one leave them.

A run is asked by a file beside its lock, never by a signal to a process number, which may be
another's by now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.errors import BulkagentError, GuardrailRefused
from bulkagent.ledger import (
    Database,
    FileIdentity,
    InFlight,
    Overlap,
    RunLock,
    RunRecord,
    ask_to_drain,
    give_back,
    has_acknowledged,
    has_lease,
    in_flight,
    is_locked,
    owner_of,
    withdraw_request,
)

ALL = "all"
"""The word for every run in the way."""

_LOOK_EVERY_S = 0.25
_ASK_EVERY_S = 0.1
_HEARD_WITHIN_S = 15.0
"""So long a process that is at work may take to hear that it is asked."""
_PATIENCE_S = 120.0
"""So long a run may take to drain: its grace, and what is in flight."""
_SAY_EVERY_S = 10.0
_IN_FLIGHT_MORE_S = 10.0
"""So much longer than twice its timeout a run may take to come to an end with what is in flight."""


class TakeOverPlan(msgspec.Struct, frozen=True):
    """What becomes of the runs that are in the way of another one."""

    drained: tuple[Overlap, ...] = ()
    """These stop."""
    corrected: tuple[Overlap, ...] = ()
    """These go on, and leave the agents that both want."""
    left: tuple[Overlap, ...] = ()
    """To these the agents that both want are left."""
    against: tuple[Overlap, ...] = ()
    """Because of these nothing may be sent."""


def plan_take_over(
    overlaps: Sequence[Overlap],
    *,
    named: Collection[int] | None,
    person: bool,
    new: bool,
    run: int,
) -> TakeOverPlan:
    """What becomes of the runs that are in the way.

    A person's new run gets what another has finished with or not begun; what counts for a gate,
    a floor or a canary stays with its run. A run that goes on leaves a person's later one what it
    has. Everything else has to be named.

    Args:
        overlaps: The runs in the way.
        named: The keys of those that are to be drained; None: all.
        person: Whether a person agreed to this run at the terminal.
        new: Whether this run begins, and does not go on.
        run: Its key.
    """
    take_over: dict[str, list[Overlap]] = {name: [] for name in TakeOverPlan.__struct_fields__}
    for overlap in overlaps:
        if named is None or overlap.run in named:
            way = "drained"
        elif overlap.same:
            way = "against"
        elif new:
            way = "corrected" if person and not overlap.gated else "against"
        else:
            way = "left" if overlap.person and overlap.run > run else "against"
        take_over[way].append(overlap)
    return TakeOverPlan(**{name: tuple(found) for name, found in take_over.items()})


def refusal(take_over: TakeOverPlan, *, person: bool) -> str:
    """Why nothing may be sent, for people: every run in the way, and what can be done."""
    against = take_over.against
    if all(overlap.same for overlap in against):
        names = " and ".join(f"run {overlap.run_id}" for overlap in against)
        return (
            f"{names} of this roster is in progress elsewhere, at work on"
            f" {against[0].agents:,} of these agents, so nothing was sent. Trying again is safe"
        )
    named = [*against, *take_over.drained]
    options = " ".join(f"--take-over {overlap.run_id}" for overlap in named)
    several = f"{options}, or --take-over {ALL}" if len(named) > 1 else options
    text = (
        f"{_at_work(named)}, so nothing was sent; wait for"
        f" {'its end' if len(named) == 1 else 'their ends'}, or have"
        f" {'it' if len(named) == 1 else 'all of them'} drained first with {several}"
    )
    if take_over.drained:
        text = f"--take-over lacks a run that is in the way, and nothing was drained: {text}"
    if person and any(overlap.gated for overlap in against):
        text = f"{text}; a run with a gate, a floor or a canary leaves its agents to nobody else"
    return text


def _at_work(overlaps: Sequence[Overlap]) -> str:
    first, *others = overlaps
    text = f"run {first.run_id} is at work on {first.agents:,} of these agents"
    return ", ".join([text, *(f"run {other.run_id} on {other.agents:,}" for other in others)])


def _several(agents: int) -> str:
    return "1 agent" if agents == 1 else f"{agents:,} agents"


async def make_way(
    database: Database,
    take_over: TakeOverPlan,
    *,
    run: int,
    by: str,
    timeout_s: float,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Wait until the runs in the way have left what is this one's.

    Args:
        database: The ledger.
        take_over: What becomes of them, which is in the ledger by now.
        run: The key of this run.
        by: Its ID.
        timeout_s: How long it waits for a reply.
        clock: Time.
        tell: Told what is waited for, for people.

    Raises:
        GuardrailRefused: One does not leave it; those that have not heard of it have it back.
        LedgerUnavailable: The ledger cannot be read, or one cannot be asked.
    """
    if take_over.drained:
        await _drain(database, take_over.drained, run=run, by=by, clock=clock, tell=tell)
    if take_over.corrected:
        await _settle(
            database, take_over.corrected, run=run, limit_s=timeout_s, clock=clock, tell=tell
        )


async def _drain(
    database: Database,
    drained: Sequence[Overlap],
    *,
    run: int,
    by: str,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    stopped = "it has" if len(drained) == 1 else "they have"
    tell(f"{_at_work(drained)}; this run waits until {stopped} stopped sending")
    for overlap in drained:
        await in_thread(ask_to_drain, database.path, overlap.run_id, by)
    since = said = clock.monotonic()
    while waiting := await in_thread(_still_at_work, database, drained):
        now = clock.monotonic()
        unheard = [overlap for overlap, heard in waiting if not heard]
        late = [overlap for overlap, _ in waiting] if now - since > _PATIENCE_S else []
        if unheard and now - since > _HEARD_WITHIN_S:
            late = unheard
        if late:
            await in_thread(_let_go, RunRecord(database, run), late)
            raise GuardrailRefused(_stuck(database, late, now - since))
        if now - said > _SAY_EVERY_S:
            said = now
            tell(f"{_at_work([overlap for overlap, _ in waiting])}; this run still waits")
        await clock.sleep(_ASK_EVERY_S)


def _still_at_work(database: Database, drained: Sequence[Overlap]) -> list[tuple[Overlap, bool]]:
    """The runs that may still send, each with whether its process has heard that it is asked."""
    return [
        (overlap, has_acknowledged(database.path, overlap.run_id))
        for overlap in drained
        if has_lease(RunRecord(database, overlap.run)) and is_locked(database.path, overlap.run_id)
    ]


def _let_go(record: RunRecord, late: Sequence[Overlap]) -> None:
    for overlap in late:
        withdraw_request(record.database.path, overlap.run_id)
        if not has_acknowledged(record.database.path, overlap.run_id):
            give_back(record, overlap.run)


def _stuck(database: Database, late: Sequence[Overlap], seconds: float) -> str:
    texts = [
        f"run {overlap.run_id} has not stopped for {seconds:.0f} s:"
        f" {_process(database, overlap.run_id)} hangs or is suspended"
        for overlap in late
    ]
    return (
        f"{'; '.join(texts)}. Nothing was sent: let the process go on (kill -CONT) or end it, then"
        " try again"
    )


def _process(database: Database, run_id: str) -> str:
    number = owner_of(database.path, run_id)
    return f"its process {number}" if number else "its process"


async def _settle(
    database: Database,
    corrected: Sequence[Overlap],
    *,
    run: int,
    limit_s: float,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Wait until those who are left have no request on its way any more."""
    record = RunRecord(database, run)
    for leaving in corrected:
        tell(f"run {leaving.run_id} leaves {_several(leaving.agents)} to this run")
    since, said = clock.monotonic(), False
    while found := await in_thread(_on_the_way, record):
        waited_s = clock.monotonic() - since
        bound_s = 2 * max(limit_s, *(x.timeout_s for x in found)) + _IN_FLIGHT_MORE_S
        if waited_s > bound_s:
            for stuck in found:
                await in_thread(give_back, record, stuck.run)
            texts = [
                f"run {x.run_id} has not come to an end with {x.agents:,} requests for"
                f" {waited_s:.0f} s: {_process(database, x.run_id)} hangs or is suspended"
                for x in found
            ]
            raise GuardrailRefused(
                f"{'; '.join(texts)}. Nothing was sent: let the process go on (kill -CONT) or end"
                " it, then try again"
            )
        if not said:
            said = True
            agents = sum(x.agents for x in found)
            tell(
                f"this run waits for {_several(agents)} with a request on its way, at most"
                f" {bound_s:.0f} s"
            )
        await clock.sleep(_ASK_EVERY_S)


def _on_the_way(record: RunRecord) -> list[InFlight]:
    # A run that was killed comes to no end; the lanes wait for the requests that it had in flight.
    return [x for x in in_flight(record) if is_locked(record.database.path, x.run_id)]


async def watch_presence(presence: FileIdentity, clock: Clock, lost: Callable[[str], None]) -> None:
    """Look now and then whether the ledger is still there; return when it is not.

    Args:
        presence: The ledger's files.
        clock: Time.
        lost: Called with what has become of it.
    """
    while True:
        await clock.sleep(_LOOK_EVERY_S)
        if trouble := await in_thread(presence.trouble):
            lost(trouble)
            return


async def watch(locks: Sequence[RunLock], clock: Clock, asked: Callable[[str], None]) -> None:
    """Look now and then whether another run wants this one to be drained; return when one does.

    Args:
        locks: Of the run.
        clock: Time.
        asked: Called with the ID of the other run.
    """
    while True:
        await clock.sleep(_LOOK_EVERY_S)
        for lock in locks:
            if by := await in_thread(lock.asked_by):
                asked(by)
                await in_thread(lock.acknowledge)
                return


def first_of(group: BaseExceptionGroup[BulkagentError]) -> BulkagentError:
    """The first error of those that ended a group of tasks."""
    inner = group.exceptions[0]
    return first_of(inner) if isinstance(inner, BaseExceptionGroup) else inner
