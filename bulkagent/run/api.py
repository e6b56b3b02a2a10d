"""What the commands do, as two functions for Python programs.

What may live here: the calls that `bulkagent` exports. What this room must not know: the
command line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio.to_thread
import msgspec

from bulkagent.errors import ConsentRefused
from bulkagent.outcome import Outcome
from bulkagent.run.planning import check_roster
from bulkagent.run.request import EMULATED, Plan, Request, RunResult
from bulkagent.run.running import Run
from bulkagent.settings import ConfigFile, Settings

__all__ = ["apply", "check"]


async def apply(
    roster: str | os.PathLike[str],
    *,
    gateway: str,
    flag: int | None = None,
    reports: Sequence[str | os.PathLike[str]] | None = None,
    settings: Settings | None = None,
    request: Request | None = None,
    agree: Callable[[Plan], bool] | None = None,
    settled: Callable[[Outcome], None] | None = None,
) -> RunResult:
    """Set every agent of a roster, and write its reports.

    Args:
        roster: Path of the roster.
        gateway: `https://HOST:PORT`, a name in `settings.gateways`, or `emulated`.
        flag: 1: may take inbound calls, 0: may not; None where the roster has a flag column.
        reports: Where reports go, format by suffix; none: a CSV report in the current folder.
        settings: Limits and timeouts; gentle by default, unlimited for `emulated`.
        request: Everything else that can be asked for; the arguments that are given go over it.
        agree: Asked with the plan before anything is sent; False refuses.
        settled: Called on the event loop with each outcome once it is on disk.

    Raises:
        BulkagentError: It was refused, and nothing was sent.
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
    with Run(asked, settled=settled) as run:
        plan = await anyio.to_thread.run_sync(run.prepare)
        if agree is not None and not agree(plan):
            await anyio.to_thread.run_sync(run.discard)
            raise ConsentRefused("not agreed to; nothing was sent")
        return await run.execute()


def check(
    roster: str | os.PathLike[str], *, flag: int | None = None, request: Request | None = None
) -> Plan:
    """Read and check a roster: what would be sent. Sends and records nothing.

    Raises:
        RosterRefused: The roster cannot be used; its `bad_rows` say where and why.
    """
    return check_roster(
        msgspec.structs.replace(request or Request(roster=""), roster=os.fspath(roster), flag=flag)
    )
