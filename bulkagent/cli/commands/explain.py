"""`bulkagent explain`: what a code means, what is done about it, what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bulkagent.cli.console.terminal import print_data, print_json, width_of, wrapped
from bulkagent.cli.options.given import Given

if TYPE_CHECKING:
    from bulkagent.explanations import Explanation


def explain(given: Given) -> None:
    """Say what a code means, what bulkagent does about it, and what to do.

    Example: bulkagent explain 100-006

    Example: bulkagent explain not_signed_in
    """
    from bulkagent.cli.render.table import table
    from bulkagent.explanations import explain as look_up
    from bulkagent.explanations import explanations

    code = given["code"]
    width = width_of(sys.stdout)
    found = tuple(explanations()) if code is None else look_up(code)
    if given["kind"] is not None:
        found = tuple(each for each in found if each.kind == given["kind"])
    if given["json"]:
        print_json({"codes": found})
    elif code is None:
        rows = [(each.kind, each.code, each.meaning) for each in found]
        print_data(table(("kind", "code", "meaning"), rows, spare=("kind",), width=width))
    else:
        lines = (line for each in found for line in _told(each))
        print_data("\n".join(part for line in lines for part in wrapped(line, width)))


def _told(each: Explanation) -> list[str]:
    return [
        f"{each.kind} {each.code}: {each.meaning}",
        *(f"        {sentence}" for sentence in each.done),
        f"to do   {each.advice}",
        *([f"more    bulkagent guide {each.topic}"] if each.topic else []),
    ]
