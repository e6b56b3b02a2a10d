"""The verification of one leg: looks before and after, verdicts into the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import anyio
import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.gateway.credentials import Credential, CredentialSource
from bulkagent.ledger import RunRecord, applied_among, keep_verifications
from bulkagent.model import Assignment, Verified
from bulkagent.run.clients.factory import ClientFactory
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.verify.queue_checks import AgentQueries, CheckPace, QueueChecks, QueueObserver
from bulkagent.settings import Settings

_AT_ONCE = 16
"""Questions in flight at most, whatever the settings allow for the sending: nothing waits for
them but the report."""


class Verification:
    """Verifies what one leg sets, through `before` and `after`.

    Args:
        observers: The queues.
        settings: Paces and timeouts.
        gateways: Where to.
        record: The run.
        clock: Time.
        log: Told of what was seen.
    """

    def __init__(
        self,
        observers: Sequence[QueueObserver],
        settings: Settings,
        gateways: Gateways,
        record: RunRecord,
        *,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._observers = observers
        self._settings = settings
        self._gateways = gateways
        self._clients = ClientFactory(gateways, settings, clock)
        self._record = record
        self._log = log
        self._guids: CredentialSource = _Beside(None, {})
        self._asking: anyio.CancelScope | None = None
        self._cut_off = False
        self._checks = QueueChecks(
            observers,
            self._asked,
            pace=self._pace,
            again_after_s=settings.verify_again_after_s,
            clock=clock,
        )

    async def before(self, guids: CredentialSource) -> None:
        """Look before the first request.

        Args:
            guids: The source of the GUIDs of the run's agents.
        """
        own: dict[tuple[str, str], Credential] = {}
        if self._gateways.emulated:
            for observer in self._observers:
                agent = observer.agent
                credential = self._gateways.sign_in_emulated(agent.gateway, agent.agent_id)
                if credential is not None:
                    own[agent.gateway, agent.agent_id] = credential
        self._guids = _Beside(guids, own)
        with anyio.CancelScope() as self._asking:
            await self._checks.before()
        self._asking = None

    async def after(self, leg: int) -> None:
        """Look after the last request, unless that was cut off, and keep the verdicts.

        Raises:
            LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
        """
        found: dict[int, Verified] = {}
        with anyio.CancelScope() as self._asking:
            if not self._cut_off:
                found = await self._judged(leg)
        if self._asking.cancelled_caught or self._cut_off:
            self._checks.troubles.append("it was cut off")
        self._asking = None
        await in_thread(keep_verifications, self._record, leg, found)
        counts = dict.fromkeys(Verified, 0)
        for verified in found.values():
            counts[verified] += 1
        self._log.decided("run.verified", yes=counts[Verified.YES], no=counts[Verified.NO])

    def stop(self) -> None:
        """Ask nothing more in the phase under way; one that is yet to come is not touched."""
        if self._asking is not None:
            self._asking.cancel()

    def cancel(self) -> None:
        """Ask nothing more at all."""
        self._cut_off = True
        self.stop()

    @property
    def note(self) -> str:
        """What kept it from seeing, for people; "" where nothing did."""
        troubles = self._checks.troubles
        more = f"; and {len(troubles) - 1:,} more such" if len(troubles) > 1 else ""
        return f"{troubles[0]}{more}" if troubles else ""

    async def _judged(self, leg: int) -> dict[int, Verified]:
        seen = await self._checks.after()
        applied: list[Assignment] = []
        for gateway, agent_ids in seen.items():
            rows = await in_thread(applied_among, self._record, leg, gateway, agent_ids)
            applied.extend(
                Assignment(row.row, gateway, row.agent_id, "", row.arguments) for row in rows
            )
        return await self._checks.judge(applied)

    def _asked(self, name: str) -> AbstractAsyncContextManager[AgentQueries]:
        return self._clients.queries(name, self._guids)

    def _pace(self, name: str) -> CheckPace:
        limits = self._settings.limits(name)
        return CheckPace(min(_AT_ONCE, limits.most_in_flight), limits.per_second)


class _Beside(msgspec.Struct, frozen=True):
    """The run's own source of GUIDs, and observers who are not in it."""

    source: CredentialSource | None
    own: Mapping[tuple[str, str], Credential]

    async def credential(self, assignment: Assignment) -> Credential | None:
        own = self.own.get((assignment.gateway, assignment.agent_id))
        if own is not None or self.source is None:
            return own
        return await self.source.credential(assignment)

    async def renewed(self, assignment: Assignment, refused: Credential, /) -> bool:
        if self.source is None or (assignment.gateway, assignment.agent_id) in self.own:
            return False
        return await self.source.renewed(assignment, refused)

    def fresh(self, _credential: Credential, /) -> bool:
        return False
