"""The limits of the gateways of one leg, shared with the other commands at work on its ledger.

The ledger is read and written in a thread, about once a second, never on the event loop.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, Self

import anyio
import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.errors import BulkagentError, LedgerFailed, LedgerUnavailable
from bulkagent.ledger import (
    Busy,
    Database,
    RunRecord,
    Share,
    give_up_shares,
    is_locked,
    shares_at,
    take_shares,
    updating_shares,
)
from bulkagent.run.sharing.division import LimitPart, Member, SharedPart, divide, granted
from bulkagent.run.sharing.liveness import FENCE_S, Liveness

_EVERY_S = 1.0
_SOON_S = 0.2
"""The pause while somebody has to give way, or waits for that."""
_BUSY_WAIT_S = 1.0
_LEDGER_BUSY_S = 30.0
"""For so long another process may hold the ledger, as marks and outcomes wait for it."""


_NOTHING = LimitPart(0, 0.0)


class LimitedUpstream(Protocol):
    """The part of a gateway's bulkhead that sharing needs."""

    @property
    def in_use(self) -> int:
        """Slots in use."""

    def resize(self, tokens: int, until: float) -> None:
        """Let at most as many be in flight, and from a time on none start."""

    def pace(self, per_second: float | None, burst: int) -> None:
        """Let at most as many start a second."""


