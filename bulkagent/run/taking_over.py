"""Having a run in progress drained for another one, and being drained.

What may live here: asking, waiting for it, and noticing that one is asked, or that there is no
ledger any more. What this room must not know: how a run is drained. It is asked by a file beside
its lock, never by a signal to a process number, which may be another's by now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
import anyio.to_thread

from bulkagent.clock import Clock
from bulkagent.errors import ResumeRefused
from bulkagent.ledger import (
    Claim,
    Database,
    Presence,
    ask_to_drain,
    find_run,
    has_lease,
    is_claimed,
)

__all__ = ["drain", "watch", "watch_presence"]

_LOOK_EVERY_S = 1.0
_ASK_EVERY_S = 0.2
_PATIENCE_S = 120.0
"""So long a run may take to drain: its grace, and the writing of its reports."""


async def drain(database: Database, name: str, *, by: str, clock: Clock) -> str:
    """Have a run drained, and wait until its process has let go of it.

    Args:
        database: The ledger.
        name: Its ID, or the beginning of it.
        by: The ID of the run that takes over.
        clock: Time.

    Returns:
        Its whole ID; "" where it was not in progress, so that there is nothing to drain.

    Raises:
        RunNotFound: There is no such run.
        ResumeRefused: It is the same run, or does not come to its end.
        LedgerUnavailable: It cannot be asked.
    """
    facts = await anyio.to_thread.run_sync(find_run, database, name)
    if facts.id == by:
        raise ResumeRefused(f"--take-over {name}: that is this run itself; name the other one")
    in_progress = await anyio.to_thread.run_sync(has_lease, database, facts.run)
    if not (facts.running and in_progress):
        return ""
    await anyio.to_thread.run_sync(ask_to_drain, database.path, facts.id, by)
    until = clock.monotonic() + _PATIENCE_S
    while await anyio.to_thread.run_sync(is_claimed, database.path, facts.id):
        if clock.monotonic() > until:
            raise ResumeRefused(
                f"run {facts.id} was asked to stop {_PATIENCE_S:.0f} s ago and has not, so nothing"
                " was sent; look at its process, stop it, then try again"
            )
        await clock.sleep(_ASK_EVERY_S)
    return facts.id


async def watch_presence(presence: Presence, clock: Clock, lost: Callable[[str], None]) -> None:
    """Look now and then whether the ledger is still there; return when it is not.

    Args:
        presence: The ledger's files.
        clock: Time.
        lost: Called with what has become of it.
    """
    while True:
        await clock.sleep(_LOOK_EVERY_S)
        if trouble := await anyio.to_thread.run_sync(presence.trouble):
            lost(trouble)
            return


async def watch(claims: Sequence[Claim], clock: Clock, asked: Callable[[str], None]) -> None:
    """Look now and then whether another run wants this one to be drained; return when one does.

    Args:
        claims: Of the run.
        clock: Time.
        asked: Called with the ID of the other run.
    """
    while True:
        await clock.sleep(_LOOK_EVERY_S)
        for claim in claims:
            if by := await anyio.to_thread.run_sync(claim.wanted_by):
                asked(by)
                return
