"""A leg of a run as a command carries it out: prepared, agreed to, executed, told."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from bulkagent.cli.commands.refused_reports import goes_on_with, reported
from bulkagent.cli.console.signals import answering, leaving_on_signals
from bulkagent.cli.console.terminal import agreed, not_printed, print_data, say, say_soon
from bulkagent.cli.options.given import Given
from bulkagent.cli.options.progress_mode import Showing

if TYPE_CHECKING:
    from bulkagent.run import Finished, Plan, Run, RunResult


def carry_out(run: Run, opening: Callable[[Plan], str], given: Given) -> int:
    """Prepare a run, ask, execute it and tell what came of it; the exit code.

    Args:
        run: The run.
        opening: What is said of its plan.
        given: How a person is spoken with: `yes`, `override`, `json`, `progress` and `quiet`.
    """
    talk = Talk(
        yes=given["yes"],
        override=given.get("override"),
        as_json=given["json"],
        showing=Showing(given["progress"]),
        quiet=given["quiet"],
    )
    return converse(run, opening, talk).exit_code


class Talk(NamedTuple):
    """How a command speaks with a person."""

    yes: bool
    """Whether a person agreed beforehand."""
    override: str | None
    """Why a guardrail is overridden."""
    as_json: bool
    """Whether the result is data on stdout as well."""
    showing: Showing
    """How the progress is shown."""
    quiet: bool
    """Whether nothing is said of a run that comes to a good end."""


def converse(run: Run, opening: Callable[[Plan], str], talk: Talk) -> RunResult:
    """The same with what a command line says of it read already."""
    from bulkagent.cli.console.event_loop import run_on_loop
    from bulkagent.cli.console.process_age import age_s
    from bulkagent.cli.progress.display import execute

    run.began_ms -= round(age_s() * 1000)
    try:
        with run:
            run.warn = say
            # Until the loop has its own handlers, so that no signal falls between the two.
            with leaving_on_signals():
                plan = _prepared(run, opening, talk)
                try:
                    result = run_on_loop(execute(run, Showing.NONE if talk.quiet else talk.showing))
                except Exception:
                    # A defect: what was sent has a report, and is said before the defect is.
                    if run.finished is not None:
                        _tell(run, plan, run.finished, as_json=talk.as_json)
                    raise
            if run.finished is not None:
                with contextlib.suppress(KeyboardInterrupt):  # all is done but the telling
                    _tell(run, plan, run.finished, as_json=talk.as_json, quiet=talk.quiet)
    finally:
        if run.began:
            reported()
    if run.trouble:
        say(f"WARNING {run.trouble}")
    if run.unprinted:
        not_printed(run.unprinted)
    return result


def _prepared(run: Run, opening: Callable[[Plan], str], talk: Talk) -> Plan:
    """Prepare the run, say what it would do, and have it agreed to."""
    from bulkagent.cli.render import result as screen
    from bulkagent.cli.render import schedule as timing

    with answering(_preparing):
        plan = run.prepare(stdin=sys.stdin.buffer if sys.stdin else None)
        if plan.command == "resume":
            goes_on_with(plan.run_id)
        if not talk.quiet:
            say("\n".join([opening(plan), *timing.opening(run.timetable)]))
        if run.insecure:
            say(_INSECURE)
        _agree(run, plan, yes=talk.yes, override=talk.override)
    if not talk.quiet and (known := screen.begun(plan)):
        run.begun = lambda: say_soon(known)
    return plan


def _preparing() -> str:
    return "the run is being prepared; nothing was sent"


_INSECURE = (
    "WARNING --insecure: any certificate is accepted; whoever can redirect a packet can collect"
    " these agents' GUIDs"
)


def _tell(run: Run, plan: Plan, finished: Finished, *, as_json: bool, quiet: bool = False) -> None:
    from bulkagent.cli.render import result as screen
    from bulkagent.cli.render import schedule as timing

    if as_json:
        print_data(screen.as_json_object(finished.result))
    if quiet and not finished.result.exit_code:
        return
    times = timing.closing(run.finish_by, finished.result, run.ended_ms)
    say(screen.closing(plan, finished, times))


def _agree(run: Run, plan: Plan, *, yes: bool, override: str | None) -> None:
    """Have a person agree where one must, and keep how it was agreed to.

    Raises:
        ConsentRefused: Nobody did.
    """
    from bulkagent.run import Consent

    run.consent = Consent.YES if yes else None
    if plan.guardrail and not override:
        run.agreed = _looked_at(plan)
        if run.agreed:
            run.consent = Consent.TERMINAL
    elif run.needs_consent and not yes:
        _ask(plan)
        run.consent = Consent.TERMINAL


def _ask(plan: Plan) -> None:
    from bulkagent.cli.render import result as screen
    from bulkagent.errors import ConsentRefused

    try:
        agreement = agreed(screen.question(plan), number=plan.to_type)
    except ConsentRefused as refused:
        raise ConsentRefused(str(refused), totals=plan.totals) from None
    if not agreement:
        raise ConsentRefused("not agreed to; nothing was sent", totals=plan.totals)


def _looked_at(plan: Plan) -> bool:
    """Whether a person at a terminal lets a halted run go on; nobody there is no answer."""
    from bulkagent.cli.render import result as screen
    from bulkagent.errors import ConsentRefused

    try:
        agreement = agreed(screen.question(plan), number=plan.to_type)
    except ConsentRefused:
        return False
    if not agreement:
        raise ConsentRefused("not agreed to; nothing was sent", totals=plan.totals)
    return True
