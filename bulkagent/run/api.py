"""The commands as functions for Python programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bulkagent.blocking import in_thread
from bulkagent.errors import BulkagentError, SettingsRefused
from bulkagent.model import Outcome
from bulkagent.run.clients.target import EMULATED
from bulkagent.run.plan.check import check_roster
from bulkagent.run.plan.consent import Agree, Consent, consent_of, refuse_unanswerable
from bulkagent.run.plan.request import (
    FollowUpRequest,
    Plan,
    Request,
    Resume,
    Revert,
    RunResult,
)
from bulkagent.run.run import Run
from bulkagent.settings import ConfigFile, Settings, accept_former
from bulkagent.text.spelling import did_you_mean, nearest


async def apply(
    roster: str | os.PathLike[str],
    *,
    gateway: str,
    flag: int | None = None,
    reports: Sequence[str | os.PathLike[str]] | None = None,
    settings: Settings | None = None,
    request: Request | None = None,
    agree: Agree | None = None,
    settled: Callable[[Outcome], None] | None = None,
) -> RunResult:
    """Set every agent of a roster, and write its reports.

    Args:
        roster: Path of the roster.
        gateway: `https://HOST:PORT`, a name in `settings.gateways`, or `emulated`.
        flag: 1 allows inbound calls, 0 stops them. None where the roster has a flag column.
        reports: Paths, whose suffixes give the formats. None: a CSV report in this folder.
        settings: Limits and timeouts. They are gentle by default, and lifted for `emulated`.
        request: Everything else that you can ask for. The arguments that you give go over it.
        agree: A function or coroutine function that is called with the plan before anything is
            sent. Only True agrees. True in the place of a function agrees beforehand. Without
            `agree`, nothing is sent to a gateway that is not `emulated`.
        settled: Called on the event loop with each outcome once it is on disk.

    Raises:
        ConsentRefused: Nobody agreed, and nothing was sent.
        BulkagentError: The run was refused, and nothing was sent.
        Exception: The error of `agree` or `settled`, as it was raised.
    """
    if settings is None and request is None:
        settings = Settings.resolve({}, ConfigFile(), emulated=gateway == EMULATED)
    given = {
        "flag": flag,
        "settings": settings,
        "reports": None if reports is None else tuple(Path(report) for report in reports),
    }
    asked = msgspec.structs.replace(
        request or Request(roster=""),
        roster=os.fspath(roster),
        gateway=gateway,
        **{name: value for name, value in given.items() if value is not None},
    )
    return await _carried_out(asked, agree, settled)


async def resume(
    run: str = "last",
    *,
    settings: Mapping[str, Any] | None = None,
    request: Resume | None = None,
    agree: Agree | None = None,
    settled: Callable[[Outcome], None] | None = None,
) -> RunResult:
    """Go on with a run: try again every agent whom another attempt may help.

    Args:
        run: A run ID, the beginning of one, or `last`.
        settings: Fields of `Settings` that go over the run's own. `ledger` gives its path.
        request: Everything else that you can ask for. The arguments go over it.
        agree: As for `apply`. A function that returns True also answers the plan's `guardrail`.
            True in the place of a function does not: then the guardrail needs an override.
        settled: Called on the event loop with each outcome once it is on disk.

    Raises:
        ConsentRefused: Nobody agreed, and nothing was sent.
        BulkagentError: The run was refused, and nothing was sent.
        Exception: The error of `agree` or `settled`, as it was raised.
    """
    asked = _again(request or Resume(run=run), run, settings)
    return await _carried_out(asked, agree, settled)


async def revert(
    run: str = "last",
    *,
    settings: Mapping[str, Any] | None = None,
    request: Revert | None = None,
    agree: Agree | None = None,
    settled: Callable[[Outcome], None] | None = None,
) -> RunResult:
    """Give agents that a run changed, or may have changed, their earlier talk right back.

    This is a run of its own.

    Args:
        run: A run ID, the beginning of one, or `last`.
        settings: Fields of `Settings` that go over the run's own. `ledger` gives its path.
        request: Everything else that you can ask for. The arguments go over it.
        agree: As for `apply`.
        settled: Called on the event loop with each outcome once it is on disk.

    Raises:
        ConsentRefused: Nobody agreed, and nothing was sent.
        BulkagentError: The run was refused, and nothing was sent.
        Exception: The error of `agree` or `settled`, as it was raised.
    """
    asked = _again(request or Revert(run=run), run, settings)
    return await _carried_out(asked, agree, settled)


def check(
    roster: str | os.PathLike[str], *, flag: int | None = None, request: Request | None = None
) -> Plan:
    """Read and check a roster, and return the plan. Nothing is sent or recorded.

    Raises:
        RosterRefused: The roster cannot be used. Its `bad_rows` say where and why.
    """
    return check_roster(
        msgspec.structs.replace(request or Request(roster=""), roster=os.fspath(roster), flag=flag)
    )


async def _carried_out(
    asked: Request | Resume | Revert,
    agree: Agree | None,
    settled: Callable[[Outcome], None] | None,
) -> RunResult:
    refuse_unanswerable(agree)
    listener = None if settled is None else _Listener(settled)
    with Run(asked, settled=listener) as run:
        prepared = await in_thread(run.prepare)
        if agree is not None and agree is not True:
            beside = await in_thread(prepared.beside, Consent.PROGRAM)
            if beside.refused is not None:
                raise beside.refused
            await consent_of(agree, prepared.plan)
        try:
            finished = await prepared.execute(
                None if agree is None else Consent.PROGRAM,
                # A guardrail is answered by somebody who has seen the plan.
                answered=agree is not None and agree is not True,
            )
        except Exception:
            if listener is not None and listener.raised is not None:
                raise listener.raised from None
            raise
        if listener is not None and listener.raised is not None:
            raise listener.raised
        return finished.result_or_defect()


class _CallbackFailed(BulkagentError):
    """The program's own `settled` raised, which stops the run and is no defect of bulkagent's."""


class _Listener:
    """Hears outcomes, and keeps what it raises: on its way out that is wrapped by task groups."""

    def __init__(self, settled: Callable[[Outcome], None]) -> None:
        self._settled = settled
        self.raised: Exception | None = None

    def __call__(self, outcome: Outcome) -> None:
        try:
            self._settled(outcome)
        except Exception as error:
            self.raised = self.raised or error
            raise _CallbackFailed(f"settled= raised {type(error).__name__}") from error


AgainT = TypeVar("AgainT", bound=FollowUpRequest)


def _again(request: AgainT, run: str, settings: Mapping[str, Any] | None) -> AgainT:
    choices = request.choices
    if settings is not None:
        # Above are this function, `resume` or `revert`, and the program.
        settings = accept_former(settings, by=5)
        unknown = sorted(set(settings) - set(Settings.__struct_fields__))
        if unknown:
            meant = did_you_mean(nearest(unknown[0], Settings.__struct_fields__))
            raise SettingsRefused(f"there is no setting {', '.join(unknown)}{meant}")
        if settings.get("ledger") is not None:
            settings = {**settings, "ledger": Path(settings["ledger"])}
        choices = msgspec.structs.replace(choices, explicit={**choices.explicit, **settings})
    return msgspec.structs.replace(request, run=run, choices=choices)
