"""`bulkagent resume`: go on with a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.cli.options.given import Given

if TYPE_CHECKING:
    from bulkagent.model import Cause


def resume(given: Given) -> int:
    """Go on with a run: try again every agent whom another attempt may help.

    A setting that you leave out is as it was for the run. The report covers the whole roster.

    Example: bulkagent resume last
    """
    from bulkagent.cli.commands.run_flow import carry_out
    from bulkagent.cli.options import values
    from bulkagent.cli.render import preview as screen
    from bulkagent.run import Resume, Run

    request = Resume(
        run=given["run"],
        only=_causes(given["only"]),
        override=given.text("override"),
        **values.again_of(given),
    )
    return carry_out(Run(request), screen.opening_again, given)


def _causes(text: str | None) -> frozenset[Cause]:
    from bulkagent.errors import SettingsRefused
    from bulkagent.model import Cause

    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    known = {cause.value: cause for cause in Cause}
    for name in names:
        if name not in known:
            raise SettingsRefused(
                f"--only: there is no cause {name!r}. The report's column cause has those of the"
                f" run; known are {', '.join(known)}"
            )
    return frozenset(known[name] for name in names)
