"""Options about seeing whether what was set is so.

What may live here: names and help. What this room must not know: what a command does with them.
"""

from __future__ import annotations

from typing import Annotated

from bulkagent.cli.options.option import option

__all__ = ["VerifyAgainAfter", "VerifyWith"]

VerifyWith = Annotated[
    list[str] | None,
    option(
        "--verify-with",
        metavar="AGENT:SKILL",
        help="Ask as this agent, before and after, who of the skill queue takes calls, and report"
        " whom that proves right or wrong; repeatable, none for nobody. GATEWAY/AGENT:SKILL where"
        " there are several gateways.",
    ),
]
VerifyAgainAfter = Annotated[
    str | None,
    option(
        "--verify-again-after",
        metavar="TIME",
        help="Where that proves somebody wrong, ask once more after so long; none: believe it."
        "  [2s]",
    ),
]
