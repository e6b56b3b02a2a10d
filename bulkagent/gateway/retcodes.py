"""Every result code of the gateway, what it means, and what bulkagent does about it.

Meanings are those of the vendor's result code table (page 0580; 1430 in the older edition,
1328 for configuration interfaces). The choice of disposition is ours, for setters of an
absolute value; the pages list only some of the codes that their interfaces return (page
0005: any interface may answer 100-006 or 000-003), so the table is one for all setters.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

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


class Retcode(msgspec.Struct, frozen=True):
    """One row of the table."""

    code: str
    meaning: str
    disposition: Disposition
    advice: str


def _answer(
    code: str,
    status: Status,
    cause: Cause | None,
    *,
    retries: int | None = 0,
    at_once: bool = False,
    evidence: Evidence = Evidence.ORDINARY,
    health: Health = Health.GOOD,
    absence: Absence = Absence.NONE,
    lasting: Cause | None = None,
) -> Disposition:
    return Disposition(
        name=code,
        delivery=Delivery.ANSWERED,
        status=status,
        cause=cause,
        retries=retries,
        at_once=at_once,
        evidence=evidence,
        health=health,
        absence=absence,
        lasting=lasting,
    )


_NO_RETRY = 0
_TO_THE_LIMIT = None

# What a group of codes means for a run: status, cause, retries of the same answer, advice.
_KINDS: Mapping[str, tuple[Status, Cause | None, int | None, str]] = {
    "done": (Status.APPLIED, None, _NO_RETRY, "Nothing to do."),
    "parameter": (
        Status.REJECTED,
        Cause.BAD_PARAMETER,
        _NO_RETRY,
        (
            "Check agent ID, gateway address and --agent-id-range. If every agent gets it, the"
            " address is wrong."
        ),
    ),
    "guid": (
        Status.FAILED,
        Cause.GUID_REFUSED,
        _NO_RETRY,
        "The GUID is stale or another agent's: get fresh GUIDs, then resume the run.",
    ),
    "signed out": (
        Status.FAILED,
        Cause.NOT_SIGNED_IN,
        _NO_RETRY,
        "The agent must sign in (or its GUID was refused); resume the run afterwards.",
    ),
    "failover": (
        Status.FAILED,
        Cause.SWITCH_OVER,
        _TO_THE_LIMIT,
        "The gateway is in a failover; resume the run when it is back.",
    ),
    "session lost": (
        Status.FAILED,
        Cause.SWITCH_OVER,
        _NO_RETRY,
        "The session was lost in a failover. The agent must sign in again; then resume the run.",
    ),
    "unwell": (
        Status.FAILED,
        Cause.GATEWAY_ERROR,
        _TO_THE_LIMIT,
        "A part of the gateway is not available; resume the run when it is back.",
    ),
    "failed inside": (
        Status.FAILED,
        Cause.GATEWAY_ERROR,
        3,
        (
            "A part of the gateway is not available, or this agent is refused (a missing role"
            " right, an agent that it does not know). Resume the run when the gateway is well; an"
            " agent who gets it again is rejected then."
        ),
    ),
    "state": (
        Status.REJECTED,
        Cause.NOT_PERMITTED,
        _NO_RETRY,
        "Check the agent's rights and state; repeating it now gives the same answer.",
    ),
    "refused": (
        Status.REJECTED,
        Cause.REFUSED,
        _NO_RETRY,
        "This answer belongs to another interface; look at the message and the gateway's log.",
    ),
}

# code, kind, meaning in our own words, and another number of retries where the kind's is wrong.
_TABLE: tuple[tuple[str, str, str] | tuple[str, str, str, int], ...] = (
    ("0", "done", "success"),
    ("000-000", "unwell", "unknown error", 1),
    ("000-001", "refused", "agent events are fetched in a way that the gateway is not set to"),
    ("000-002", "parameter", "bad URL, address or parameter"),
    ("000-003", "guid", "no right to call; the authentication has probably expired"),
    ("000-004", "failover", "the agent is in the middle of a failover"),
    ("000-005", "refused", "the inspected agent is the inspector"),
    ("000-006", "parameter", "a parameter of the message is wrong"),
    ("000-007", "unwell", "the interface is called repeatedly for this agent"),
    ("100-001", "refused", "a sign-in parameter is empty or illegal"),
    ("100-002", "refused", "the agent has already signed in"),
    ("100-003", "unwell", "a resource or its provider is not available at sign-in"),
    ("100-004", "refused", "wrong user name or password"),
    ("100-005", "refused", "a sign-out parameter is illegal"),
    ("100-006", "signed out", "the agent has not signed in, or the GUID is not its own"),
    ("100-007", "failed inside", "exception during the operation: no resource, or internal error"),
    ("100-008", "signed out", "the agent has already signed out"),
    ("100-009", "state", "the state cannot be set, perhaps for want of permission"),
    ("100-010", "state", "the agent's state does not allow sign-out"),
    ("100-011", "refused", "illegal parameter at sign-in"),
    ("100-012", "refused", "wrong agent type at sign-in"),
    ("100-013", "refused", "the phone to bind is not valid"),
    ("100-014", "refused", "the phone number is outside the configured range"),
    ("100-015", "refused", "the agent has signed in and cannot be forced out"),
    ("100-016", "refused", "invalid IP address at sign-in"),
    ("100-017", "refused", "authentication at the uPortal failed"),
    ("100-018", "refused", "the VDN at sign-in differs from that of the playback"),
    ("100-019", "refused", "illegal parameter in a query of skill queues"),
    ("100-020", "refused", "the agent's password has expired"),
    ("100-021", "unwell", "a sign-in of this agent is in progress"),
    ("110-016", "refused", "the account is locked"),
    *((f"101-{n:03}", "refused", "a rule of telephone conferences") for n in range(1, 8)),
    *((f"104-{n:03}", "refused", "recording or playback") for n in range(1, 13)),
    ("105-001", "session lost", "no data of the agent in the cache"),
    ("105-002", "failover", "the agent is being recovered"),
    ("105-003", "failover", "the agent's recovery has finished", 1),
    ("105-004", "failover", "the agent could not be queued for recovery"),
    ("105-005", "session lost", "the recovery took too long: sign in again"),
    ("105-006", "session lost", "the GUID does not match in the recovery: sign in again"),
    ("105-007", "session lost", "recovery is switched off: sign in again"),
    *((f"106-{n:03}", "refused", "a switch or limit of multimedia sessions") for n in range(1, 5)),
    ("107-000", "refused", "the login of the configuration interface was lost"),
    *((f"107-{n:03}", "refused", "a configuration interface's error") for n in range(1, 68)),
    ("200-001", "refused", "the called number is wrong"),
    ("200-002", "refused", "listed for rejecting a call; its meaning is not documented"),
    ("200-025", "refused", "there is no call to drop"),
    ("200-037", "refused", "listed for rejecting a call; not documented"),
    ("200-038", "refused", "listed for rejecting a call; not documented"),
    ("200-039", "refused", "listed for rejecting a call; not documented"),
    ("200-040", "refused", "added in AICC 25.200; its meaning is not documented"),
    *((f"900-{n:03}", "state", "listed for forcing busy; rights or state") for n in (1, 2, 3)),
)

# The upstream says that it is ready, so waiting would only lose time.
_AT_ONCE = frozenset({"105-003"})

# A wrong address or a wrong set of GUIDs gives every agent the same answer; an agent who has
# not signed in says nothing about any other.
_EVIDENCE: Mapping[str, Evidence] = {
    "000-002": Evidence.SETUP,
    "000-003": Evidence.SETUP,
    "100-007": Evidence.SETUP,
    "100-006": Evidence.PERSONAL,
    "100-008": Evidence.PERSONAL,
}

# Any other answer, also one that is not in the table, is that of a gateway that works. While an
# agent is moved to another gateway or recovered there, this one is not itself.
_KIND_HEALTH: Mapping[str, Health] = {
    "failover": Health.UNWELL,
    "unwell": Health.NEUTRAL,
    "failed inside": Health.NEUTRAL,
}

# "unwell" says nothing of the whole, because each of its codes may be about one agent or one
# resource of it (000-000, 100-003, 100-007), and 000-007 may be the echo of an attempt of ours
# that timed out and still hangs there. A gateway that sees a sign-in in progress is well.
_HEALTH: Mapping[str, Health] = {"100-021": Health.GOOD}


# The only code on settalkright's page by which what is behind the gateway can refuse: a missing
# role right or an unknown agent probably comes as it, too.
_LASTING: Mapping[str, Cause] = {"100-007": Cause.NOT_PERMITTED}


# The gateway says 100-006 also where only the GUID is not the agent's any more (page 0005).
_ABSENCE: Mapping[str, Absence] = {"100-006": Absence.PERHAPS, "100-008": Absence.SURELY}


def _row(code: str, kind: str, meaning: str, retries: int | None = None) -> Retcode:
    status, cause, usual, advice = _KINDS[kind]
    return Retcode(
        code=code,
        meaning=meaning,
        disposition=_answer(
            code,
            status,
            cause,
            retries=usual if retries is None else retries,
            at_once=code in _AT_ONCE,
            evidence=_EVIDENCE.get(code, Evidence.ORDINARY),
            health=_HEALTH.get(code, _KIND_HEALTH.get(kind, Health.GOOD)),
            absence=_ABSENCE.get(code, Absence.NONE),
            lasting=_LASTING.get(code),
        ),
        advice=advice,
    )


MEANINGS: Mapping[str, Retcode] = MappingProxyType({row[0]: _row(*row) for row in _TABLE})
"""Every documented retcode."""

RETCODES: Mapping[str, Disposition] = MappingProxyType(
    {code: row.disposition for code, row in MEANINGS.items()}
)
"""The disposition of each documented retcode for a setter."""


# A bad GUID gets 000-003 or 100-006 (page 0005), and after a failover 105-001 or 105-005 to
# 105-007, which say to sign in again: somebody else may have done that.
_OF_THE_GUID = ("000-003", "100-006", "105-001", "105-005", "105-006", "105-007")

WITH_A_NEWER_GUID: Mapping[str, Disposition] = MappingProxyType(
    {
        code: msgspec.structs.replace(
            RETCODES[code], retries=1, at_once=True, charge=RetryCharge.NOTHING
        )
        for code in _OF_THE_GUID
    }
)
"""What a refusal means where another GUID is at hand by now: once more, at once, and no retry."""


WITH_A_FRESH_GUID: Mapping[str, Disposition] = MappingProxyType(
    {"100-006": msgspec.structs.replace(RETCODES["100-006"], absence=Absence.SURELY)}
)
"""What a refusal means where the GUID is known to be the agent's newest: nobody is there."""


def disposition_of(retcode: str, table: Mapping[str, Disposition] = RETCODES) -> Disposition:
    """What a retcode means; one that is not in the table is never repeated on a guess."""
    known = table.get(retcode)
    if known is not None:
        return known
    return _answer(retcode, Status.REJECTED, Cause.UNLISTED_RETCODE)
