"""A leg of a run as a command carries it out: prepared, agreed to, executed, told."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bulkagent.cli.commands.refused_reports import goes_on_with, reported
from bulkagent.cli.console.signals import answering, leaving_on_signals
from bulkagent.cli.console.terminal import (
    TypedAnswer,
    answer_to,
    has_terminal,
    not_printed,
    print_data,
    say,
    say_soon,
)
from bulkagent.cli.options.given import Given
from bulkagent.cli.options.progress_mode import Showing

if TYPE_CHECKING:
    from bulkagent.run import Consent, Finished, Plan, PreparedRun, Run, RunResult
    from bulkagent.run.beside import RunBeside


def carry_out(run: Run, opening: Callable[[Plan], str], given: Given) -> int:
    """Prepare a run, ask, execute it and tell what came of it; the exit code.

    Args:
        run: The run.
        opening: What is said of its plan.
        given: How a person is spoken with: `yes`, `override`, `json`, `progress` and `quiet`.
    """
    from bulkagent.cli.options import values

    talk = Talk(
        yes=given["yes"],
        override=given.get("override"),
        as_json=given["json"],
        showing=Showing(given["progress"]),
        quiet=given["quiet"],
        zone=values.zone_of(given),
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
    zone: str = ""
    """The time zone in which times are said; "" for the machine's."""


def converse(run: Run, opening: Callable[[Plan], str], talk: Talk) -> RunResult:
    """The same with what a command line says of it read already."""
    from bulkagent.cli.console.event_loop import run_on_loop
    from bulkagent.cli.console.process_age import age_s
    from bulkagent.cli.progress.display import execute

    run.began_ms -= round(age_s() * 1000)
    with run:
        run.warn = say
        # Until the loop has its own handlers, so that no signal falls between the two.
        with leaving_on_signals():
            prepared = _prepared(run)
            try:
                with answering(_preparing):
                    agreement = _agreed(prepared, opening, talk)
                showing = Showing.NONE if talk.quiet else talk.showing
                finished = run_on_loop(
                    execute(
                        prepared, showing, consent=agreement.consent, answered=agreement.answered
                    )
                )
            finally:
                if prepared.may_send:
                    reported()
            if finished.defect is not None:
                # What was sent has a report, and is said before the defect is.
                _tell(prepared, finished, talk._replace(quiet=False))
                raise finished.defect
        with contextlib.suppress(KeyboardInterrupt):  # all is done but the telling
            _tell(prepared, finished, talk)
    if prepared.trouble:
        say(f"WARNING {prepared.trouble}")
    if prepared.unprinted:
        not_printed(prepared.unprinted)
    return finished.result


class _Agreement(NamedTuple):
    """How a plan was agreed to."""

    consent: Consent | None
    """None: it needed nobody's."""
    answered: bool = False
    """Whether a person has looked at its guardrail, and agreed."""


def _prepared(run: Run) -> PreparedRun:
    with answering(_preparing):
        return run.prepare(stdin=sys.stdin.buffer if sys.stdin else None)


def _agreed(prepared: PreparedRun, opening: Callable[[Plan], str], talk: Talk) -> _Agreement:
    """Say what a run would do, and have it agreed to."""
    from bulkagent.cli.render import preview as screen
    from bulkagent.cli.render import schedule as timing
    from bulkagent.run import Consent

    plan = prepared.plan
    if plan.command == "resume":
        goes_on_with(plan.run_id)
    asks = _asks(prepared, talk)
    beside = prepared.beside(Consent.TERMINAL if asks else Consent.YES)
    if not talk.quiet:
        in_use = screen.in_use(beside.runs, asks=asks)
        say("\n".join([opening(plan), *in_use, *timing.opening(prepared.timetable)]))
    if prepared.insecure:
        from bulkagent.cli.render.insecure_warning import insecure_warning

        say(insecure_warning("GUIDs"))
    if beside.refused is not None and asks and has_terminal():
        raise beside.refused
    agreement = _agreement(prepared, talk, beside.runs)
    if not talk.quiet and (known := screen.begun(plan)):
        prepared.begun = lambda: say_soon(known)
    return agreement


def _preparing() -> str:
    return "the run is being prepared; nothing was sent"


def _tell(run: PreparedRun, finished: Finished, talk: Talk) -> None:
    from bulkagent.cli.render import result as screen
    from bulkagent.cli.render import schedule as timing

    if talk.as_json:
        print_data(screen.as_json_object(finished.result))
    if talk.quiet and not finished.result.exit_code and not run.plan.set_otherwise:
        return
    times = timing.closing(run.finish_by, finished.result, finished.ended_ms)
    say(screen.closing(run.plan, finished, times, talk.zone, opened=not talk.quiet))


def _asks(prepared: PreparedRun, talk: Talk) -> bool:
    """Whether a person is asked before anything is sent."""
    if prepared.plan.guardrail and not talk.override:
        return True
    return prepared.needs_consent and not talk.yes


def _agreement(prepared: PreparedRun, talk: Talk, runs: Sequence[RunBeside]) -> _Agreement:
    """Have a person agree where one must.

    Raises:
        ConsentRefused: Nobody did.
    """
    from bulkagent.cli.render.preview import question
    from bulkagent.clock import SystemClock
    from bulkagent.errors import ConsentRefused
    from bulkagent.run import Consent

    plan = prepared.plan
    beforehand = Consent.YES if talk.yes else None
    if not _asks(prepared, talk):
        return _Agreement(beforehand)
    looked_at = bool(plan.guardrail and not talk.override)
    try:
        asked = question(plan, SystemClock().wall_ms(), talk.zone, runs)
        answer = answer_to(asked, number=plan.to_type)
    except ConsentRefused as refused:
        if looked_at:  # nobody there is no answer
            return _Agreement(beforehand)
        raise ConsentRefused(str(refused), totals=plan.totals) from None
    if not answer.agreed:
        raise ConsentRefused(_not_agreed(answer, plan.to_type), totals=plan.totals)
    return _Agreement(Consent.TERMINAL, looked_at)


def _not_agreed(answer: TypedAnswer, number: int) -> str:
    """Why an answer does not agree."""
    if not number or answer.typed.lower() in _NO:
        return "not agreed to; nothing was sent"
    return (
        f"you typed {answer.typed[:_LONGEST_SHOWN]!r} where the number {number} was wanted, so"
        " nothing was sent; type the command again"
    )


_NO = frozenset({"", "n", "no"})
_LONGEST_SHOWN = 20
