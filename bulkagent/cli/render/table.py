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
    told: bool = False,
) -> str:
    """Rows under their heads, a line each; a column that is empty in every row is left out.

    Args:
        heads: What stands over the columns.
        rows: As many cells each; what a terminal would obey in them is spelled out.
        numbers: The columns that are flush right.
        spare: The columns that may be left out, in that order, until it fits.
        width: Columns that there are; None: as many as it takes.
        told: Whether a last line says which columns were left out for want of width.
    """
    safe = [[printable(cell) for cell in row] for row in rows]
    widths = {
        head: max(columns_of(head), *(columns_of(row[at]) for row in safe))
        for at, head in enumerate(heads)
        if any(row[at] for row in safe)
    }
    spared: list[str] = []
    for head in spare:
        if width is None or sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width:
            break
        if widths.pop(head, None) is not None:
            spared.append(head)
    lines: list[str] = []
    for row in (heads, *safe):
        cells = [
            padded(cell, widths[head], right=head in numbers)
            for head, cell in zip(heads, row, strict=True)
            if head in widths
        ]
        lines.append(_GAP.join(cells).rstrip())
    if told and spared:
        left_out = ", ".join(head for head in heads if head in spared)
        lines.append(f"columns left out: {left_out}; widen the terminal")
    return "\n".join(lines)
