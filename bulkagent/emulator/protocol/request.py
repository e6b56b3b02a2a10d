"""One request as the interfaces see it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bulkagent.emulator.protocol.routes import Call

Headers = Mapping[str, str]
"""Request headers, looked up as `Content-Type` and `Guid`; over HTTP, case must not count."""


class ApiRequest(msgspec.Struct, frozen=True):
    """A request, and when and where it came."""

    call: Call
    headers: Headers
    at_ms: int
    node: int
    """The node that it went to; `ANY_NODE` where nodes are no matter."""
    body: bytes = b""

    @property
    def agent_id(self) -> str:
        """The agent that the path names first: the one whose GUID is asked for."""
        return self.call.agent_id

    @property
    def guid(self) -> str | None:
        """The GUID that it came with."""
        return self.headers.get("Guid")

    def __repr__(self) -> str:
        return f"<ApiRequest: {self.call}>"  # neither GUID nor password
