"""A hold as a command carries it out: prepared, agreed to, run under signals, told."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bulkagent.blocking import in_thread
from bulkagent.cli.console.event_loop import run_on_loop
from bulkagent.cli.console.session_event_loop import hold_loop, refuse_without_temporary_folder
from bulkagent.cli.console.signals import SIGNALS, answering, leaving_on_signals
from bulkagent.cli.console.terminal import agreed, say, say_soon
from bulkagent.cli.render import sessions as hold_screen
from bulkagent.clock import SystemClock
from bulkagent.errors import ConsentRefused, SettingsRefused
from bulkagent.run.clients.open_files import make_room
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.plan.path_conflicts import same_file
from bulkagent.sessions import Hold, HoldPlan, HoldRequest, HoldStatus

if TYPE_CHECKING:
    from bulkagent.run.clients.gateways import Gateways

_NOT_UP, _A_PERSON_MUST_LOOK = 3, 6


def carry_out(request: HoldRequest, gateways: Gateways, *, log_file: Path | None, yes: bool) -> int:
    """Prepare a hold, ask, hold, and tell what is left; returns the exit code."""
    _refuse_files(request, gateways, log_file)
    refuse_without_temporary_folder()
    with (
        EventLog(log_file, SystemClock()) as log,
        Hold(request, log=log.decided if log.wanted else None) as hold,
    ):
        with leaving_on_signals(), answering(_preparing):
            plan = hold.prepare(stdin=sys.stdin.buffer if sys.stdin else None)
            gateways.check(plan.agents)
            make_room(
                sum(plan.agents.values()) + request.policy.sign_in.at_once,
                fewer="hold fewer agents in one process",
            )
            say(hold_screen.opening(request, plan))
            if gateways.insecure:
                from bulkagent.cli.render.insecure_warning import insecure_warning

                say(insecure_warning("passwords"))
            _ask(request, plan, yes=yes)
            hold.agreed = True
            # Still under those: no signal falls between them and the loop's own.
            received: list[int] = []
            run_on_loop(_held(hold, received), hold_loop)
        status = hold.status()
        say(hold_screen.closing(request, status, hold.groups(), interrupted=bool(received)))
    if log.trouble:
        say(f"WARNING {log.trouble}")
    if received:
        return 128 + received[0]
    return _A_PERSON_MUST_LOOK if status.stopped else _NOT_UP


def _preparing() -> str:
    return "the hold is being prepared; nothing was sent"


def _refuse_files(request: HoldRequest, gateways: Gateways, log_file: Path | None) -> None:
    in_use = [*gateways.files, *([log_file] if log_file else [])]
    if any(same_file(request.sessions, other) for other in in_use):
        raise SettingsRefused(
            f"the sessions file {request.sessions} would replace a file that is in use; give"
            " another path with --sessions"
        )


def _ask(request: HoldRequest, plan: HoldPlan, *, yes: bool) -> None:
    if request.policy.sign_in.force and plan.may_be_signed_in:
        try:
            agreement = agreed(hold_screen.force_question(plan))
        except ConsentRefused:
            raise ConsentRefused(
                "nothing was sent: --force-sign-in needs a person at a terminal, and --yes does"
                " not answer for one"
            ) from None
        if not agreement:
            raise ConsentRefused("not agreed to; nothing was sent")
    if yes or not plan.may_be_signed_in:
        return
    if not agreed(hold_screen.question(request, plan)):
        raise ConsentRefused("not agreed to; nothing was sent")


async def _held(hold: Hold, received: list[int]) -> None:
    from anyio import CancelScope

    telling = _Telling(hold.status)
    try:
        with _signals(hold, telling, received):
            telling.start()
            await hold.run()
    finally:
        with CancelScope(shield=True):
            await in_thread(telling.end)


@contextmanager
def _signals(hold: Hold, telling: _Telling, received: list[int]) -> Iterator[None]:
    """The first signal saves and leaves, the second waits for no sign-in any more."""
    loop = asyncio.get_running_loop()

    def obey(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            telling.announce("stopping: sign-ins in flight may finish; once more to cut them off")
            hold.stop()
        else:
            hold.cut()

    # What somebody upstream has set to be ignored, as nohup does with hangups, stays ignored.
    obeyed = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in obeyed:
        loop.add_signal_handler(number, obey, number)
    try:
        with answering(telling.status):
            yield
    finally:
        for number in obeyed:
            loop.remove_signal_handler(number)


_LOOK_EVERY_S = 2.0
_UNCHANGED_EVERY_S = 60.0
_LAST_WORD_S = 1.0


class _Telling(threading.Thread):
    """Says how the hold stands when that changes, and once a minute.

    From a thread of its own: a terminal that takes no more text must not stop the polling.
    """

    def __init__(self, read: Callable[[], HoldStatus]) -> None:
        super().__init__(name="bulkagent-telling", daemon=True)
        self._read = read
        self._ending = threading.Event()

    def announce(self, text: str) -> None:
        """Say something at once, from any thread."""
        say_soon(text)

    def status(self) -> str:
        """How it stands, for somebody who asks."""
        return hold_screen.status(self._read())

    def end(self) -> None:
        """Stop; a terminal that takes nothing is not waited for."""
        self._ending.set()
        if self.is_alive():  # a signal may have come before it was started
            self.join(_LAST_WORD_S)

    def run(self) -> None:
        """Tell until the end."""
        told: tuple[object, ...] = ()
        told_at = 0.0
        while not self._ending.wait(_LOOK_EVERY_S):
            status = self._read()
            facts = (tuple(status.counts.items()), status.stopped, status.unsaved)
            if facts != told or time.monotonic() - told_at >= _UNCHANGED_EVERY_S:
                told, told_at = facts, time.monotonic()
                say(hold_screen.line(status, dt.datetime.now().astimezone()))
