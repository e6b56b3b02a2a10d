"""Advice: the meaning of each cause, and what to do about it, in one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bulkagent.language import mark
from bulkagent.model import Cause, Status

ADVICE: Mapping[Cause, tuple[str, str]] = MappingProxyType(
    {
        Cause.NOT_SIGNED_IN: (
            mark("the gateway has no session of the agent (100-006, 100-008)"),
            mark("have the agent sign in, then resume the run"),
        ),
        Cause.GUID_REFUSED: (
            mark(
                "the GUID is another agent's, or stale: a dynamic one dies after two minutes"
                " (000-003)"
            ),
            mark("use GUIDs that are kept alive (--sessions, --guid-url), then resume the run"),
        ),
        Cause.NO_GUID: (
            mark("the source of GUIDs (roster, --sessions or --guid-url) has none for the agent"),
            mark(
                "have the agent sign in, and see whether the process that writes the sessions file"
                " runs; then resume the run"
            ),
        ),
        Cause.GUID_SOURCE: (
            mark("the GUID service (--guid-url) did not answer, so nothing was sent"),
            mark("look at that service, not at the gateway; then resume the run"),
        ),
        Cause.BAD_PARAMETER: (
            mark("the gateway calls the address or a parameter wrong (000-002, 000-006)"),
            mark("check agent ID, --agent-id-range and the gateway's address"),
        ),
        Cause.NOT_PERMITTED: (
            mark("the agent's state or rights do not allow it (100-009, or 100-007 again)"),
            mark("check the agent's role and rights at the gateway, and that it knows the agent"),
        ),
        Cause.REFUSED: (
            mark("the gateway answered a retcode that belongs to another interface"),
            mark("look at the message in the report, and at the gateway's log"),
        ),
        Cause.UNLISTED_RETCODE: (
            mark("the gateway answered a retcode that no document lists"),
            mark("look it up in the gateway's log; bulkagent does not repeat it on a guess"),
        ),
        Cause.GATEWAY_ERROR: (
            mark("the gateway is unwell (000-000, 100-007, 5xx), or refuses this agent (100-007)"),
            mark(
                "resume the run when the gateway is well; an agent who gets 100-007 again is"
                " rejected then"
            ),
        ),
        Cause.SWITCH_OVER: (
            mark("the gateway was in a failover or lost the session (000-004, 105-...)"),
            mark("wait for the failover to end, then resume the run"),
        ),
        Cause.OVERLOADED: (
            mark("the gateway, or a proxy before it, turned requests away (429, 503)"),
            mark("resume the run with a lower --rate"),
        ),
        Cause.TIMEOUT: (
            mark("no complete reply came in time"),
            mark("resume the run; if it stays, look at the gateway or raise --timeout"),
        ),
        Cause.CONNECT: (
            mark("there was no connection to the gateway"),
            mark("check address, port, name service and firewall, then resume the run"),
        ),
        Cause.TLS: (
            mark("the gateway's certificate or handshake is not acceptable"),
            mark("check --ca-file, --tls-server-name and --client-cert; then resume the run"),
        ),
        Cause.RESET: (
            mark("the connection broke before the reply"),
            mark("resume the run"),
        ),
        Cause.BAD_REPLY: (
            mark("something other than the gateway answered"),
            mark("check that the address is the gateway's and not a proxy's, then resume the run"),
        ),
        Cause.RETRY_BUDGET: (
            mark("the run ended while a retry was held back, not to burden the gateway"),
            mark("resume the run"),
        ),
        Cause.BREAKER_OPEN: (
            mark("the gateway was down for too long, so bulkagent gave it up"),
            mark("resume the run when the gateway is back"),
        ),
        Cause.INTERRUPTED: (
            mark("the run was stopped before these agents were done"),
            mark("resume the run"),
        ),
        Cause.DEADLINE: (
            mark("the deadline came first"),
            mark("resume the run, with a longer --deadline where there is time"),
        ),
        Cause.HALTED: (
            mark("the run was halted first, because of how others ended"),
            mark("look at what those ended with, then resume the run"),
        ),
        Cause.GATE: (
            mark(
                "too few of the group's agents coming on shift are up,"
                " so those going off shift stay on"
            ),
            mark("see to the agents coming on shift who are not up, then resume the run"),
        ),
        Cause.FLOOR: (
            mark("with one agent fewer on, the group would be below its floor"),
            mark("see to the agents who are not on, or lower --floor; then resume the run"),
        ),
        Cause.CANARY: (
            mark("too many of the first agents were not set, so the others were left as they are"),
            mark("look at what the first ones ended with, then resume the run"),
        ),
        Cause.PROTECTED: (
            mark("the agent is in a file of agents who are never touched (--protect)"),
            mark("nothing, or take the agent out of that file"),
        ),
        Cause.SUPERSEDED: (
            mark("a later run has set the agent since"),
            mark("nothing: the later run counts"),
        ),
        Cause.PREVIOUS_UNKNOWN: (
            mark("a revert does not know what the agent's talk right was before"),
            mark("apply a roster with the right flag, or revert with --assume-opposite"),
        ),
        Cause.BAD_ROW: (
            mark("the roster row cannot be used; the message says why"),
            mark("correct the row"),
        ),
        Cause.REPEATED_ROW: (
            mark("the row repeats an earlier one, which counts"),
            mark("nothing, or take it out of the roster"),
        ),
    }
)
"""Cause to what it means and what to do."""

# What more is known of a cause beside a status that says what became of the request.
_NOTHING_SENT = mark("{meaning}, and nothing was sent for these agents")
_NO_EFFECT = mark("{meaning}, without any effect")
_IN_DOUBT = mark("{meaning}; a request before that may have taken effect")
_NOT_THEIR_TURN = mark("the run ended before their turn")
_IN_DOUBT_ITSELF = mark("{meaning}; the request may have taken effect")

_MORE: Mapping[tuple[Cause, Status], str] = MappingProxyType(
    {
        (Cause.CONNECT, Status.FAILED): _NOTHING_SENT,
        (Cause.BREAKER_OPEN, Status.NOT_ATTEMPTED): _NOTHING_SENT,
        (Cause.INTERRUPTED, Status.NOT_ATTEMPTED): _NOT_THEIR_TURN,
        (Cause.OVERLOADED, Status.FAILED): _NO_EFFECT,
        **dict.fromkeys(
            (
                (cause, Status.UNKNOWN)
                for cause in (
                    *(Cause.TIMEOUT, Cause.RESET, Cause.BAD_REPLY, Cause.OVERLOADED),
                    *(Cause.GATEWAY_ERROR, Cause.INTERRUPTED),
                )
            ),
            _IN_DOUBT_ITSELF,
        ),
    }
)


def _untranslated(text: str) -> str:
    return text


def advice_for(
    cause: Cause, status: Status, translate: Callable[[str], str] = _untranslated
) -> tuple[str, str]:
    """The meaning of a cause for rows of a status, and what to do.

    Only beside `unknown` it says that a request may have taken effect.

    Args:
        cause: Why the rows are not applied.
        status: How they ended.
        translate: Puts a marked sentence into the reader's language.
    """
    meaning, advice = (translate(text) for text in ADVICE[cause])
    more = _MORE.get((cause, status), _IN_DOUBT if status is Status.UNKNOWN else "")
    return translate(more).format(meaning=meaning) if more else meaning, advice


def meaning_of(cause: Cause) -> str:
    """The meaning of a cause whatever the status, with the doubt that it may leave."""
    meaning = ADVICE[cause][0]
    return (
        f"{meaning}; an `unknown` agent may be set" if (cause, Status.UNKNOWN) in _MORE else meaning
    )
