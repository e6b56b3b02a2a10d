"""The columns of a report: ours first, then the roster's own, each name once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

COLUMNS: tuple[str, ...] = (
    "row",
    "agent_id",
    "gateway",
    "flag",
    "status",
    "cause",
    "retcode",
    "message",
    "http_status",
    "attempts",
    "latency_ms",
    "first_sent_at",
    "finished_at",
)
"""The report's own columns, in order. Part of the contract: programs read them by name."""


def header(extra_columns: Sequence[str], spelled: Callable[[str], str]) -> tuple[str, ...]:
    """All column names of a report, each once, in the order of their cells.

    A roster column that is named like one of ours becomes `roster_<name>`. Where two would
    then be the same, the one that had to change (or else the later one) gets a number: `_2`.

    Args:
        extra_columns: the roster's own columns, as the roster names them.
        spelled: how the format writes a name. Asked first, because two names can differ only
            in what a format cannot write.
    """
    wanted = [spelled(name) for name in extra_columns]
    reserved = {*COLUMNS, *wanted}
    taken = set(COLUMNS)
    names = list(COLUMNS)
    for name in wanted:
        base = unique = f"roster_{name}" if name in COLUMNS else name
        number = 1
        while unique in taken or (unique != name and unique in reserved):
            number += 1
            unique = f"{base}_{number}"
        taken.add(unique)
        names.append(unique)
    return tuple(names)


def fitted(extra: tuple[str, ...], width: int) -> tuple[str, ...]:
    """A row's own cells, filled up with empty ones to the number of the roster's own columns.

    Raises:
        ValueError: there are more cells than columns; no name would stand above the rest.
    """
    if len(extra) > width:
        raise ValueError(f"{len(extra)} cells for {width} roster columns")
    return extra + ("",) * (width - len(extra))
