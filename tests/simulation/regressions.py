"""Seeds whose mornings once found a fault, and what it was. They are lived again and again."""

from __future__ import annotations

from collections.abc import Mapping

REGRESSIONS: Mapping[int, str] = {
    605: "a new run's floor did not count the agents whom another run had taken off",
}
"""Seed -> what it found."""
