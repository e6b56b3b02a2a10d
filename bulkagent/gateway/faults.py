"""Everything that can happen to a request other than an answer with a retcode.

*Never sent* is claimed only where no byte of the request can have left. A reset, a dead
keep-alive connection and a silent gateway look alike from here, so they are *in doubt*: the
operation may have taken effect (RFC 9110 section 9.2.2 on repeating requests).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

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


class Fault(enum.StrEnum):
    """How a request ended without a retcode."""

    NO_GUID = "no_guid"
    GUID_SOURCE = "guid_source"
    DNS = "dns"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    RESET = "reset"
    READ_TIMEOUT = "read_timeout"
    TRUNCATED = "truncated"
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server_error"
    TOO_MANY = "too_many"
    NOT_A_GATEWAY = "not_a_gateway"
    OVERSIZED = "oversized"
    REDIRECT = "redirect"
    OUT_OF_STEP = "out_of_step"


MEANING_OF_FAULTS: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.NO_GUID: "there was nothing to authenticate the request with",
        Fault.GUID_SOURCE: "the source of GUIDs did not answer",
        Fault.DNS: "the host name has no address",
        Fault.REFUSED: "no program listens there, or there is no route",
        Fault.CONNECT_TIMEOUT: "no connection, handshake included, in time",
        Fault.TLS: "the certificate or the handshake is not acceptable",
        Fault.RESET: "the connection ended before the reply",
        Fault.READ_TIMEOUT: "no complete reply in time",
        Fault.TRUNCATED: "the reply ended before its announced end",
        Fault.UNAVAILABLE: "503 without a retcode: a load balancer without a gateway",
        Fault.SERVER_ERROR: "another 5xx without a retcode",
        Fault.TOO_MANY: "429: refused for the moment, so not processed",
        Fault.NOT_A_GATEWAY: "HTML, no JSON or no retcode: the answer was not a gateway's",
        Fault.OVERSIZED: "a reply over 64 KiB",
        Fault.REDIRECT: "following it would carry the GUID to another host",
        Fault.OUT_OF_STEP: "a reply too many came on the connection, so no reply on it is sure",
    }
)
"""The meaning of each, for people."""

# Replies that are not a gateway's: a sender that gives them to one agent gives them to all.
_SOMEBODY_ELSE = frozenset({Fault.NOT_A_GATEWAY, Fault.OVERSIZED, Fault.REDIRECT})

# A gateway that says 429 is there and asks to be left alone; without a GUID nobody was asked. A
# certificate that is not acceptable counts as unwell: a load balancer in front of no gateway
# shows its own.
_SAYS_NOTHING = frozenset({Fault.TOO_MANY, Fault.NO_GUID, Fault.GUID_SOURCE, Fault.OUT_OF_STEP})

WITHOUT_AN_ANSWER = frozenset({Fault.RESET, Fault.READ_TIMEOUT, Fault.TRUNCATED})
"""Without a whole reply: a gateway does not notice that a client hung up, so it may be at work.
Where a reply came too many, there are as many as requests at least."""

# An answer that may be another's is asked for once more, by itself on a connection.
_CHARGES = {Fault.GUID_SOURCE: RetryCharge.LOOKUPS, Fault.OUT_OF_STEP: RetryCharge.NOTHING}


def _fault(
    name: Fault, delivery: Delivery, cause: Cause, *, retries: int | None = None
) -> tuple[Fault, Disposition]:
    status = Status.UNKNOWN if delivery is Delivery.IN_DOUBT else Status.FAILED
    evidence = Evidence.SETUP if name in _SOMEBODY_ELSE else Evidence.ORDINARY
    return name, Disposition(
        name=name.value,
        delivery=delivery,
        status=status,
        cause=cause,
        retries=retries,
        evidence=evidence,
        health=Health.NEUTRAL if name in _SAYS_NOTHING else Health.UNWELL,
        charge=_CHARGES.get(name, RetryCharge.RETRIES),
        # An agent without a GUID has not signed in yet.
        absence=Absence.PERHAPS if name is Fault.NO_GUID else Absence.NONE,
        lingers=name in WITHOUT_AN_ANSWER,
    )


# A reply that is not a gateway's may come from a load balancer in the middle of a change, so it
# is tried twice more; a redirect is somebody's decision and is not.
_TWICE_MORE = 2
_ONCE_MORE = 1

FAULTS: Mapping[Fault, Disposition] = MappingProxyType(
    dict(
        [
            _fault(Fault.NO_GUID, Delivery.NEVER_SENT, Cause.NO_GUID, retries=0),
            _fault(Fault.GUID_SOURCE, Delivery.NEVER_SENT, Cause.GUID_SOURCE),
            _fault(Fault.DNS, Delivery.NEVER_SENT, Cause.CONNECT),
            _fault(Fault.REFUSED, Delivery.NEVER_SENT, Cause.CONNECT),
            _fault(Fault.CONNECT_TIMEOUT, Delivery.NEVER_SENT, Cause.CONNECT),
            _fault(Fault.TLS, Delivery.NEVER_SENT, Cause.TLS, retries=0),
            _fault(Fault.RESET, Delivery.IN_DOUBT, Cause.RESET),
            _fault(Fault.READ_TIMEOUT, Delivery.IN_DOUBT, Cause.TIMEOUT),
            _fault(Fault.TRUNCATED, Delivery.IN_DOUBT, Cause.BAD_REPLY),
            _fault(Fault.UNAVAILABLE, Delivery.IN_DOUBT, Cause.OVERLOADED),
            _fault(Fault.SERVER_ERROR, Delivery.IN_DOUBT, Cause.GATEWAY_ERROR),
            _fault(Fault.TOO_MANY, Delivery.ANSWERED, Cause.OVERLOADED),
            _fault(Fault.NOT_A_GATEWAY, Delivery.IN_DOUBT, Cause.BAD_REPLY, retries=_TWICE_MORE),
            _fault(Fault.OVERSIZED, Delivery.IN_DOUBT, Cause.BAD_REPLY, retries=_TWICE_MORE),
            _fault(Fault.REDIRECT, Delivery.IN_DOUBT, Cause.BAD_REPLY, retries=0),
            _fault(Fault.OUT_OF_STEP, Delivery.IN_DOUBT, Cause.BAD_REPLY, retries=_ONCE_MORE),
        ]
    )
)
"""What each fault means for an attempt; a redirect or foreign page leaves the effect in doubt."""
