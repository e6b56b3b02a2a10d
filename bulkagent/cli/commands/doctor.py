"""`bulkagent doctor`: is everything as a run at a gateway needs it; and what does its site do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bulkagent.cli.console.signals import leaving_on_signals
from bulkagent.cli.console.terminal import print_data, print_json, width_of, wrapped
from bulkagent.cli.options.given import Given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulkagent.diagnostics import Finding


def doctor(given: Given) -> int:
    """Check everything between this machine and a gateway, and say what to fix. Nobody is set.

    With --pilot, and with consent, it sets one test agent to 0 and to 1. Then it says how this
    site behaves.

    Example: bulkagent doctor --gateway east --roster shift.csv

    Example: bulkagent doctor --gateway east --pilot 4711 --roster test.csv --verify-with 105:7
    """
    from bulkagent.cli.console.event_loop import run_on_loop
    from bulkagent.cli.options import values
    from bulkagent.clock import SystemClock
    from bulkagent.diagnostics import CheckRequest, CheckStatus, run_checks

    pilot: str | None = given["pilot"]
    target = values.target_of(given)
    asked = CheckRequest(
        target=target,
        settings=values.settings_of(given, emulated=target.emulated),
        roster=given.text("roster"),
        agent=(given["agent"] if pilot is None else pilot) or "",
    )
    if pilot is not None:
        from bulkagent.cli.commands.pilot import carry_out_pilot

        return carry_out_pilot(asked, yes=given["yes"], as_json=given["json"])
    with leaving_on_signals():
        found = run_on_loop(run_checks(asked, SystemClock()))
    _print(found, as_json=given["json"])
    return 2 if any(each.verdict is CheckStatus.FAILED for each in found) else 0


def _print(found: Sequence[Finding], *, as_json: bool) -> None:
    from bulkagent.cli.render.table import table
    from bulkagent.guide import topic_for_check

    if as_json:
        print_json({"findings": found})
        return
    width = width_of(sys.stdout)
    rows = [(each.verdict, each.check, each.seen) for each in found]
    lines = table(("", "check", "seen"), rows).split("\n")
    wrong = [each for each in found if each.fix]
    lines.extend(f"fix     {each.check}: {each.fix}" for each in wrong)
    topics = dict.fromkeys(topic_for_check(each.check) for each in wrong)
    lines.extend(f"more    bulkagent guide {topic}" for topic in topics if topic)
    print_data("\n".join(part for line in lines for part in wrapped(line, width)))
