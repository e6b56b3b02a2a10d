"""Whether somebody agreed to what a run would do, and what has to be typed for that."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

from bulkagent.errors import ConsentRefused, GuardrailRefused
from bulkagent.run.plan.request import Plan, PlanPart

Agree: TypeAlias = Callable[[Plan], bool | Awaitable[bool]] | Literal[True]
"""What a program hands in: True, which agrees beforehand, or what is asked with the plan."""


class Consent(enum.StrEnum):
    """How a leg was agreed to, as the ledger keeps it."""

    TERMINAL = "terminal"
    """A person answered the question."""
    YES = "yes"
    """`--yes` was given beforehand."""
    PROGRAM = "program"
    """A Python program agreed."""


def refuse_unanswerable(agree: object) -> None:
    """Refuse what is neither an answer nor somebody to ask, before anything is read.

    Raises:
        ConsentRefused: It is neither.
    """
    if agree is None or agree is True or callable(agree):
        return
    if agree is False:
        raise ConsentRefused("agree=False: not agreed to; nothing was sent")
    raise ConsentRefused(
        f"agree={_shown(agree)} is no answer, so nothing was sent; give True, or a function that"
        " is called with the plan and returns True"
    )


def refuse_unagreed(plan: Plan, *, answered: bool, agreed: bool) -> None:
    """Refuse to send a plan that waits for somebody's answer.

    Args:
        plan: The plan.
        answered: Whether its guardrail has been answered or overridden.
        agreed: Whether somebody agreed, or nobody need.

    Raises:
        GuardrailRefused: Its guardrail has not been answered.
        ConsentRefused: Nobody agreed.
    """
    if plan.guardrail and not answered:
        raise GuardrailRefused(
            f"run {plan.run_id} was halted: {plan.guardrail}. Nothing was sent: a person must look;"
            " then answer the question, or give --override REASON",
            totals=plan.totals,
            halted=True,
        )
    if not agreed:
        raise ConsentRefused(
            "nobody agreed to the plan, so nothing was sent; give agree= a function that is"
            " called with the plan, or agree=True to agree beforehand",
            totals=plan.totals,
        )


async def consent_of(agree: Callable[[Plan], object], plan: Plan) -> None:
    """Ask, and wait for an answer that takes its time. Only True agrees, nothing that is like it.

    What the callback raises comes back as it is.

    Raises:
        ConsentRefused: The answer is not True.
    """
    answer = agree(plan)
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is True:
        return
    if inspect.iscoroutine(answer):
        answer.close()  # or the interpreter would warn that nobody awaited it
    if answer is False:
        raise ConsentRefused("not agreed to; nothing was sent", totals=plan.totals)
    raise ConsentRefused(
        f"agree= answered {_shown(answer)}, and only True agrees; nothing was sent",
        totals=plan.totals,
    )


def _shown(answer: object) -> str:
    """What it was, without calling code of its own to say so."""
    if answer is None or type(answer) in {str, bytes, int, float}:
        text = repr(answer)
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return f"an object of {type(answer).__module__}.{type(answer).__qualname__}"


_LONGEST_SHOWN = 40


MANY = 500
"""Above so many, a number is typed whatever else is known (design of the consent)."""
_SOME = 100
"""From so many on, it depends on how large the gateway is known to be."""


def going_off(parts: Iterable[PlanPart]) -> dict[str, int]:
    """How many agents a plan takes off at each gateway."""
    off: dict[str, int] = {}
    for part in parts:
        if part.flag == "0" and part.agents:
            off[part.gateway] = off.get(part.gateway, 0) + part.agents
    return off


class NumberToType(msgspec.Struct, frozen=True):
    """The number that a person has to type, and why."""

    number: int
    """All agents that go off; 0 where a word is enough."""
    most_of: str = ""
    """The gateway of whose agents they are more than half; "" where the number alone is large."""


def number_to_type(off: Mapping[str, int], set_before: Callable[[str, int], int]) -> NumberToType:
    """The number that a person has to type before so many agents stop taking calls.

    A whole shift that nobody answers begins with a wrong file and a quick "y". So a number is
    typed for more than 500 agents, and from 100 on for more than half of those whom earlier runs
    have set at that gateway.

    Args:
        off: Agents that go off, by gateway.
        set_before: How many agents earlier runs have set at a gateway, counted up to a number.
    """
    total = sum(off.values())
    if total > MANY:
        return NumberToType(total)
    for gateway, agents in off.items():
        if agents >= _SOME and 0 < set_before(gateway, 2 * agents) < 2 * agents:
            return NumberToType(total, gateway)
    return NumberToType(0)
