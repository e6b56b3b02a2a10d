"""The topic of the guide that helps with a cause, an option or an error."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bulkagent.errors import (
    BulkagentError,
    ConsentRefused,
    GuardrailRefused,
    Interrupted,
    LedgerFailed,
    LedgerUnavailable,
    Refused,
    ReportFailed,
    ResumeRefused,
    RosterRefused,
    RunBusy,
    RunNotFound,
    SettingsRefused,
)
from bulkagent.model import Cause, Status

_OF_CAUSES: Mapping[str, tuple[Cause, ...]] = {
    "guids": (Cause.NOT_SIGNED_IN, Cause.GUID_REFUSED, Cause.NO_GUID, Cause.GUID_SOURCE),
    "handover": (Cause.GATE, Cause.FLOOR, Cause.CANARY),
    "guardrails": (Cause.PROTECTED, Cause.SUPERSEDED),
    "outages": (
        *(Cause.SWITCH_OVER, Cause.BREAKER_OPEN, Cause.CONNECT, Cause.RETRY_BUDGET),
        *(Cause.GATEWAY_ERROR, Cause.NOT_PERMITTED, Cause.HALTED, Cause.BAD_PARAMETER),
    ),
    "doubt": (Cause.TIMEOUT, Cause.RESET, Cause.BAD_REPLY),
    "speed": (Cause.OVERLOADED,),
    "roster": (Cause.BAD_ROW, Cause.REPEATED_ROW),
    "configuration": (Cause.TLS,),
    "resume": (Cause.INTERRUPTED, Cause.DEADLINE),
    "revert": (Cause.PREVIOUS_UNKNOWN,),
    "codes": (Cause.REFUSED, Cause.UNLISTED_RETCODE),
}

TOPIC_OF_CAUSE: Mapping[Cause, str] = MappingProxyType(
    {cause: topic for topic, causes in _OF_CAUSES.items() for cause in causes}
)
"""Cause -> topic."""

TOPIC_OF_STATUS: Mapping[Status, str] = MappingProxyType(
    {
        Status.APPLIED: "verify",
        Status.REJECTED: "trouble",
        Status.FAILED: "trouble",
        Status.UNKNOWN: "doubt",
        Status.NOT_ATTEMPTED: "trouble",
        Status.INVALID: "roster",
        Status.DUPLICATE: "roster",
    }
)
"""Status -> topic."""

TOPIC_OF_EXIT_CODES = "batch"
TOPIC_OF_VERDICTS = "trouble"

TOPIC_OF_GROUP: Mapping[str, str] = MappingProxyType(
    {
        "What": "settings",
        "GUIDs": "guids",
        "Shift change": "handover",
        "Guardrails": "guardrails",
        "Speed": "speed",
        "When it goes wrong": "outages",
        "Times": "timing",
        "TLS": "configuration",
        "Roster format": "roster",
        "Output": "report",
        "Files": "configuration",
    }
)
"""Heading of options, as `--help` has it -> topic."""

TOPIC_OF_CHECK: Mapping[str, str] = MappingProxyType(
    {
        "name service": "shift",
        "connection": "shift",
        "TLS": "configuration",
        "clock": "timing",
        "client certificate": "configuration",
        "open files": "speed",
        "temporary folder": "sessions",
        "ledger": "records",
        "disk": "records",
    }
)
"""Check of `doctor` -> topic; that of a GUID has the name of its source."""

TOPIC_OF_ERROR: Mapping[type[BulkagentError], str] = MappingProxyType(
    {
        BulkagentError: "trouble",
        Refused: "trouble",
        SettingsRefused: "settings",
        RosterRefused: "roster",
        ConsentRefused: "shift",
        ResumeRefused: "resume",
        RunBusy: "guardrails",
        GuardrailRefused: "guardrails",
        LedgerUnavailable: "records",
        LedgerFailed: "records",
        RunNotFound: "trouble",
        ReportFailed: "report",
        # A signal is no error that a page could help with.
        Interrupted: "",
    }
)
"""Error -> topic; "" for none."""


def topic_for(cause: Cause) -> str:
    """The topic that helps with a cause."""
    return TOPIC_OF_CAUSE[cause]


def topic_for_error(error: BulkagentError) -> str:
    """The topic that helps with an error; "" for none."""
    if isinstance(error, GuardrailRefused) and error.halted:
        return "resume"
    group = error.group if isinstance(error, SettingsRefused) else ""
    of_its_kind = next(TOPIC_OF_ERROR[kind] for kind in type(error).mro() if kind in TOPIC_OF_ERROR)
    return TOPIC_OF_GROUP.get(group, of_its_kind)


def topic_for_check(check: str) -> str:
    """The topic that helps with a check of `doctor`; "" for none."""
    return "guids" if check.startswith("GUID") else TOPIC_OF_CHECK.get(check, "")
