"""The gateways of a world: what they do to requests, and the history of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from urllib.parse import urlsplit

from tests.simulation.history import Handled, RightChange, Seen
from tests.simulation.surroundings.agents import Agents
from tests.simulation.surroundings.guid_service import GuidService
from tests.simulation.surroundings.interface import (
    IDLE,
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    SWITCHING,
    Answer,
    Asked,
    NotTheInterface,
    Sent,
    read_request,
    result,
    retcode,
)
from tests.simulation.surroundings.luck import luck_of
from tests.simulation.surroundings.server import Pace, Request, Server
from tests.simulation.world import GUID_URL, GatewayModel, World, url_of

_FAILOVER = 0
_SIGN_IN = -1
_OF_SERVICE = Pace(0.005, 0.5)


class Gateways:
    """All gateways of a world, and the service of GUIDs.

    Args:
        world: The world.
        loop: The loop, of which only time and timers are used. The morning begins now.
        log: Called with a line for everything that happens, without its time.
    """

    def __init__(
        self, world: World, loop: asyncio.AbstractEventLoop, log: Callable[[str], None]
    ) -> None:
        self.handled: list[Handled] = []
        """All requests to set a talk right, in the order of their arrival."""
        self.rights: list[RightChange] = []
        """All changes, in the order of their times."""
        self.seen: list[Seen] = []
        """All answers of agents' states, in the order of their times."""
        self.violations: list[str] = []
        """Requests that nobody may send."""
        self.servers: dict[str, Server] = {}
        """By host name."""
        self.began_s = loop.time()
        self._loop = loop
        self._gateways: dict[str, Gateway] = {}
        for model in world.gateways:
            gateway = Gateway(model, world.seed, self, log)
            self._gateways[model.name] = gateway
            self.servers[_host(url_of(model.name))] = Server(
                model.name,
                gateway,
                Pace(model.latency_s, model.spread),
                [fault for fault in world.faults if fault.gateway == model.name],
                seed=world.seed,
                loop=loop,
                began_s=self.began_s,
            )
            self._await_changes(gateway)
        service = GuidService(self.current_guid_of, log)
        self.servers[_host(GUID_URL)] = Server(
            "guids",
            service,
            _OF_SERVICE,
            world.source_faults,
            seed=world.seed,
            loop=loop,
            began_s=self.began_s,
        )

    @property
    def now_s(self) -> float:
        """Seconds since the morning began."""
        return self._loop.time() - self.began_s

    def server(self, host: str) -> Server:
        """The server with this name.

        Raises:
            NotTheInterface: There is none; nothing may be sent there.
        """
        found = self.servers.get(host)
        if found is None:
            raise self.violated(NotTheInterface(f"there is no host {host}"))
        return found

    def request(self, sent: Sent, process: int) -> tuple[Server, Request]:
        """Look at a request before there is a connection for it.

        Raises:
            NotTheInterface: It is none that anybody may send.
        """
        server = self.server(sent.host)
        try:
            return server, server.request(sent, process)
        except NotTheInterface as error:
            raise self.violated(error) from None

    def violated(self, error: NotTheInterface) -> NotTheInterface:
        """Remember it: nobody in between may swallow it."""
        self.violations.append(str(error))
        return error

    def guid_of(self, gateway: str, agent: str, at_s: float) -> str:
        """The GUID of an agent's session at a time; "" where there is none."""
        return self._gateways[gateway].agents.guid_of(agent, at_s)

    def current_guid_of(self, gateway: str, agent: str) -> str:
        """The same, now."""
        return self.guid_of(gateway, agent, self.now_s)

    def right_of(self, gateway: str, agent: str) -> str:
        """An agent's talk right now."""
        return self._gateways[gateway].agents.right(agent)

    def listed(self, gateway: str, skill: str) -> list[str]:
        """The agents whom a skill queue of a gateway lists now."""
        return self._gateways[gateway].listed(skill)

    def _await_changes(self, gateway: Gateway) -> None:
        def at(seconds: float, call: Callable[..., None], *arguments: object) -> None:
            self._loop.call_at(self.began_s + seconds, call, *arguments, context=Context())

        for begins_s, lasts_s, share in gateway.model.failovers:
            at(begins_s + lasts_s, gateway.fail_over, begins_s, share)
        for signs_in_s, agent in gateway.agents.sign_ins():
            at(signs_in_s, gateway.sign_in, agent)


