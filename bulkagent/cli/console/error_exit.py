"""How a command ends when something goes wrong: a sentence and an exit code.

What may live here: what an error prints, and where a defect's traceback is kept. What this
room must not know: what the command did.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from bulkagent.cli.console.defects import tell_defect
from bulkagent.cli.console.refused_reports import replace_reports
from bulkagent.cli.console.terminal import forget_printed, print_data, say
from bulkagent.cli.options.idle import refuse_idle
from bulkagent.cli.options.origins import with_variables

if TYPE_CHECKING:
    from bulkagent.errors import BulkagentError

__all__ = ["SIGNALS", "explained", "leaving_on_signals", "tell_refusal"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that end a command, before the first request at once and later by draining."""


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
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        say("bulkagent: interrupted")
        replace_reports("interrupted; nothing was sent", 130)
        raise typer.Exit(130) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as defect:  # noqa: BLE001 - the last resort of every command
        tell_defect(defect, as_json=bool(as_json))
        replace_reports("a defect in bulkagent, before anything was sent", 1)
        raise typer.Exit(1) from None


@contextlib.contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Leave at once on a signal, by way of everything that has to be put back.

    For the time before anything is sent; an ignored signal stays ignored.
    """
    from bulkagent.errors import Interrupted

    def leave(number: int, _frame: object) -> None:
        raise Interrupted("interrupted; nothing was sent", signal=number)

    before = {
        number: signal.signal(number, leave)
        for number in SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is leave:  # else somebody has taken over
                signal.signal(number, handler)


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
    replace_reports(str(error), error.exit_code)


def _print_refusal(error: BulkagentError, *, as_json: bool | None) -> None:
    from bulkagent.cli.render.result import as_json_object, bad_rows
    from bulkagent.errors import Refused, RosterRefused
    from bulkagent.run import RunResult, planned_totals

    bad = error.bad_rows if isinstance(error, RosterRefused) else ()
    rows = bad_rows(bad, listed=as_json is not None)
    told = with_variables(str(error)) if error.exit_code == Refused.exit_code else str(error)
    say("\n".join([*rows, f"bulkagent: {told}"]))
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
