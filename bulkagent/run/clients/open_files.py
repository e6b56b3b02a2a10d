"""Room for as many open files as a run needs, seen to before anything is sent.

Each request in flight is a connection; running out of them in the middle of a run would look like a
gateway that cannot be reached.
"""

from __future__ import annotations

import resource

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.connection_pool import MOST_READ_ON

# The ledger's files on three connections, reports, standard streams, the loop's own, name service.
_OTHERS = 48

# Connections that are read on when their requests are over; nothing is refused for want of these.
_READ_ON = 4 * MOST_READ_ON


def make_room(connections: int, *, fewer: str = "lower --concurrency") -> None:
    """Raise the process's own limit as far as needed, which the system's limit allows or not.

    Args:
        connections: How many there are at most.
        fewer: What makes them fewer, for people.

    Raises:
        SettingsRefused: The system's limit is too low for as many connections.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHERS
    wanted = needed + _READ_ON
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SettingsRefused(
            f"{connections:,} connections need {needed:,} open files and the system allows"
            f" {hard:,}; {fewer}, or raise the limit (ulimit -n)"
        )
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
