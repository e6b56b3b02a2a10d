"""bulkagent sets, for a whole shift at once, whether contact-centre agents answer inbound calls.

Imports point one way: `cli` -> `diagnostics` -> `run`, `sessions` -> `emulator`, `engine`,
`gateway`, `ledger`, `reports`, `roster`, `settings` -> `model`, `text`, `files` -> `errors`. The
engine knows no gateway, and the gateway no engine. The ledger alone speaks SQL. Functions that
decide are pure, and a thin layer awaits.

The names below are the library. They are imported when they are first used, so that the
command line starts without the network stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulkagent.errors import (
        BadRow,
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
    from bulkagent.model import Cause, Outcome, Status
    from bulkagent.run.api import apply, check, resume, revert
    from bulkagent.run.plan.request import Plan, Request, Resume, Revert, RunResult
    from bulkagent.settings import GatewaySection, GuidService, SessionsFile, Settings
    from bulkagent.units import Adaptive, HaltAtCount, HaltAtShare

__all__ = [
    "Adaptive",
    "BadRow",
    "BulkagentError",
    "Cause",
    "ConsentRefused",
    "GatewaySection",
    "GuardrailRefused",
    "GuidService",
    "HaltAtCount",
    "HaltAtShare",
    "Interrupted",
    "LedgerFailed",
    "LedgerUnavailable",
    "Outcome",
    "Plan",
    "Refused",
    "ReportFailed",
    "Request",
    "Resume",
    "ResumeRefused",
    "Revert",
    "RosterRefused",
    "RunBusy",
    "RunNotFound",
    "RunResult",
    "SessionsFile",
    "Settings",
    "SettingsRefused",
    "Status",
    "apply",
    "check",
    "resume",
    "revert",
]

_ROOMS = {
    "bulkagent.model": ("Cause", "Outcome", "Status"),
    "bulkagent.run.api": ("apply", "check", "resume", "revert"),
    "bulkagent.run.plan.request": ("Plan", "Request", "Resume", "Revert", "RunResult"),
    "bulkagent.settings": ("GatewaySection", "GuidService", "SessionsFile", "Settings"),
    "bulkagent.units": ("Adaptive", "HaltAtCount", "HaltAtShare"),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "bulkagent.errors")), name)


def __dir__() -> list[str]:
    return __all__
