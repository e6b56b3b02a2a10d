"""The load balancer: the node of the cluster that a request goes to."""

from __future__ import annotations

from collections.abc import Hashable

from bulkagent.emulator.agents.affinity import named_node
from bulkagent.emulator.agents.agents import ANY_NODE
from bulkagent.emulator.faults.scenario import Cluster
from bulkagent.emulator.handlers.emulation import Emulation


class LoadBalancer:
    """Deals the connections to the nodes of a cluster.

    Without affinity, a connection is dealt a node when it brings its first settalkright request,
    so that those of judges and desktops take no turn. With it, any request to the gateway counts,
    because any can be on the wrong node; a request with a cookie goes where that says.
    """

    def __init__(self, emulation: Emulation, cluster: Cluster) -> None:
        self._emulation = emulation
        self._cluster = cluster
        # Until `forget`: not every loop has transports that can be referred to weakly.
        self._nodes: dict[Hashable, int] = {}
        self._counted: set[Hashable] = set()

    def __len__(self) -> int:
        return len(self._nodes)

    def __repr__(self) -> str:
        return f"<LoadBalancer: {len(self._nodes)} with a node>"

    def forget(self, connection: Hashable) -> None:
        """A connection is gone, and none of its requests is asked about any more."""
        self._nodes.pop(connection, None)
        self._counted.discard(connection)

    def node_of_talk_right(self, connection: Hashable | None, cookie: str | None) -> int:
        """The node of a settalkright request; its connection is counted for the judges."""
        if connection is None:
            return 1  # the client is gone: no node can tell it anything
        if self._cluster.affinity:
            if connection not in self._counted:
                self._counted.add(connection)
                self._emulation.traffic.connected()
            return self.node_of(connection, cookie)
        node = self._nodes.get(connection)
        if node is None:
            node = self._nodes[connection] = self._emulation.connected()
        return node

    def node_of(self, connection: Hashable | None, cookie: str | None) -> int:
        """The node of any other request."""
        if not self._cluster.affinity:
            return ANY_NODE
        named = named_node(cookie, self._cluster.nodes)
        if named is not None or connection is None:
            return named or 1
        node = self._nodes.get(connection)
        if node is None:
            node = self._nodes[connection] = self._emulation.next_turn()
        return node
