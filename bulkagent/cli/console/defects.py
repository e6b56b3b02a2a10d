"""Where the traceback of a defect is kept."""

from __future__ import annotations

import os


def recorded(defect: BaseException) -> str:
    """Keep the traceback, without the values in it, where it can be sent from; a sentence."""
    import time
    import traceback

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
    return f"The ledger has all that was sent. Please report it with its traceback, in {log}"
