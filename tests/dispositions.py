"""Dispositions for tests of rooms that must not know where dispositions come from."""

from bulkagent.model import (
    Absence,
    Attempt,
    Cause,
    Disposition,
    Draws,
    Evidence,
    Health,
    Reach,
    Status,
)

GOOD, UNWELL = Health.GOOD, Health.UNWELL  # unless said otherwise, nothing is said of the far side

DONE = Disposition("done", Reach.ANSWERED, Status.APPLIED, None, health=GOOD)
REFUSED = Disposition("refused", Reach.ANSWERED, Status.REJECTED, Cause.REFUSED, health=GOOD)
BUSY = Disposition("busy", Reach.ANSWERED, Status.FAILED, Cause.OVERLOADED, retries=None)
READY = Disposition(
    "ready",
    Reach.ANSWERED,
    Status.FAILED,
    Cause.SWITCH_OVER,
    retries=1,
    at_once=True,
    health=UNWELL,
)
ODD = Disposition("odd", Reach.ANSWERED, Status.FAILED, Cause.GATEWAY_ERROR, retries=1)
LOST = Disposition("lost", Reach.IN_DOUBT, Status.UNKNOWN, Cause.RESET, retries=None, health=UNWELL)
UNREACHED = Disposition(
    "unreached", Reach.NEVER_SENT, Status.FAILED, Cause.CONNECT, retries=None, health=UNWELL
)
DENIED = Disposition(
    "denied",
    Reach.ANSWERED,
    Status.FAILED,
    Cause.GUID_REFUSED,
    evidence=Evidence.SETUP,
    health=GOOD,
)
STALE = Disposition(
    "stale",
    Reach.ANSWERED,
    Status.FAILED,
    Cause.GUID_REFUSED,
    retries=1,
    at_once=True,
    evidence=Evidence.SETUP,
    health=GOOD,
    draws=Draws.NOTHING,
)
UNTOLD = Disposition(
    "untold",
    Reach.NEVER_SENT,
    Status.FAILED,
    Cause.GUID_SOURCE,
    retries=None,
    draws=Draws.LOOKUPS,
)
STRANGE = Disposition(
    "strange",
    Reach.IN_DOUBT,
    Status.UNKNOWN,
    Cause.BAD_REPLY,
    retries=2,
    evidence=Evidence.SETUP,
    health=UNWELL,
)
ABSENT = Disposition(
    "absent",
    Reach.ANSWERED,
    Status.FAILED,
    Cause.NOT_SIGNED_IN,
    evidence=Evidence.PERSONAL,
    health=GOOD,
    absence=Absence.PERHAPS,
)
NOBODY = Disposition(
    "nobody", Reach.NEVER_SENT, Status.FAILED, Cause.NO_GUID, absence=Absence.PERHAPS
)

ALL = (DONE, REFUSED, BUSY, READY, ODD, LOST, UNREACHED, DENIED, STRANGE, ABSENT, STALE, UNTOLD)


def ended(disposition: Disposition, *, retcode: str = "", message: str = "") -> Attempt:
    """An attempt that ended like that."""
    return Attempt(disposition, sent_at=1, latency_ms=2.0, retcode=retcode, message=message)
