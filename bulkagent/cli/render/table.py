"""Tables for people, as wide as their terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bulkagent.reports import printable
from bulkagent.text.columns import columns_of, padded

_GAP = "  "


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Collection[str] = (),
    spare: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Rows under their heads, a line each; a column that is empty in every row is left out.

    Args:
        heads: What stands over the columns.
        rows: As many cells each; what a terminal would obey in them is spelled out.
        numbers: The columns that are flush right.
        spare: The columns that may be left out, in that order, until it fits.
        width: Columns that there are; None: as many as it takes.
    """
    safe = [[printable(cell) for cell in row] for row in rows]
    widths = {
        head: max(columns_of(head), *(columns_of(row[at]) for row in safe))
        for at, head in enumerate(heads)
        if any(row[at] for row in safe)
    }
    for head in spare:
        if width is None or sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width:
            break
        widths.pop(head, None)
    lines: list[str] = []
    for row in (heads, *safe):
        cells = [
            padded(cell, widths[head], right=head in numbers)
            for head, cell in zip(heads, row, strict=True)
            if head in widths
        ]
        lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines)
