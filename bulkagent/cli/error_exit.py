"""How a command ends when something goes wrong: a sentence and an exit code.

What is said of a defect comes out also where there is no memory, no home and nobody to hear.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from bulkagent.cli.console import defects, terminal
from bulkagent.cli.console.terminal import forget_printed, print_data, say
from bulkagent.cli.options.origins import with_variables
from bulkagent.cli.options.without_effect import refuse_idle

if TYPE_CHECKING:
    from bulkagent.errors import BulkagentError


@contextlib.contextmanager
def explained(*, as_json: bool | None = None) -> Iterator[None]:
    """Turn what a command raises into a sentence and an exit code, never a traceback.

    Args:
        as_json: Whether a refusal is data on stdout as well; None: the command has no such option.
    """
    from bulkagent.errors import BulkagentError

    forget_printed()
    try:
        refuse_idle()
        yield
    except BulkagentError as error:
        tell_refusal(error, as_json=as_json)
        raise click.exceptions.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        say("bulkagent: interrupted")
        _replace_reports("interrupted; nothing was sent", 130)
        raise click.exceptions.Exit(130) from None
    except (click.exceptions.Exit, click.Abort):
        raise
    except Exception as defect:  # noqa: BLE001 - the last resort of every command
        tell_defect(defect, as_json=bool(as_json))
        _replace_reports("a defect in bulkagent, before anything was sent", 1)
        raise click.exceptions.Exit(1) from None


def tell_refusal(error: BulkagentError, *, as_json: bool | None) -> None:
    """Tell a refusal, and have no report stand that could be taken for one of this command.

    Args:
        error: Why.
        as_json: Whether it is data on stdout as well; None: the command has no such option.
    """
    try:
        _print_refusal(error, as_json=as_json)
    except Exception as defect:  # noqa: BLE001 - the one who waits for an answer gets one
        tell_defect(defect, as_json=bool(as_json))
    _replace_reports(str(error), error.exit_code)


def _replace_reports(error: str, exit_code: int) -> None:
    from bulkagent.cli.commands.refused_reports import replace_reports

    replace_reports(error, exit_code)


def _print_refusal(error: BulkagentError, *, as_json: bool | None) -> None:
    from bulkagent.cli.render.preview import bad_rows
    from bulkagent.cli.render.result import as_json_object
    from bulkagent.errors import Refused, RosterRefused
    from bulkagent.guide import topic_for_error
    from bulkagent.run import RunResult, planned_totals

    bad = error.bad_rows if isinstance(error, RosterRefused) else ()
    rows = bad_rows(bad, listed=as_json is not None)
    told = with_variables(str(error)) if error.exit_code == Refused.exit_code else str(error)
    topic = "" if _GUIDE in told else topic_for_error(error)
    more = [f"more    {_GUIDE} {topic}"] if topic else []
    say("\n".join([*rows, f"bulkagent: {told}", *more]))
    if not as_json:
        return
    totals = (error.totals if isinstance(error, Refused) else None) or planned_totals()
    print_data(
        as_json_object(
            RunResult(
                run_id=None,
                state="refused",
                exit_code=error.exit_code,
                rows=sum(totals.values()),
                totals=totals,
                causes={"bad_row": len(bad)} if bad else {},
                error=told,
                errors=bad,
            )
        )
    )


_GUIDE = "bulkagent guide"

# Ready beforehand, for where there is no memory to make it.
_LAST_WORDS = (
    b'{"run_id":null,"state":"interrupted","exit_code":1,"rows":0,"totals":{"applied":0,'
    b'"rejected":0,"failed":0,"unknown":0,"not_attempted":0,"invalid":0,"duplicate":0},'
    b'"causes":{},"requests":0,"retries":0,"not_sent":0,"elapsed_s":0.0,"reports":[],"next":null,'
    b'"error":"a defect in bulkagent; what was sent is in the ledger"}'
)


def tell_defect(defect: BaseException, *, as_json: bool) -> None:
    """Say that a defect ended the command, and keep its traceback; never raises.

    Args:
        defect: What was raised.
        as_json: Whether one JSON object is expected on stdout; it is not printed twice.
    """
    innermost = _innermost(defect)
    if isinstance(innermost, MemoryError):
        # What filled the memory is held by the frames of the traceback.
        _let_go(defect)
    name = type(innermost).__name__
    try:
        told = f"a defect in bulkagent: {name}. {defects.recorded(defect)}"
    except Exception:  # noqa: BLE001 - nothing may come after the last words
        told = f"a defect in bulkagent: {name}. Its traceback could not be kept."
    try:
        terminal.say(f"bulkagent: {told}")
    except Exception:  # noqa: BLE001
        _written(2, b"bulkagent: a defect in bulkagent\n")
    if as_json and not terminal.printed():
        _data(f"a defect in bulkagent: {name}; the ledger has all that was sent")


def _data(error: str) -> None:
    try:
        from bulkagent.cli.render.result import as_json_object
        from bulkagent.run import RunResult, planned_totals

        terminal.print_data(
            as_json_object(
                RunResult(
                    run_id=None,
                    state="interrupted",
                    exit_code=1,
                    rows=0,
                    totals=planned_totals(),
                    causes={},
                    error=error,
                )
            )
        )
    except Exception:  # noqa: BLE001
        terminal.print_data(_LAST_WORDS.decode())


def _written(number: int, text: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(number, text)


def _innermost(defect: BaseException) -> BaseException:
    while isinstance(defect, BaseExceptionGroup):
        defect = defect.exceptions[0]
    return defect


def _let_go(defect: BaseException) -> None:
    import traceback

    left: list[BaseException] = [defect]
    while left:
        each = left.pop()
        traceback.clear_frames(each.__traceback__)
        if isinstance(each, BaseExceptionGroup):
            left.extend(each.exceptions)