class Gateway:
    """One gateway.

    Args:
        model: What it is like.
        seed: The morning's.
        of: Where its history goes.
        log: Called with a line for everything that happens.
    """

    def __init__(
        self, model: GatewayModel, seed: int, of: Gateways, log: Callable[[str], None]
    ) -> None:
        self.model = model
        self.agents = Agents(model, seed)
        self._seed = seed
        self._of = of
        self._log = log
        self._handled: dict[int, Handled] = {}

    def read(self, sent: Sent) -> Asked:
        """What a request asks for."""
        return read_request(sent)

    def begins(self, request: Request) -> None:
        """A request has arrived."""
        asked, history = request.asked, self._of.handled
        if not asked.flag:
            self._log(f"{self.model.name} is asked by {asked.agent} for p{request.process}")
            return
        request.number = len(history) + 1
        handled = Handled(
            number=request.number,
            gateway=self.model.name,
            process=request.process,
            agent=asked.agent,
            flag=asked.flag,
            guid=asked.guid,
            arrived_s=self._of.now_s,
        )
        if request.course.reset_s is not None:
            handled.reset_s = handled.arrived_s + request.course.reset_s
        if request.line is not None:
            handled.line = request.line.number
            if request.line.strayed:
                handled.strayed_s = handled.arrived_s
        history.append(handled)
        self._handled[request.number] = handled
        self._log(
            f"{self.model.name} #{request.number} arrives of p{request.process}:"
            f" {asked.agent} flag {asked.flag}"
        )

    def does(self, request: Request) -> Answer:
        """Set the talk right, or answer a question, if nothing speaks against it."""
        now_s, asked = self._of.now_s, request.asked
        if self._switching(now_s):
            return retcode(SWITCHING[request.luck < 0.3])
        if asked.guid != self.agents.guid_of(asked.agent, now_s) or not asked.guid:
            return retcode(NOT_SIGNED_IN)
        if not asked.flag:
            if not asked.skill:
                seen = Seen(self.model.name, asked.agent, request.process, now_s)
                self._of.seen.append(seen)
            return self._told(asked)
        handled = self._handled[request.number]
        handled.effect_s = now_s
        handled.accepted = True
        self._set(asked.agent, asked.flag, request.number)
        return retcode("0")

    def strayed(self, request: Request) -> None:
        """A reply too many has come on its connection."""
        handled = self._handled.get(request.number)
        if handled is not None and handled.strayed_s is None:
            handled.strayed_s = self._of.now_s

    def ends(self, request: Request, told: str) -> None:
        """A request is done."""
        if not request.asked.flag:
            return
        handled = self._handled.pop(request.number)
        handled.ended_s = self._of.now_s
        handled.answer = told
        answer = request.course.answer
        if answer is not None and told == answer.told:
            handled.pause_s = float(answer.headers.get("Retry-After", 0.0))
        self._log(f"{self.model.name} #{request.number} ends: {told}")

    def listed(self, skill: str) -> list[str]:
        """The agents of a skill queue who are signed in and take calls."""
        now_s = self._of.now_s
        return [
            agent
            for agent in self.agents.known()
            if self.agents.has_skill(agent, skill)
            and self.agents.right(agent) == "1"
            and self.agents.session(agent, now_s)
        ]

    def sign_in(self, agent: str) -> None:
        """A session of the agent has begun, with the right that it begins with."""
        self.agents.forget(agent)
        self._set(agent, self.agents.first_right(agent), _SIGN_IN)

    def fail_over(self, began_s: float, share: float) -> None:
        """A failover is over, and so is what some agents were given before."""
        now_s = self._of.now_s
        self._log(f"{self.model.name} has failed over")
        for agent in self.agents.known():
            luck = luck_of(f"{self._seed}:{self.model.name}:{agent}:failover {began_s}")
            if luck[0] < share and self.agents.session(agent, now_s) and self.agents.forget(agent):
                self._set(agent, self.agents.first_right(agent), _FAILOVER)

    def _set(self, agent: str, right: str, number: int) -> None:
        self.agents.give(agent, right)
        self._of.rights.append(RightChange(self.model.name, agent, self._of.now_s, right, number))
        self._log(f"{self.model.name} {agent} has the right {right} by #{number}")

    def _switching(self, now_s: float) -> bool:
        return any(begins <= now_s < begins + lasts for begins, lasts, _ in self.model.failovers)

    def _told(self, asked: Asked) -> Answer:
        if not asked.skill:
            return result({"agentState": IDLE, "isWorking": False})
        # The agent who asks must take calls, too (page 0414).
        if self.agents.right(asked.agent) != "1":
            return retcode(NOT_ALLOWED)
        return result([{"workno": agent} for agent in self.listed(asked.skill)])


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
