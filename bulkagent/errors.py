"""Every error that bulkagent raises on purpose, as one tree.

```
BulkagentError                  anything below; catch this one to catch them all
├── Refused                     2  nothing was sent: what was asked for cannot be done
│   ├── SettingsRefused         2  an option, environment variable or configuration file
│   ├── RosterRefused           2  the roster, with every bad row
│   ├── ConsentRefused          2  nobody agreed to it
│   ├── ResumeRefused           2  that run cannot be resumed or reverted, or not like this
│   ├── RunBusy                 5  the run is in progress elsewhere; later it may not be
│   ├── Interrupted           130  a signal came before anything was sent: 128 and its number
│   └── GuardrailRefused        6  a guardrail held it back; a person must look
├── LedgerUnavailable           2  the ledger cannot be opened, read or written
├── LedgerFailed                5  the ledger stopped taking records in the middle of a run
├── RunNotFound                 2  no such run in this ledger
└── ReportFailed                1  the report could not be written; the ledger still has all of it
```

The guide's page on codes has the exit codes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = [
    "BadRow",
    "BulkagentError",
    "ConsentRefused",
    "GuardrailRefused",
    "Interrupted",
    "LedgerFailed",
    "LedgerUnavailable",
    "Refused",
    "ReportFailed",
    "ResumeRefused",
    "RosterRefused",
    "RunBusy",
    "RunNotFound",
    "SettingsRefused",
]


class BadRow(msgspec.Struct, frozen=True):
    """One defect of a roster: the line as an editor shows it, the column, and why."""

    row: int
    """The line in the roster; the header is line 1."""
    column: str
    """The name of the column."""
    reason: str
    """Why the row cannot be used, for people."""


class BulkagentError(Exception):
    """An error that bulkagent explains: it says what happened, and what to do next."""

    exit_code: int = 1
    """The exit code of a command that ends with it."""


class Refused(BulkagentError):
    """Nothing was sent, because the command cannot be carried out as it was given."""

    exit_code = 2

    def __init__(self, message: str, *, totals: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.totals = totals
        """The roster's rows by status, where it had been read by then."""


class SettingsRefused(Refused):
    """An option, an environment variable or the configuration file is wrong."""

    def __init__(
        self,
        message: str,
        *,
        totals: Mapping[str, int] | None = None,
        fields: tuple[str, ...] = (),
        group: str = "",
    ) -> None:
        super().__init__(message, totals=totals)
        self.fields = fields
        """The settings that do not go together, where the error is about more than one."""
        self.group = group
        """The heading of the option that it is about, as `--help` has it, where it is one."""


class RosterRefused(Refused):
    """The roster cannot be used. `bad_rows` has every defect that has a line of its own."""

    def __init__(
        self,
        message: str,
        bad_rows: tuple[BadRow, ...] = (),
        *,
        totals: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message, totals=totals)
        self.bad_rows = bad_rows


class ConsentRefused(Refused):
    """Nobody agreed to the plan."""


class ResumeRefused(Refused):
    """The run cannot be resumed or reverted, or not in the way that was asked for."""


class RunBusy(Refused):
    """The run is in progress elsewhere. Trying again later is safe unattended."""

    exit_code = 5


class Interrupted(Refused):
    """A signal came before anything was sent."""

    exit_code = 130

    def __init__(
        self, message: str, *, signal: int = 2, totals: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(message, totals=totals)
        self.exit_code = 128 + signal


class GuardrailRefused(Refused):
    """A guardrail held the run back before anything was sent. A person must look."""

    exit_code = 6

    def __init__(
        self, message: str, *, totals: Mapping[str, int] | None = None, halted: bool = False
    ) -> None:
        super().__init__(message, totals=totals)
        self.halted = halted
        """Whether it is a run that was halted before, and no person has let go on."""


class LedgerUnavailable(BulkagentError):
    """The ledger cannot be opened, read or written, so nothing may be sent."""

    exit_code = 2


class LedgerFailed(BulkagentError):
    """The ledger stopped taking records in the middle of a run, so sending stopped too."""

    exit_code = 5

    def __init__(self, message: str, *, full: str = "", stopped: bool = False) -> None:
        super().__init__(f"{message}; {_STOPPED}" if stopped else message)
        self.full = full
        """Path of the ledger that takes no more records. "" where something else is wrong."""
        self.stopped = stopped
        """Whether the message says already that sending has stopped."""

    @classmethod
    def while_sending(cls, error: BulkagentError | str) -> LedgerFailed:
        """The same failure, with a sentence, once, that sending has stopped."""
        if isinstance(error, LedgerFailed):
            return error if error.stopped else cls(str(error), full=error.full, stopped=True)
        return cls(str(error), stopped=True)


_STOPPED = "sending has stopped, look at the run's report"


class RunNotFound(BulkagentError):
    """The ledger has no run of that name."""

    exit_code = 2


class ReportFailed(BulkagentError):
    """A report could not be written. The ledger still has everything that belongs in it."""
