"""The order of a run, said for people before it begins."""

from __future__ import annotations

from collections.abc import Collection

from bulkagent.settings import Settings


def order_of(settings: Settings, groups: int, flags: Collection[str]) -> str:
    """In which order, and under which conditions, agents are set; "" where there is nothing to say.

    Args:
        settings: What is asked for.
        groups: How many groups hand over; 0: it is no handover.
        flags: The flags that are set.
    """
    said = []
    if groups:
        by = f" by {settings.group_by}, {groups:,} groups" if settings.group_by else ""
        floor = "no floor" if settings.floor is None else f"floor {_share(settings.floor)}"
        up = ", up means available" if settings.up_means == "available" else ""
        said.append(
            f"handover{by}: agents coming on shift first; gate {_share(settings.gate)}, {floor}{up}"
        )
    elif len(flags) > 1:
        said.append("no handover: all agents in the order of the roster")
    if settings.canary:
        said.append(f"{settings.canary:,} first as canaries")
    if settings.wait_for_sign_in_s is not None:
        said.append(f"up to {_time(settings.wait_for_sign_in_s)} for agents to sign in")
    return "; ".join(said)


def _share(share: float) -> str:
    return f"{100 * share:g}%"


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:g} min" if minutes >= 1 else f"{seconds:g} s"
