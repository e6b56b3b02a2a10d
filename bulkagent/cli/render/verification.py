"""The lines of the summary about the verification of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.language import translate
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
    seen = translate("{yes:,} verified, {no:,} not as set, {hidden:,} not visible")
    text = [labelled(Label.SEEN, seen.format(yes=yes, no=no, hidden=hidden))]
    if no:
        more = ", ..." if no > len(verdicts.agents) else ""
        text.append(f"not as set {no:,}: {', '.join(verdicts.agents)}{more}")
        answered = translate(
            "the gateway answered that they are set, and its queue shows otherwise"
        )
        text.append(labelled(Label.NOTHING, answered))
        to_do = translate("see to their desktops, then apply a roster of them again")
        text.append(labelled(Label.TO_DO, to_do))
    if unseen:
        looked = translate("not everything could be looked at: {why}")
        text.append(labelled(Label.NOTE, looked.format(why=unseen)))
    elif hidden:
        text.append(
            labelled(
                Label.NOTE,
                translate(
                    "those not visible were in no list, or have signed out; --verify-with takes an"
                    " observer for each queue"
                ),
            )
        )
    return text
