"""A server: it reads requests off its connections, one at a time of each, and takes its time.

It goes on working at a request whatever becomes of the client, as servers do.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import NamedTuple, Protocol

import msgspec

from tests.simulation.surroundings.courses import CONNECTING, Course, course_of
from tests.simulation.surroundings.interface import Answer, Asked, Sent, retcode
from tests.simulation.surroundings.luck import luck_of, normal
from tests.simulation.world import Fault, FaultKind

_LEAST_CONNECT_S = 0.001
_MOST_CONNECT_S = 0.02

_STRAY = retcode("0")


class Line(Protocol):
    """A server's end of a connection."""

    number: int
    """What the server calls it; 0: nothing has come on it yet."""
    waiting: deque[Request]
    """What has come on it and was not read yet."""
    at_work: Request | None
    """The request of it for which the server is at work."""
    strayed: bool
    """Whether a reply too many has come on it."""

    def answer(self, answer: Answer) -> None:
        """Send a whole reply; in vain where the client hung up."""

    def reset(self) -> None:
        """End it."""


class Request(msgspec.Struct):
    """One request, with its luck."""

    asked: Asked
    process: int
    luck: float
    share: float
    """Whether faults that hit a part of all requests hit it."""
    connect_s: float
    """What a connection for it takes."""
    part: float
    takes_s: float
    course: Course = Course(0.0)
    line: Line | None = None
    number: int = 0
    own: Answer | None = None
    """The server's own answer, once it has done what it does."""


class Site(Protocol):
    """What a server is there for."""

    def read(self, sent: Sent) -> Asked:
        """What a request asks for.

        Raises:
            NotTheInterface: It is none that anybody may send.
        """

    def begins(self, request: Request) -> None:
        """The server has read it."""

    def does(self, request: Request) -> Answer:
        """Do it."""

    def strayed(self, request: Request) -> None:
        """A reply too many has come on its connection, while the server is at work for it."""

    def ends(self, request: Request, told: str) -> None:
        """The server is done with it, and has said this."""


class Pace(NamedTuple):
    """How fast a server is."""

    latency_s: float
    """The median."""
    spread: float
    """The sigma of the lognormal distribution."""


class _Trouble(NamedTuple):
    """A fault with a number by which its share is drawn apart from those of others."""

    fault: Fault
    apart: float


class Server:
    """One server.

    Args:
        name: Its name, by which its luck is drawn.
        site: What it is there for.
        pace: How fast it is.
        faults: All that is ever wrong with it.
        seed: The morning's.
        loop: The loop, of which only the timers are used.
        began_s: The loop's time at which the morning began.
    """

    def __init__(
        self,
        name: str,
        site: Site,
        pace: Pace,
        faults: Sequence[Fault],
        *,
        seed: int,
        loop: asyncio.AbstractEventLoop,
        began_s: float,
    ) -> None:
        self.name = name
        self.in_work = 0
        """How many requests it is at work for."""
        self.most_in_work = 0
        self._site = site
        self._pace = pace
        self._faults = [_Trouble(fault, _apart(fault)) for fault in faults]
        self._seed = seed
        self._loop = loop
        self._began_s = began_s
        self._lines = 0
        self._of_agents: Counter[str] = Counter()
        # Its timers run for no process, so none of them ends with one.
        self._context = Context()

    @property
    def now_s(self) -> float:
        """Seconds since the morning began."""
        return self._loop.time() - self._began_s

    def request(self, sent: Sent, process: int) -> Request:
        """Look at a request before there is a connection for it.

        Raises:
            NotTheInterface: It is none that anybody may send.
        """
        return self._drawn(self._site.read(sent), process)

    def knock(self, process: int) -> Request:
        """A request that will never be sent, for a connection alone."""
        return self._drawn(Asked("", ""), process)

    def connecting(self, request: Request) -> FaultKind | None:
        """What is wrong with a connection for this request now."""
        return next(
            (fault.kind for fault in self._holding(request) if fault.kind in CONNECTING), None
        )

    def sent(self, request: Request, line: Line, way_s: float) -> None:
        """A request is on its way; it arrives whatever becomes of its sender."""
        self._after(way_s, self.arrived, request, line)

    def arrived(self, request: Request, line: Line) -> None:
        """A request has come on a connection."""
        request.line = line
        if not line.number:
            self._lines += 1
            line.number = self._lines
        if line.at_work is not None:
            line.waiting.append(request)
        else:
            self._begin(request, line)

    def _drawn(self, asked: Asked, process: int) -> Request:
        # Each agent's requests have luck of their own: without the others it is the same.
        self._of_agents[asked.agent] += 1
        nth = self._of_agents[asked.agent]
        luck, share, connecting, part, pace, _ = luck_of(
            f"{self._seed}:{self.name}:{asked.agent}:{nth}"
        )
        median, spread = self._pace
        return Request(
            asked,
            process,
            luck=luck,
            share=share,
            connect_s=_LEAST_CONNECT_S + connecting * _MOST_CONNECT_S,
            part=0.5 + part / 2,
            takes_s=median * math.exp(spread * normal(pace)),
        )

    def _holding(self, request: Request) -> list[Fault]:
        if not self._faults:
            return []
        now_s, agent, share = self.now_s, request.asked.agent, request.share
        return [
            fault
            for fault, apart in self._faults
            if fault.begins_s <= now_s < fault.ends_s
            and (not fault.agents or agent in fault.agents)
            and (share + apart) % 1.0 < fault.share
        ]

    def _begin(self, request: Request, line: Line) -> None:
        line.at_work = request
        ordinary = Course(request.takes_s, request.part)
        course = ordinary
        if faults := self._holding(request):
            course = course_of(ordinary, faults, request.luck)
        request.course = course
        self.in_work += 1
        self.most_in_work = max(self.most_in_work, self.in_work)
        self._site.begins(request)
        if course.reset_s is not None:
            self._after(course.reset_s, line.reset)
        if course.effective and course.part < 1.0:
            self._after(course.takes_s * course.part, self._do, request)
        self._after(course.takes_s, self._end, request, line)

    def _do(self, request: Request) -> None:
        request.own = self._site.does(request)

    def _end(self, request: Request, line: Line) -> None:
        course = request.course
        if course.effective and request.own is None:
            self._do(request)
        self.in_work -= 1
        answer = None if course.silent else course.answer or request.own
        if answer is None and course.stray_s is not None:
            self._site.strayed(request)  # it stands for the answer
        told = answer.told if answer else "nothing" if course.reset_s is None else "reset"
        self._site.ends(request, told)
        line.at_work = None
        if answer is not None:
            line.answer(answer)
        if course.stray_s == 0.0:
            self._stray(line)
        elif course.stray_s is not None:
            self._after(course.stray_s, self._stray, line)
        if line.waiting:
            self._begin(line.waiting.popleft(), line)

    def _stray(self, line: Line) -> None:
        line.strayed = True
        line.answer(_STRAY)
        if line.at_work is not None:
            self._site.strayed(line.at_work)

    def _after(self, seconds: float, call: Callable[..., object], *arguments: object) -> None:
        at = self._loop.time() + seconds
        self._loop.call_at(at, call, *arguments, context=self._context)


def _apart(fault: Fault) -> float:
    """The same for the same fault, also in a smaller world where it holds for less long."""
    return zlib.crc32(f"{fault.kind.value}:{fault.code}".encode()) / 2**32
