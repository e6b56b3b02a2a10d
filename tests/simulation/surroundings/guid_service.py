"""The service that knows the GUID of each agent, which a site has beside its gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.simulation.surroundings.interface import Answer, Asked, NotTheInterface, Sent, page
from tests.simulation.surroundings.server import Request
from tests.simulation.world import cookie_of

_PATH = re.compile(r"/([a-z0-9-]+)/([1-9][0-9]{2,5})")


class GuidService:
    """The service.

    Args:
        guid_of: The GUID that an agent of a gateway has now; "" where there is none.
        log: Called with a line for everything that happens.
    """

    def __init__(self, guid_of: Callable[[str, str], str], log: Callable[[str], None]) -> None:
        self._guid_of = guid_of
        self._log = log

    def read(self, sent: Sent) -> Asked:
        """Find out the agent whose GUID is asked for."""
        found = _PATH.fullmatch(sent.path)
        if sent.method != "GET" or found is None or sent.query or sent.body is not None:
            raise NotTheInterface(f"{sent.method} {sent.path} of the service of GUIDs")
        return Asked(found[2], "", gateway=found[1])

    def begins(self, request: Request) -> None:
        """A question has arrived."""
        asked = request.asked
        self._log(f"guids of {asked.agent} of {asked.gateway} for p{request.process}")

    def does(self, request: Request) -> Answer:
        """Look it up."""
        guid = self._guid_of(request.asked.gateway, request.asked.agent)
        if not guid:
            return page(404, "http 404", b'{"error": "not signed in"}')
        return page(200, "guid", json.dumps({"guid": guid, "cookie": cookie_of(guid)}).encode())

    def strayed(self, request: Request) -> None:
        """Its connections carry one request alone."""

    def ends(self, request: Request, told: str) -> None:
        """A question is done with."""
        self._log(f"guids of {request.asked.agent}: {told}")
