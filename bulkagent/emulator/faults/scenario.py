"""A scenario: how the emulated gateway misbehaves, as frozen records that cannot be wrong.

The `description` of each field is what a person reads after getting it wrong.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

from bulkagent.emulator.faults.latency import Capacity, ColdStart, Latency
from bulkagent.emulator.faults.outages import Outage, SwitchOver
from bulkagent.emulator.faults.scope import MOST_NODES, FaultScope, Ids, find_excess
from bulkagent.emulator.protocol.agent_ids import AgentIds
from bulkagent.emulator.protocol.limits import Keys, Milliseconds, RetryAfter, check_keys

FailureCode = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{3}-[0-9]{3}\Z",
        description='Give the result code of a failure: "000-004".',
    ),
]


class FaultKind(enum.StrEnum):
    """The ways in which a settalkright request can go wrong; `kinds.py` has the effect of each."""

    RETCODE = "retcode"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    LOST_ANSWER = "lost_answer"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"
    TRUNCATED = "truncated"
    OVERSIZED = "oversized"
    NOT_JSON = "not_json"
    HTML = "html"
    REDIRECT = "redirect"
    TOO_MANY = "too_many"
    NO_RETCODE = "no_retcode"
    GBK = "gbk"
    LOOSE = "loose"
    NO_EFFECT = "no_effect"


COMMON_FAULT_KEYS = ("kind", "per_agent", *FaultScope.__struct_fields__)

FAULT_KEYS: Mapping[FaultKind, Keys] = MappingProxyType(
    dict.fromkeys(FaultKind, Keys())
    | {
        FaultKind.RETCODE: Keys(frozenset({"retcode"}), frozenset({"message"})),
        FaultKind.LOST_ANSWER: Keys(allowed=frozenset({"retcode", "message"})),
        FaultKind.UNAVAILABLE: Keys(allowed=frozenset({"status", "retry_after"})),
        FaultKind.SLOW: Keys(needed=frozenset({"milliseconds"})),
        FaultKind.TOO_MANY: Keys(allowed=frozenset({"retry_after"})),
        FaultKind.GBK: Keys(allowed=frozenset({"retcode", "message"})),
    }
)


class ScenarioFault(FaultScope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way in which a share of the settalkright requests goes wrong.

    Requests out of its scope go well, unless another fault strikes them.
    """

    kind: Annotated[FaultKind, Meta(description=f"Give one of {', '.join(FaultKind)}.")]
    per_agent: (
        Annotated[int, Meta(ge=1, le=1_000_000, description="Give a number from 1.")] | None
    ) = None
    """At most that many times for one agent: the first attempts fail, the later ones do not."""
    retcode: FailureCode | None = None
    message: Annotated[str, Meta(description="Give a text.")] | None = None
    status: Annotated[int, Meta(description="Give one of 500, 502, 503 and 504.")] | None = None
    """unavailable: the HTTP status, 503 where it is not given."""
    milliseconds: Milliseconds | None = None
    """slow: how much longer than the others it is held."""
    retry_after: RetryAfter | None = None
    """The Retry-After header, verbatim, even where it means nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_keys(self, self.kind, FAULT_KEYS[self.kind], COMMON_FAULT_KEYS)
        if self.status not in (None, 500, 502, 503, 504):
            raise ValueError(f"`status` is {self.status}: give one of 500, 502, 503 and 504")
        if self.kind is FaultKind.GBK and self.message is not None:
            try:
                self.message.encode("gbk")
            except UnicodeEncodeError:
                raise ValueError(
                    "`message` has characters that GBK does not have: use others"
                ) from None


LONGEST_SKILL = 9
"""Digits of the number of a skill queue: pages 0414 and 1025 say that it is an int."""


class AgentRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Agents with special rules."""

    signed_out: Ids = AgentIds()
    """They exist, but nobody signs them in; a sign-in request of their own would."""
    in_call: Ids = AgentIds()
    """They are in a call whenever they are signed in: only a forced sign-out ends the session."""
    not_forceable: Ids = AgentIds()
    """While they are signed in, nobody can sign them in by force: 100-015 (page 0580)."""
    skills: Annotated[
        Mapping[str, Ids],
        Meta(description='Give the agents of each queue: skills = { "7" = "101-200,305" }.'),
    ] = MappingProxyType({})
    """The agents of each skill queue, by its number; empty: all are in queue 1."""

    def __post_init__(self) -> None:
        for skill in self.skills:
            if not (skill.isascii() and skill.isdigit() and len(skill) <= LONGEST_SKILL):
                raise ValueError(f"{skill!r} is no number of a skill queue")


class SignInRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of a sign-in."""

    password: (
        Annotated[str, Meta(min_length=1, max_length=32, description="Give 1 to 32 characters.")]
        | None
    ) = None
    """The only right one; None takes any."""
    lock_after: (
        Annotated[int, Meta(ge=1, le=1000, description="Give a number, from 1 to 1000.")] | None
    ) = None
    """So many wrong passwords in a row lock the account (110-016) for good; None for never."""
    milliseconds: Milliseconds = 0
    """How long the answer to a sign-in is held; another one meanwhile gets 100-021."""

    def __repr__(self) -> str:
        return "<SignInRules>"  # never the password


class Cluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The nodes behind one address."""

    nodes: Annotated[
        int, Meta(ge=1, le=MOST_NODES, description="Give the number of nodes, from 1 to 64.")
    ] = 1
    """Each new connection goes to the next of them in turn, and stays there."""
    affinity: bool = False
    """Whether a session is on one node only: the sign-in sets a cookie that leads there, and any
    other node answers 000-003."""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the emulated gateway behaves; the default is a gateway at its best.

    Raises:
        ValueError: The shares of faults that can strike one request add up to more than 1, or a
            fault is for a node that does not exist.
    """

    seed: Annotated[int, Meta(description="Give a whole number.")] | None = None
    """With it, the same requests in the same order meet the same faults, latencies and GUIDs."""
    latency: Latency = Latency(milliseconds=0)
    capacity: Capacity | None = None
    """None bears everything."""
    cold_start: ColdStart | None = None
    """None is as fast as ever from the first request on."""
    agents: AgentRules = AgentRules()
    sign_in: SignInRules = SignInRules()
    cluster: Cluster = Cluster()
    faults: tuple[ScenarioFault, ...] = ()
    switch_overs: tuple[SwitchOver, ...] = ()
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        nodes = self.cluster.nodes
        for number, fault in enumerate(self.faults, start=1):
            if fault.node is not None and fault.node > nodes:
                raise ValueError(
                    f"`node = {fault.node}` of [[faults]] number {number} is above "
                    f"`nodes = {nodes}` of [cluster]: lower the one or raise the other"
                )
        excess = find_excess(self.faults)
        if excess is not None:
            raise ValueError(
                f"the shares of all [[faults]]{excess.where} add up to {excess.total:.12g}: "
                "make it at most 1"
            )
