"""`bulkagent revert`: set back what a run changed."""

from __future__ import annotations

from bulkagent.cli.options.given import Given


def revert(given: Given) -> int:
    """Give agents that a run changed, or may have changed, their earlier talk right back.

    It is a run of its own. The ledger knows the earlier talk rights. A setting that you leave out
    is as it was for the run that is reverted.

    Example: bulkagent revert last
    """
    from bulkagent.cli.commands.run_flow import carry_out
    from bulkagent.cli.options import values
    from bulkagent.cli.render import preview as screen
    from bulkagent.run import Revert, Run

    request = Revert(
        run=given["run"],
        assume_opposite=given["assume_opposite"],
        **values.again_of(given),
    )
    return carry_out(Run(request), screen.opening_again, given)
