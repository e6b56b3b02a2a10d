"""Medians, ratios pair by pair, and tables of them.

What may live here: arithmetic over figures, and their spelling. What this room must not know:
what was measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

__all__ = ["Table", "median", "ratio", "spread"]


def median(figures: Sequence[float]) -> float:
    """The median; NaN of none."""
    return statistics.median(figures) if figures else float("nan")


def ratio(figures: Sequence[float], of: Sequence[float]) -> float:
    """The median of the ratios of what was measured one after the other."""
    return median([figure / other for figure, other in zip(figures, of, strict=False) if other])


def spread(figures: Sequence[float], of: Sequence[float]) -> str:
    """That ratio with the lowest and the highest."""
    ratios = [figure / other for figure, other in zip(figures, of, strict=False) if other]
    if not ratios:
        return "-"
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


class Table:
    """A Markdown table; the first column is words, the others are figures."""

    def __init__(self, *names: str) -> None:
        self._rows: list[tuple[str, ...]] = [names, ("---", *("---:" for _ in names[1:]))]

    def add(self, *cells: str) -> None:
        """One row more."""
        self._rows.append(cells)

    def __str__(self) -> str:
        return "\n".join(f"| {' | '.join(row)} |" for row in self._rows)
