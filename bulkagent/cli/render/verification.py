"""The lines of the summary about the verification of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.model import Verified

if TYPE_CHECKING:
    from bulkagent.ledger import VerificationCounts


def verified_as_lines(verdicts: VerificationCounts | None, unseen: str = "") -> list[str]:
    """How many agents were seen to be as wanted, which are not, and what hid the others."""
    if verdicts is None:
        return []
    counts = verdicts.counts
    yes, hidden = counts[Verified.YES], counts[Verified.NOT_VISIBLE]
    no = verdicts.contradicted
    text = [f"seen    {yes:,} verified, {no:,} not as set, {hidden:,} not visible"]
    if no:
        more = ", ..." if no > len(verdicts.agents) else ""
        text.append(f"not as set {no:,}: {', '.join(verdicts.agents)}{more}")
        text.append(
            "        the gateway answered that they are set, and its queue shows the contrary; see"
            " to their desktops, then apply a roster of them again"
        )
    if unseen:
        text.append(f"note    not everything could be looked at: {unseen}")
    elif hidden:
        text.append(
            "note    those not visible were in no list, or have signed out; --verify-with takes an"
            " observer for each queue"
        )
    return text
