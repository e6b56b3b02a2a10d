"""`bulkagent doctor --pilot`: asked, flown, told.

What may live here: the question, and the flight as text. What this room must not know: what a
flight does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.cli.terminal import agreed, print_data, say

if TYPE_CHECKING:
    from bulkagent.examining.pilot import Flight, Step
    from bulkagent.run import Request

__all__ = ["fly"]


def fly(request: Request, agent: str, *, yes: bool, as_json: bool) -> int:
    """Ask, set a test agent to 0 and to 1, and tell what that showed; the exit code.

    Raises:
        ConsentRefused: Nobody agreed.
        BulkagentError: It cannot be done as asked.
    """
    import asyncio

    import msgspec

    from bulkagent.clock import SystemClock
    from bulkagent.errors import ConsentRefused
    from bulkagent.examining.pilot import pilot, settings_to_paste
    from bulkagent.run import EMULATED

    if not yes and request.gateway != EMULATED:
        question = (
            f"agent {agent} on {request.gateway} will STOP taking calls for some seconds, and will"
            " TAKE calls in the end. Go on?"
        )
        if not agreed(question):
            raise ConsentRefused("not agreed to; nothing was sent")
    flight = asyncio.run(pilot(request, agent, SystemClock()))
    pasted = "\n".join(settings_to_paste(flight))
    if as_json:
        told = {**msgspec.to_builtins(flight), "left_on": flight.left_on, "settings": pasted}
        print_data(msgspec.json.encode(told).decode())
    else:
        for step in flight.steps:
            say(_told(flight, step))
        print_data(pasted)
    if not flight.left_on:
        last = flight.steps[-1]
        say(
            f"WARNING agent {agent} may have been LEFT without calls ({last.status}"
            f" {last.cause}); set the agent to 1 with a roster of your own"
        )
    return next((step.result.exit_code for step in flight.steps if step.result.exit_code), 0)


def _told(flight: Flight, step: Step) -> str:
    cause = f", {step.cause}" if step.cause else ""
    seen = f"; seen in the skill queue: {step.seen}" if step.seen else ""
    return f"pilot   agent {flight.agent} to {step.flag}: {step.status}{cause}{seen}"