class SharedGateway:
    """One gateway of a leg.

    Args:
        head: Its bulkhead.
        limit: What it was given for itself.
        burst: Requests that may start at once, of which others get their part too.
        told: Told of each change.
    """

    def __init__(
        self,
        head: LimitedUpstream,
        limit: LimitPart,
        burst: int,
        told: Callable[[SharedPart], None],
    ) -> None:
        self.limit = limit
        self._head = head
        self._burst = burst
        self._told = told
        self._shared: SharedPart | None = None

    @property
    def now(self) -> LimitPart:
        """What the bulkhead keeps to."""
        return self._shared.part if self._shared else _NOTHING

    @property
    def in_use(self) -> int:
        """Slots in use."""
        return self._head.in_use

    def keep_to(self, shared: SharedPart, until: float) -> None:
        """Let the bulkhead send no more than this from now on, and nothing once a time is past."""
        part = shared.part
        self._head.resize(part.concurrency, until)
        if shared == self._shared:
            return
        if not part.paused:
            rate = None if part.per_second == math.inf else part.per_second
            self._head.pace(rate, max(1, self._burst // shared.commands))
        self._shared = shared
        self._told(shared)


class _Use(msgspec.Struct, frozen=True):
    """What a gateway is sent at this moment, at most."""

    limit: LimitPart
    now: LimitPart
    in_use: int


class Sharing:
    """Keeps the gateways of a leg within what the other commands leave; an `async with`.

    Args:
        database: The ledger; this opens a connection of its own.
        run: The run's key in it.
        run_id: The run's ID.
        gateways: The gateways, by address; none: nothing is shared.
        clock: Time.
        in_doubt: Asked at the end whether requests were left without an answer.
    """

    def __init__(
        self,
        database: Database,
        run: int,
        run_id: str,
        gateways: Mapping[str, SharedGateway],
        *,
        clock: Clock,
        in_doubt: Callable[[], bool],
    ) -> None:
        self._path = database.path
        self._run = run
        self._run_id = run_id
        self._gateways = gateways
        self._clock = clock
        self._in_doubt = in_doubt
        self._database: Database | None = None
        self._liveness = Liveness()
        self._agreed_at = clock.monotonic()
        self._soon = False

    async def __aenter__(self) -> Self:
        if self._gateways:
            await in_thread(self._join)
            self._soon = await self._agree()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        database = self._database
        if database is None:
            return
        left: list[str] = []
        if not self._in_doubt():
            left = [url for url, gateway in self._gateways.items() if not gateway.in_use]
        with anyio.CancelScope(shield=True):
            await in_thread(self._leave, database, left)

    async def run(self) -> None:
        """Keep to the shares as they change, until this is cancelled.

        Raises:
            LedgerFailed: The ledger cannot be read or written any more.
        """
        if not self._gateways:
            return
        while True:
            await self._clock.sleep(_SOON_S if self._soon else _EVERY_S)
            self._soon = await self._agree()

    async def _agree(self) -> bool:
        """Look once; whether it has to be looked again soon."""
        began = self._clock.monotonic()
        uses = {
            url: _Use(gateway.limit, gateway.now, gateway.in_use)
            for url, gateway in self._gateways.items()
        }
        try:
            shared, soon = await in_thread(self._look, uses)
        except Busy as error:
            if began - self._agreed_at > _LEDGER_BUSY_S:
                raise LedgerFailed.while_sending(error) from None
            return True
        except (LedgerUnavailable, LedgerFailed) as error:
            # The first would say that nothing was sent.
            raise LedgerFailed.while_sending(error) from None
        self._agreed_at = began
        for url, now in shared.items():
            gateway = self._gateways[url]
            before = gateway.now
            # Others count on it no longer when it has been silent for a while.
            gateway.keep_to(now, began + FENCE_S)
            # What it has given up is the others' once that is written down.
            soon |= now.part.concurrency < before.concurrency
            soon |= now.part.per_second < before.per_second
        return soon

    def _join(self) -> None:
        self._database = Database(self._path, busy_wait_s=_BUSY_WAIT_S)
        self._take(self._database)

    def _take(self, database: Database) -> None:
        wanted = [
            (url, gateway.limit.concurrency, _column(gateway.limit.per_second))
            for url, gateway in self._gateways.items()
        ]
        take_shares(RunRecord(database, self._run), wanted, now_ms=self._clock.wall_ms())

    def _leave(self, database: Database, gateways: list[str]) -> None:
        # Where they cannot be given up, they end with the run's lock.
        with database, contextlib.suppress(BulkagentError):
            give_up_shares(RunRecord(database, self._run), gateways)

    def _look(self, uses: Mapping[str, _Use]) -> tuple[dict[str, SharedPart], bool]:
        """What each gateway may be sent from now on, and whether to look again soon.

        It is written down before anything is sent by it.
        """
        database = self._database
        if database is None:
            raise RuntimeError("shares are agreed on within `async with`")
        now, now_ms = self._clock.monotonic(), self._clock.wall_ms()
        others = [share for share in shares_at(database, uses) if share.run_id != self._run_id]
        at_work = {run: is_locked(self._path, run) for run in {each.run_id for each in others}}
        seen = self._liveness.look(others, at_work, now=now, now_ms=now_ms)
        left_out = seen.silent | seen.gone
        found: dict[str, SharedPart] = {}
        soon = seen.dying
        with updating_shares(database, list(uses)) as table:
            # Others have counted on it no longer, so it begins anew.
            late = self._clock.monotonic() > self._agreed_at + FENCE_S
            for url, use in uses.items():
                kept_to = _NOTHING if late else use.now
                at = [share for share in table.shares if share.gateway == url]
                own = next((share for share in at if share.run_id == self._run_id), None)
                if own is None:
                    break
                me = Member(own.share, use.limit, kept_to)
                rest = [
                    _member(share)
                    for share in at
                    if share.run_id != self._run_id and share.share not in left_out
                ]
                part = granted(me, rest)
                found[url] = SharedPart(part, 1 + len(rest))
                soon |= part != divide([me, *rest])[own.share] or use.in_use > part.concurrency
                # It keeps to less only when it has been told so, and has nothing more in flight.
                table.allow(
                    own.share,
                    max(part.concurrency, kept_to.concurrency, use.in_use),
                    _column(max(part.per_second, kept_to.per_second)),
                    now_ms=now_ms,
                )
            table.remove(seen.gone)
        if len(found) < len(uses):
            # Somebody took this command for dead, which may have been a fault of theirs.
            self._take(database)
            return dict.fromkeys(uses, SharedPart(_NOTHING, 1)), True
        return found, soon


def _member(share: Share) -> Member:
    return Member(
        share.share,
        LimitPart(share.concurrency, _rate(share.per_second)),
        LimitPart(share.allowed, _rate(share.allowed_per_second)),
    )


def _rate(column: float | None) -> float:
    return math.inf if column is None else column


def _column(rate: float) -> float | None:
    return None if rate == math.inf else rate
