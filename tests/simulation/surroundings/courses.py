"""The course of a request at a server, and what each kind of fault makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from tests.simulation.surroundings.interface import Answer, page, retcode
from tests.simulation.world import Fault, FaultKind

replace = msgspec.structs.replace

_HALF = 0.5


class Course(msgspec.Struct, frozen=True):
    """What is going to happen to a request, in seconds after its arrival."""

    takes_s: float
    """When the server is done with it."""
    part: float = 1.0
    """After which part of that the effect comes."""
    effective: bool = True
    """Whether the server does what it is asked for, if it finds nothing against it."""
    answer: Answer | None = None
    """In place of the server's own."""
    silent: bool = False
    """Whether there is none."""
    reset_s: float | None = None
    """When the connection ends."""
    stray_s: float | None = None
    """So long after the answer another one comes."""


Changing = Callable[[Course, Fault, float], Course]
"""From a course, a fault that holds, and luck between 0 and 1."""


def _refuses(course: Course, fault: Fault, _luck: float) -> Course:
    return replace(course, effective=False, answer=retcode(fault.code))


def _status(course: Course, fault: Fault, luck: float) -> Course:
    # A balancer that answers for a server that fails does not know what that has done.
    done = course.effective and fault.code.startswith("5") and luck < _HALF
    more = {"Retry-After": f"{fault.seconds:.0f}"} if fault.seconds > 0.0 else {}
    body = f"<html><body>{fault.code}</body></html>".encode()
    answer = page(int(fault.code), f"http {fault.code}", body, more)
    return replace(course, effective=done, answer=answer)


def _garbage(course: Course, fault: Fault, luck: float) -> Course:
    done = course.effective and luck < _HALF
    return replace(course, effective=done, answer=page(200, "garbage", fault.code.encode()))


def _reset_before(course: Course, _fault: Fault, _luck: float) -> Course:
    return replace(course, effective=False, silent=True, reset_s=course.takes_s)


def _reset_after(course: Course, fault: Fault, _luck: float) -> Course:
    return replace(
        course, takes_s=course.takes_s + fault.seconds, part=1.0, silent=True, reset_s=0.0
    )


def _lost_request(course: Course, _fault: Fault, _luck: float) -> Course:
    return replace(course, takes_s=0.0, effective=False, silent=True)


def _lost_answer(course: Course, _fault: Fault, _luck: float) -> Course:
    return replace(course, silent=True)


def _slow(course: Course, fault: Fault, _luck: float) -> Course:
    return replace(course, takes_s=course.takes_s + fault.seconds, part=1.0)


def _stray(course: Course, fault: Fault, _luck: float) -> Course:
    return replace(course, stray_s=fault.seconds)


CHANGES: Mapping[FaultKind, Changing] = {
    FaultKind.REFUSES: _refuses,
    FaultKind.STATUS: _status,
    FaultKind.GARBAGE: _garbage,
    FaultKind.SLOW: _slow,
    FaultKind.STRAY: _stray,
    FaultKind.LOST_ANSWER: _lost_answer,
    FaultKind.RESET_BEFORE: _reset_before,
    FaultKind.RESET_AFTER: _reset_after,
    FaultKind.LOST_REQUEST: _lost_request,
}
"""In the order in which they change a course, where several hold."""

CONNECTING = frozenset({FaultKind.REFUSED, FaultKind.BLACKHOLE, FaultKind.NO_NAME, FaultKind.TLS})
"""Those of connections, before there is any request."""


def course_of(ordinary: Course, faults: Iterable[Fault], luck: float) -> Course:
    """What becomes of a request while these faults hold for it."""
    held = {fault.kind: fault for fault in faults}
    course = ordinary
    for kind, change in CHANGES.items():
        if kind in held:
            course = change(course, held[kind], luck)
    return course
