"""How a defect is told: a sentence, where its traceback is, and data where data was asked for.

What may live here: the last words of a command, which never fail themselves, also where there is
no memory, no home and nobody to hear. What this room must not know: what the command did.
"""

from __future__ import annotations

import contextlib
import os
import traceback

from bulkagent.cli.console import terminal

__all__ = ["recorded", "tell_defect"]

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
        told = f"a defect in bulkagent: {name}. {recorded(defect)}"
    except Exception:  # noqa: BLE001 - nothing may come after the last words
        told = f"a defect in bulkagent: {name}. Its traceback could not be kept."
    try:
        terminal.say(f"bulkagent: {told}")
    except Exception:  # noqa: BLE001
        _written(2, b"bulkagent: a defect in bulkagent\n")
    if as_json and not terminal.printed():
        _data(f"a defect in bulkagent: {name}; what was sent is in the ledger")


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
    left: list[BaseException] = [defect]
    while left:
        each = left.pop()
        traceback.clear_frames(each.__traceback__)
        if isinstance(each, BaseExceptionGroup):
            left.extend(each.exceptions)


def recorded(defect: BaseException) -> str:
    """Keep the traceback, without the values in it, where it can be sent from; a sentence."""
    import time

    from bulkagent.errors import BulkagentError
    from bulkagent.gateway.reply import without_secrets
    from bulkagent.ledger import default_path
    from bulkagent.reports import printable

    lines = "".join(traceback.format_exception(defect)).split("\n")
    text = without_secrets("\n".join(map(printable, lines)))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        log = default_path().with_name("defects.log")
    except BulkagentError:
        return f"Its traceback could not be kept, for this user has no home folder:\n{text}"
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"--- {stamp}\n{text}\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return f"Its traceback could not be kept ({log}: {reason}):\n{text}"
    return f"What was sent is in the ledger. Please report it with its traceback, in {log}"
