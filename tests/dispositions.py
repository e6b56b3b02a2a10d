"""Dispositions for tests of rooms that must not know where dispositions come from."""

from bulkagent.attempt import Attempt
from bulkagent.model import (
    Absence,
    Cause,
    Delivery,
    Disposition,
    Evidence,
    Health,
    RetryCharge,
    Status,
)

GOOD, UNWELL = Health.GOOD, Health.UNWELL  # unless said otherwise, nothing is said of the upstream

DONE = Disposition("done", Delivery.ANSWERED, Status.APPLIED, None, health=GOOD)
REFUSED = Disposition("refused", Delivery.ANSWERED, Status.REJECTED, Cause.REFUSED, health=GOOD)
BUSY = Disposition("busy", Delivery.ANSWERED, Status.FAILED, Cause.OVERLOADED, retries=None)
READY = Disposition(
    "ready",
    Delivery.ANSWERED,
    Status.FAILED,
    Cause.SWITCH_OVER,
    retries=1,
    at_once=True,
    health=UNWELL,
)
ODD = Disposition("odd", Delivery.ANSWERED, Status.FAILED, Cause.GATEWAY_ERROR, retries=1)
LOST = Disposition(
    "lost", Delivery.IN_DOUBT, Status.UNKNOWN, Cause.RESET, retries=None, health=UNWELL
)
UNREACHED = Disposition(
    "unreached", Delivery.NEVER_SENT, Status.FAILED, Cause.CONNECT, retries=None, health=UNWELL
)
DENIED = Disposition(
    "denied",
    Delivery.ANSWERED,
    Status.FAILED,
    Cause.GUID_REFUSED,
    evidence=Evidence.SETUP,
    health=GOOD,
)
STALE = Disposition(
    "stale",
    Delivery.ANSWERED,
    Status.FAILED,
    Cause.GUID_REFUSED,
    retries=1,
    at_once=True,
    evidence=Evidence.SETUP,
    health=GOOD,
    charge=RetryCharge.NOTHING,
)
UNTOLD = Disposition(
    "untold",
    Delivery.NEVER_SENT,
    Status.FAILED,
    Cause.GUID_SOURCE,
    retries=None,
    charge=RetryCharge.LOOKUPS,
)
STRANGE = Disposition(
    "strange",
    Delivery.IN_DOUBT,
    Status.UNKNOWN,
    Cause.BAD_REPLY,
    retries=2,
    evidence=Evidence.SETUP,
    health=UNWELL,
)
ABSENT = Disposition(
    "absent",
    Delivery.ANSWERED,
    Status.FAILED,
    Cause.NOT_SIGNED_IN,
    evidence=Evidence.PERSONAL,
    health=GOOD,
    absence=Absence.PERHAPS,
)
NOBODY = Disposition(
    "nobody", Delivery.NEVER_SENT, Status.FAILED, Cause.NO_GUID, absence=Absence.PERHAPS
)

ALL = (DONE, REFUSED, BUSY, READY, ODD, LOST, UNREACHED, DENIED, STRANGE, ABSENT, STALE, UNTOLD)


def ended(disposition: Disposition, *, retcode: str = "", message: str = "") -> Attempt:
    """An attempt that ended like that."""
    return Attempt(disposition, sent_at=1, latency_ms=2.0, retcode=retcode, message=message)
