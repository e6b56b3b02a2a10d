"""`bulkagent doctor --pilot`: asked, flown, told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.cli.console.signals import SIGNALS
from bulkagent.cli.console.terminal import agreed, print_data, print_json, say

if TYPE_CHECKING:
    from bulkagent.diagnostics import CheckRequest
    from bulkagent.diagnostics.pilot import PilotReport, PilotStep


def carry_out_pilot(asked: CheckRequest, *, yes: bool, as_json: bool) -> int:
    """Ask, set a test agent to 0 and to 1, and tell what that showed; the exit code.

    Raises:
        ConsentRefused: Nobody agreed.
        BulkagentError: It cannot be done as asked.
    """
    if not yes:
        _ask(asked)
    report, stopped_by = _run(asked, yes=yes)
    _tell(report, as_json=as_json)
    if not report.left_on:
        last = report.steps[-1]
        say(
            f"WARNING agent {asked.agent} may have been LEFT without calls ({last.status}"
            f" {last.cause}); set the agent to 1 with a roster of your own"
        )
    elif stopped_by:
        say(f"stopped; agent {asked.agent} has been set to 1")
    codes = [128 + stopped_by] if stopped_by else [step.result.exit_code for step in report.steps]
    return next((code for code in codes if code), 0)


def _ask(asked: CheckRequest) -> None:
    from bulkagent.errors import ConsentRefused

    effect = (
        f"agent {asked.agent} on {asked.target.gateway} will STOP taking calls for some seconds,"
        " and will TAKE calls in the end. "
    )
    if not asked.target.emulated and not agreed(effect):
        raise ConsentRefused("not agreed to; nothing was sent")


def _run(asked: CheckRequest, *, yes: bool) -> tuple[PilotReport, int]:
    """What was seen, and the number of the signal that stopped it; 0 where none came."""
    import asyncio

    import anyio

    from bulkagent.cli.console.event_loop import run_on_loop
    from bulkagent.clock import SystemClock
    from bulkagent.diagnostics.pilot import run_pilot
    from bulkagent.run import Consent

    signals: list[int] = []

    async def run() -> PilotReport:
        stop = anyio.CancelScope()

        def stopped(number: int) -> None:
            if not signals:
                say(f"stopping: agent {asked.agent} is set to 1 first")
                stop.cancel()
            signals.append(number)

        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, stopped, number)
        consent = Consent.YES if yes else Consent.TERMINAL
        return await run_pilot(asked, SystemClock(), stop, consent=consent)

    report = run_on_loop(run())
    return report, signals[0] if signals else 0


def _tell(report: PilotReport, *, as_json: bool) -> None:
    import msgspec

    from bulkagent.diagnostics.pilot import settings_to_paste

    pasted = "\n".join(settings_to_paste(report))
    if as_json:
        told = {**msgspec.to_builtins(report), "left_on": report.left_on, "settings": pasted}
        print_json(told)
        return
    for step in report.steps:
        say(_line(report, step))
    print_data(pasted)


def _line(report: PilotReport, step: PilotStep) -> str:
    cause = f", {step.cause}" if step.cause else ""
    seen = f"; seen in the skill queue: {step.seen}" if step.seen else ""
    return f"pilot   agent {report.agent} to {step.flag}: {step.status}{cause}{seen}"
