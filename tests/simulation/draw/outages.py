"""Troubles of gateways, of the ways there, and of sessions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.simulation.draw.draft import Draft
from tests.simulation.draw.faults import (
    FAULTS,
    OF_CONNECTIONS,
    OF_REQUESTS,
    OF_SOURCES,
    draw_fault,
)
from tests.simulation.world import FaultKind, GatewayModel, SourceKind


def _faults(draft: Draft, kinds: Sequence[FaultKind], most: int) -> None:
    for _ in range(draft.dice.size(1, most)):
        gateway = draft.dice.one_of(draft.gateways).name
        draft.faults.append(
            draw_fault(
                draft.dice,
                draft.dice.one_of(kinds),
                gateway,
                draft.window(),
                timeout_s=draft.timeout_s,
                agents=draft.agents_at(gateway),
            )
        )


def some_fault(draft: Draft) -> None:
    """One fault of any kind."""
    _faults(draft, tuple(FAULTS), 1)


def many_faults(draft: Draft) -> None:
    """Several faults of any kind, some of them at once."""
    _faults(draft, tuple(FAULTS), 6)


def bad_requests(draft: Draft) -> None:
    """Requests that are refused, lost, reset or answered by nonsense."""
    _faults(draft, OF_REQUESTS, 4)


def no_connection(draft: Draft) -> None:
    """Nothing leaves for a while."""
    _faults(draft, OF_CONNECTIONS, 2)


def slow_gateway(draft: Draft) -> None:
    """Answers around the time-out and beyond, while the gateway goes on working."""
    _faults(draft, (FaultKind.SLOW, FaultKind.SLOW, FaultKind.RESET_AFTER), 3)


def lost_answers(draft: Draft) -> None:
    """Effects without an answer, and requests without an effect."""
    _faults(draft, (FaultKind.LOST_ANSWER, FaultKind.LOST_REQUEST, FaultKind.RESET_AFTER), 3)


def strays(draft: Draft) -> None:
    """Replies that nobody asked for, beside refusals that one of them could hide."""
    _faults(draft, (FaultKind.STRAY,), 2)
    if draft.dice.chance(0.7):
        _faults(draft, (FaultKind.REFUSES,), 2)


def turned_away(draft: Draft) -> None:
    """HTTP 429 and the like, with a hint or without."""
    _faults(draft, (FaultKind.STATUS,), 3)


def _change(draft: Draft, place: int, **fields: object) -> None:
    draft.gateways[place] = msgspec.structs.replace(draft.gateways[place], **fields)


def _one(draft: Draft) -> tuple[int, GatewayModel]:
    place = draft.dice.whole(0, len(draft.gateways) - 1)
    return place, draft.gateways[place]


def failover(draft: Draft) -> None:
    """A gateway moves to its standby, and may forget talk rights."""
    place, gateway = _one(draft)
    failovers = [
        (window.begins_s, round(window.ends_s - window.begins_s, 3), draft.dice.number(0, 1))
        for window in (draft.window(20) for _ in range(draft.dice.size(1, 2)))
    ]
    first = sorted((*gateway.failovers, *failovers))
    # One begins when the other is over: a standby has no standby.
    apart = [first[0]]
    for begins_s, length_s, share in first[1:]:
        if begins_s >= apart[-1][0] + apart[-1][1]:
            apart.append((begins_s, length_s, share))
    _change(draft, place, failovers=tuple(apart))


def _settled_agents(draft: Draft, gateway: GatewayModel) -> list[str]:
    """Those whose session is not drawn yet."""
    drawn = {**gateway.absent, **gateway.leaves, **gateway.newer}
    return [agent for agent in draft.agents_at(gateway.name) if agent not in drawn]


def absent_agents(draft: Draft) -> None:
    """Agents who sign in only later."""
    place, gateway = _one(draft)
    if agents := _settled_agents(draft, gateway):
        late = draft.dice.some_of(agents, max(2, len(agents) // 4))
        signs_in = {agent: round(draft.moment() + draft.dice.scale(0.5, 90), 3) for agent in late}
        _change(draft, place, absent={**gateway.absent, **signs_in})


def leaving_agents(draft: Draft) -> None:
    """Agents whose sessions end, before they are set or after it."""
    place, gateway = _one(draft)
    if agents := _settled_agents(draft, gateway):
        gone = draft.dice.some_of(agents, max(2, len(agents) // 6))
        leaves = {agent: draft.moment(-0.5) for agent in gone}
        _change(draft, place, leaves={**gateway.leaves, **leaves})


def new_sessions(draft: Draft) -> None:
    """Agents who sign out and in again, so that GUIDs age."""
    place, gateway = _one(draft)
    if agents := _settled_agents(draft, gateway):
        anew = draft.dice.some_of(agents, max(2, len(agents) // 3))
        newer = {agent: draft.moment(-0.5) for agent in anew}
        _change(draft, place, newer={**gateway.newer, **newer})


def bad_source(draft: Draft) -> None:
    """The service of GUIDs is unwell."""
    draft.source = SourceKind.SERVICE
    for _ in range(draft.dice.size(1, 3)):
        kind = draft.dice.one_of(OF_SOURCES)
        drawn = draw_fault(draft.dice, kind, "", draft.window(20), timeout_s=draft.timeout_s)
        draft.source_faults.append(drawn)
