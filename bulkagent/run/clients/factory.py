"""Clients of a run's gateways, made as its settings want them.

They bring the HTTP library, which commands that send nothing need not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.clock import Clock
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.gateway.operations import OPERATIONS, SET_TALK_RIGHT
from bulkagent.run.clients.gateways import Gateways
from bulkagent.settings import Settings

if TYPE_CHECKING:
    from bulkagent.gateway.client import GatewayClient
    from bulkagent.gateway.queries import Queries


class ClientFactory:
    """Makes clients.

    Args:
        gateways: Where they lead to.
        settings: How long they wait.
        clock: For latencies and times of day.
    """

    def __init__(self, gateways: Gateways, settings: Settings, clock: Clock) -> None:
        self._gateways = gateways
        self._connect_timeout_s = settings.connect_timeout_s
        self._timeout_s = settings.timeout_s
        self._clock = clock

    def setter(self, name: str, guids: CredentialSource, *, singly: bool = False) -> GatewayClient:
        """Sets talk rights at a gateway; singly: with one request a connection."""
        from bulkagent.gateway.client import GatewayClient

        return GatewayClient(
            self._gateways.endpoint(name),
            OPERATIONS[SET_TALK_RIGHT.name],
            guids,
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=self._timeout_s,
            clock=self._clock,
            singly=singly,
            strays=not self._gateways.emulated,
        )

    def queries(self, name: str, guids: CredentialSource) -> Queries:
        """Asks a gateway about agents."""
        from bulkagent.gateway.queries import Queries

        return Queries(
            self._gateways.endpoint(name),
            guids,
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=self._timeout_s,
        )
