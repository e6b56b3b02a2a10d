"""The verdict of a run: how many agents, in which direction, where and when.

The summary on the screen and the page begin with it, so it is said in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from bulkagent.language import mark
from bulkagent.reports.sanitize import printable

Translate = Callable[[str], str]
"""Puts a marked sentence into the reader's language."""


class AgentsSet(msgspec.Struct, frozen=True):
    """How many agents are set, of how many."""

    applied: int
    agents: int


def total_of(sets: Iterable[AgentsSet]) -> AgentsSet:
    """All of them together."""
    counts = list(sets)
    return AgentsSet(sum(each.applied for each in counts), sum(each.agents for each in counts))


class VerdictFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the sentence says. Texts are as the roster and the configuration have them."""

    roster: str
    """The job, or the name of the file; "" where neither is known."""
    time: str
    """When it ended, with the zone."""
    gateways: Sequence[str]
    by_flag: Mapping[str, AgentsSet]
    """By `1`, `0` or ""; the last where nobody can tell what agents may do now."""
    contradicted: int = 0
    """Agents of whom a queue shows the contrary."""
    set_otherwise: int = 0
    """Agents that the run has set and a later run has set otherwise."""
    left_out: int = 0
    """Lines of the roster that were left out."""
    some_left_out: Sequence[tuple[int, str]] = ()
    """Row and agent of the first of them; "" for an agent that nothing stands for."""


def word_of(state: str, exit_code: int | None, applied: int, *, set_otherwise: int = 0) -> str:
    """The word that the verdict begins with, marked.

    Args:
        state: Of the run.
        exit_code: Of its last leg.
        applied: How many agents are set.
        set_otherwise: How many of them a later run has set otherwise.
    """
    if state in _WORDS:
        return _WORDS[state]
    if exit_code == 0 and not set_otherwise:
        return _DONE
    return _SHORT if applied else _FAILED


_DONE, _SHORT, _FAILED = mark("DONE"), mark("SHORT"), mark("FAILED")
_WORDS = {"interrupted": mark("STOPPED"), "halted": mark("HALTED")}


def verdict_of(facts: VerdictFacts, translate: Translate) -> str:
    """The sentence."""
    text = _agents(facts, translate)
    if facts.contradicted:
        shows = translate(mark("; the queue shows {agents:,} otherwise"))
        text += shows.format(agents=facts.contradicted)
    if facts.set_otherwise:
        since = translate(mark("; a later run has set {agents:,} of them otherwise since"))
        text += since.format(agents=facts.set_otherwise)
    return text + _left_out(facts, translate)


def _agents(facts: VerdictFacts, translate: Translate) -> str:
    words = {
        "roster": printable(facts.roster) or translate(mark("the roster")),
        "where": _where([printable(gateway) for gateway in facts.gateways], translate),
        "time": facts.time,
    }
    if not any(each.agents for each in facts.by_flag.values()):
        return translate(mark("no agent of {roster} had to be set, {time}")).format(**words)
    if facts.by_flag.keys() == {"0", "1"}:
        up, off = facts.by_flag["1"], facts.by_flag["0"]
        return translate(_BOTH).format(
            up=up.applied, incoming=up.agents, off=off.applied, outgoing=off.agents, **words
        )
    # What agents may do now nobody can tell where one flag is not known.
    flag = next(iter(facts.by_flag)) if len(facts.by_flag) == 1 else ""
    only = total_of(facts.by_flag.values())
    if not only.applied and flag in _NOBODY_SET:
        return translate(_NOBODY_SET[flag]).format(agents=only.agents, **words)
    one, several = _SENTENCES[flag]
    return translate(one if only.agents == 1 else several).format(
        applied=only.applied, agents=only.agents, **words
    )


_BOTH = mark(
    "{up:,} of {incoming:,} agents of {roster} coming on shift MAY TAKE calls and"
    " {off:,} of {outgoing:,} going off shift TAKE NO calls on {where}, {time}"
)
_SENTENCES = {
    "1": (
        mark("{applied:,} of {agents:,} agent of {roster} MAY TAKE calls on {where}, {time}"),
        mark("{applied:,} of {agents:,} agents of {roster} MAY TAKE calls on {where}, {time}"),
    ),
    "0": (
        mark("{applied:,} of {agents:,} agent of {roster} TAKES NO calls on {where}, {time}"),
        mark("{applied:,} of {agents:,} agents of {roster} TAKE NO calls on {where}, {time}"),
    ),
    "": (
        mark("{applied:,} of {agents:,} agent of {roster} is set, {time}"),
        mark("{applied:,} of {agents:,} agents of {roster} are set, {time}"),
    ),
}
"""By flag: what agents may do now, of one agent and of several; "" where nobody can tell."""


# "0 agents TAKE NO calls" could be read as its contrary, and of agents who are not set nobody
# knows here what they may do.
_NOBODY_SET = {
    "1": mark("0 of {agents:,} agents of {roster} were set to TAKE calls on {where}, {time}"),
    "0": mark("0 of {agents:,} agents of {roster} were set to TAKE NO calls on {where}, {time}"),
}


def _where(gateways: Sequence[str], translate: Translate) -> str:
    if len(gateways) > _GATEWAYS_SHOWN:
        return translate(mark("{number:,} gateways")).format(number=len(gateways))
    return enumerated(gateways, translate) if gateways else translate(mark("the gateway"))


_GATEWAYS_SHOWN = 4


def _left_out(facts: VerdictFacts, translate: Translate) -> str:
    if not facts.left_out:
        return ""
    some = [
        printable(agent) or translate(mark("line {row}")).format(row=row)
        for row, agent in facts.some_left_out[:LINES_SHOWN]
    ]
    more = ["..."] if facts.left_out > len(some) else []
    text = translate(_ONE_LEFT_OUT if facts.left_out == 1 else _SEVERAL_LEFT_OUT)
    return text.format(lines=facts.left_out, some=translate(mark(", ")).join([*some, *more]))


_ONE_LEFT_OUT = mark("; {lines:,} line left out: {some}")
_SEVERAL_LEFT_OUT = mark("; {lines:,} lines left out: {some}")

LINES_SHOWN = 3
"""Lines that were left out and that the verdict names."""

NO_USE = mark("nothing: a resume would not help those who are not set")
"""What to type next where what is not set is refused for good."""


def gateways_of(sets: Mapping[str, AgentsSet], translate: Translate) -> str:
    """How many agents are set at each gateway; "" where they are one, or where all are set."""
    if len(sets) < 2 or all(each.applied >= each.agents for each in sets.values()):  # noqa: PLR2004 - one needs no comparison
        return ""
    each_of = translate(mark("{gateway} {applied:,} of {agents:,}"))
    return translate(mark(", ")).join(
        each_of.format(gateway=printable(name), applied=each.applied, agents=each.agents)
        for name, each in sets.items()
    )


def enumerated(names: Sequence[str], translate: Translate) -> str:
    """Names in a row, the last after "and"."""
    *most, last = names
    if not most:
        return last
    return translate(mark("{names} and {last}")).format(
        names=translate(mark(", ")).join(most), last=last
    )
