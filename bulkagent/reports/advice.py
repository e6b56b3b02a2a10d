"""Advice: the meaning of each cause, and what to do about it, in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bulkagent.model import Cause, Status

_UNWELL = "the gateway is unwell (000-000, 100-007, 5xx), or refuses this agent (100-007)"

ADVICE: Mapping[Cause, tuple[str, str]] = MappingProxyType(
    {
        Cause.NOT_SIGNED_IN: (
            "the gateway has no session of the agent (100-006, 100-008)",
            "have the agent sign in, then resume the run",
        ),
        Cause.GUID_REFUSED: (
            "the GUID is another agent's, or stale: a dynamic one dies after two minutes (000-003)",
            "use GUIDs that are kept alive (--sessions, --guid-url), then resume the run",
        ),
        Cause.NO_GUID: (
            "there was no GUID for the agent where GUIDs come from: roster, --sessions, --guid-url",
            "have the agent signed in (is session hold up yet?), then resume the run",
        ),
        Cause.GUID_SOURCE: (
            "the GUID service (--guid-url) did not answer, so nothing was sent",
            "look at that service, not at the gateway; then resume the run",
        ),
        Cause.BAD_PARAMETER: (
            "the gateway calls address or parameter wrong (000-002, 000-006)",
            "check agent ID, --agent-id-range and the gateway's address",
        ),
        Cause.NOT_PERMITTED: (
            "the agent's state or rights do not allow it (100-009, or 100-007 again in a resume)",
            "check the agent's role and rights at the gateway, and that it knows the agent",
        ),
        Cause.REFUSED: (
            "a retcode that belongs to another interface",
            "look at the message and at the gateway's log",
        ),
        Cause.UNLISTED_RETCODE: (
            "a retcode that no document lists",
            "look it up in the gateway's log; it was not repeated on a guess",
        ),
        Cause.GATEWAY_ERROR: (
            f"{_UNWELL}; unknown ones may have taken effect",
            (
                "resume the run when the gateway is well;"
                " an agent who gets 100-007 again is rejected then"
            ),
        ),
        Cause.SWITCH_OVER: (
            "the gateway was in a failover or lost the session (000-004, 105-...)",
            "wait for the failover to end, then resume the run",
        ),
        Cause.OVERLOADED: (
            "requests were turned away (429, 503); unknown ones may have taken effect",
            "resume the run with a lower --rate",
        ),
        Cause.TIMEOUT: (
            "no complete reply in time: it may have taken effect",
            "resume the run; if it stays, look at the gateway or raise --timeout",
        ),
        Cause.CONNECT: (
            "no connection to the gateway, nothing was sent",
            "check address, port, name service and firewall, then resume the run",
        ),
        Cause.TLS: (
            "the gateway's certificate or handshake is not acceptable",
            "check --ca-file, --tls-server-name and --client-cert; then resume the run",
        ),
        Cause.RESET: (
            "the connection broke before the reply: it may have taken effect",
            "resume the run",
        ),
        Cause.BAD_REPLY: (
            "something other than the gateway answered: the request may have taken effect",
            "check that the address is the gateway's and not a proxy's, then resume the run",
        ),
        Cause.RETRY_BUDGET: (
            "the run ended while a retry was held back, not to burden the gateway",
            "resume the run",
        ),
        Cause.BREAKER_OPEN: (
            "the gateway was down for too long, and nothing was sent",
            "resume the run when the gateway is back",
        ),
        Cause.INTERRUPTED: (
            "the run was stopped first; unknown ones may have taken effect",
            "resume the run",
        ),
        Cause.DEADLINE: (
            "the deadline came first",
            "resume the run, with a longer --deadline where there is time",
        ),
        Cause.HALTED: (
            "the run was halted first, because of how others ended",
            "look at what those ended with, then resume the run",
        ),
        Cause.GATE: (
            (
                "too few of the group's agents coming on shift are up,"
                " so those going off shift stay on"
            ),
            "see to the agents coming on shift who are not up, then resume the run",
        ),
        Cause.FLOOR: (
            "with one agent fewer on, the group would be below its floor",
            (
                "see to the agents coming on shift who are not up, or lower --floor;"
                " then resume the run"
            ),
        ),
        Cause.CANARY: (
            "too many of the first agents were not set, so the others were left as they are",
            "look at what the first ones ended with, then resume the run",
        ),
        Cause.PROTECTED: (
            "the agent is in a file of agents who are never touched (--protect)",
            "nothing, or take the agent out of that file",
        ),
        Cause.SUPERSEDED: (
            "a later run has set the agent since",
            "nothing: the later run counts",
        ),
        Cause.PREVIOUS_UNKNOWN: (
            "a revert does not know what the agent's talk right was before",
            "apply a roster with the right flag, or revert with --assume-opposite",
        ),
        Cause.BAD_ROW: (
            "the roster row cannot be used; the message says why",
            "correct the row",
        ),
        Cause.REPEATED_ROW: (
            "the row repeats an earlier one, which counts",
            "nothing, or take it out of the roster",
        ),
    }
)
"""Cause to what it means and what to do."""

_IN_DOUBT = "may have taken effect"

# The meaning of a cause where no request is in doubt; only a row that is `unknown` has one that is.
_SURELY = {
    Cause.GATEWAY_ERROR: _UNWELL,
    Cause.OVERLOADED: "requests were turned away (429), and had no effect",
    Cause.TIMEOUT: "no complete reply in time",
    Cause.RESET: "the connection broke before the reply",
    Cause.BAD_REPLY: "something other than the gateway answered",
    Cause.INTERRUPTED: "the run was stopped first",
}
_UNSURELY = {
    Cause.GATEWAY_ERROR: f"{_UNWELL}, but an earlier request may have taken effect",
    Cause.OVERLOADED: "requests were turned away (503), but may have taken effect",
    Cause.INTERRUPTED: "the run was stopped with a request under way: it may have taken effect",
    Cause.CONNECT: "no connection to the gateway, but an earlier request may have taken effect",
}


def advice_for(cause: Cause, status: Status) -> tuple[str, str]:
    """The meaning of a cause for rows of a status, and what to do.

    Only beside `unknown` it says that a request may have taken effect.
    """
    meaning, advice = ADVICE[cause]
    if status is not Status.UNKNOWN:
        return _SURELY.get(cause, meaning), advice
    meaning = _UNSURELY.get(cause, meaning)
    return meaning if _IN_DOUBT in meaning else f"{meaning}; it {_IN_DOUBT}", advice
