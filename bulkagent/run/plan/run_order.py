"""The order of a run, and the conditions under which agents are set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import msgspec

from bulkagent.language import mark
from bulkagent.reasons import as_it_is
from bulkagent.settings import Settings


class RunOrder(msgspec.Struct, frozen=True):
    """The order in which agents are set, and what they wait for.

    `str` makes a sentence of it. It is false where there is no order to speak of.
    """

    groups: int = 0
    """How many groups hand over. 0: the run is no handover."""
    by: str = ""
    """The column that names the group. "" where all agents are one group."""
    gate: float = 0.0
    """From 0 to 1."""
    floor: float | None = None
    """From 0 to 1. None: there is none."""
    up_is_available: bool = False
    """Whether an agent is up only if a queue shows the agent available."""
    mixed: bool = False
    """Whether both flags are set in the order of the roster."""
    canaries: int = 0
    """How many agents are set first, to see how that ends."""
    wait_s: float | None = None
    """For how long the run waits for agents to sign in. None: it does not."""

    def sentence(self, say: Callable[[str], str] = as_it_is) -> str:
        """The order for people. `say` puts it into their language."""
        return say(mark("; ")).join(self._parts(say))

    __str__ = sentence

    def __bool__(self) -> bool:
        return self != RunOrder()

    def _parts(self, say: Callable[[str], str]) -> Iterator[str]:
        if self.groups:
            handover = (
                mark("handover by {by}, {groups:,} groups: agents coming on shift first")
                if self.by
                else mark("handover: agents coming on shift first")
            )
            yield say(handover).format(by=self.by, groups=self.groups)
            rules = mark("gate {gate}, no floor")
            if self.floor is not None:
                rules = mark("gate {gate}, floor {floor}")
            floor = _share(self.floor or 0.0)
            available = say(mark(", up means available")) if self.up_is_available else ""
            yield say(rules).format(gate=_share(self.gate), floor=floor) + available
        elif self.mixed:
            yield say(mark("no handover: all agents in the order of the roster"))
        if self.canaries:
            yield say(mark("{canaries:,} first as canaries")).format(canaries=self.canaries)
        if self.wait_s is not None:
            yield say(mark("up to {time} for agents to sign in")).format(time=_time(self.wait_s))


def order_of(settings: Settings, groups: int, flags: Collection[str]) -> RunOrder:
    """In which order, and under which conditions, agents are set.

    Args:
        settings: What is asked for.
        groups: How many groups hand over. 0: it is no handover.
        flags: The flags that are set.
    """
    return RunOrder(
        groups=groups,
        by=settings.group_by if groups else "",
        gate=settings.gate if groups else 0.0,
        floor=settings.floor if groups else None,
        up_is_available=bool(groups) and settings.up_means == "available",
        mixed=not groups and len(flags) > 1,
        canaries=settings.canary,
        wait_s=settings.wait_for_sign_in_s,
    )


def _share(share: float) -> str:
    return f"{100 * share:g}%"


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:g} min" if minutes >= 1 else f"{seconds:g} s"
