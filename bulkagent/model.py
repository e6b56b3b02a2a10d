"""The words of the whole package, as frozen records and closed enumerations.

What an assignment, a disposition and an outcome are. Nothing here knows how a request is sent,
what a retcode is called, or where anything is stored or shown.

Times of day are milliseconds since the Unix epoch, UTC; durations name their unit.
"""

from __future__ import annotations

import enum

import msgspec


class Status(enum.StrEnum):
    """The end of one roster row. Every row ends in exactly one of these."""

    APPLIED = "applied"  # the gateway answered retcode "0"
    REJECTED = "rejected"  # the gateway refused, and trying again will not change it
    FAILED = "failed"  # not applied, and trying again may help
    UNKNOWN = "unknown"  # an attempt ended in doubt: it may have taken effect
    NOT_ATTEMPTED = "not_attempted"  # no byte was sent for it
    INVALID = "invalid"  # a roster row that cannot be an assignment
    DUPLICATE = "duplicate"  # a roster row that repeats an earlier one


class Cause(enum.StrEnum):
    """Why a row is not `applied`. `bulkagent explain CAUSE` says what to do about it."""

    NOT_SIGNED_IN = "not_signed_in"
    GUID_REFUSED = "guid_refused"
    NO_GUID = "no_guid"
    GUID_SOURCE = "guid_source"
    BAD_PARAMETER = "bad_parameter"
    NOT_PERMITTED = "not_permitted"
    REFUSED = "refused"
    UNLISTED_RETCODE = "unlisted_retcode"
    GATEWAY_ERROR = "gateway_error"
    SWITCH_OVER = "switch_over"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    CONNECT = "connect"
    TLS = "tls"
    RESET = "reset"
    BAD_REPLY = "bad_reply"
    RETRY_BUDGET = "retry_budget"
    BREAKER_OPEN = "breaker_open"
    INTERRUPTED = "interrupted"
    DEADLINE = "deadline"
    HALTED = "halted"
    GATE = "gate"
    FLOOR = "floor"
    CANARY = "canary"
    PROTECTED = "protected"
    SUPERSEDED = "superseded"
    PREVIOUS_UNKNOWN = "previous_unknown"
    BAD_ROW = "bad_row"
    REPEATED_ROW = "repeated_row"


class Verified(enum.StrEnum):
    """Whether the gateway was seen to have taken over what it answered "0" to."""

    YES = "yes"
    NO = "no"  # it shows the contrary
    NOT_VISIBLE = "not_visible"  # nothing that could be asked proves either


class Delivery(enum.Enum):
    """How far one attempt got, which decides what may be said about its effect."""

    NEVER_SENT = "never_sent"  # no byte of the request left: it had no effect
    ANSWERED = "answered"  # the gateway itself said what came of it
    IN_DOUBT = "in_doubt"  # it may or may not have taken effect


class Evidence(enum.Enum):
    """What one agent's end says about the others', which is what halt rules go by."""

    ORDINARY = "ordinary"
    SETUP = "setup"  # something is set up wrongly, so that every agent would get the same
    PERSONAL = "personal"  # it is about this agent alone, so it never counts against the run


class Health(enum.Enum):
    """What one end says of the upstream as a whole, which is what the breaker goes by."""

    GOOD = "good"  # an answer as a well upstream gives it, a refusal of one agent included
    UNWELL = "unwell"  # no answer, or one that says that the upstream is not itself
    NEUTRAL = "neutral"  # says nothing: refused for the moment, or perhaps about one agent


class RetryCharge(enum.Enum):
    """What a further attempt after one end draws on, for each is bounded for itself."""

    RETRIES = "retries"  # the upstream is asked again, which is what a retry budget bounds
    LOOKUPS = "lookups"  # somebody else is asked again, and the upstream for the first time
    NOTHING = "nothing"  # it is the same attempt made good, and can be made good only once


class LimitSignal(enum.Enum):
    """What one end teaches about how much the upstream can carry.

    The three verdicts of Netflix concurrency-limits (`Limiter.Listener`: success, ignore,
    dropped).
    """

    SUCCESS = "success"  # an ordinary round trip, which took as long as it took
    IGNORE = "ignore"  # neither its time nor its number says anything about load
    DROPPED = "dropped"  # too much was asked: 429, 503, or no reply in time


class Absence(enum.Enum):
    """What one end says of whether its agent is there at all."""

    NONE = "none"  # nothing: the agent may well be there
    PERHAPS = "perhaps"  # the agent is not, or is asked for by a GUID of the past
    SURELY = "surely"  # the agent is not


# What these ends have in common is that asking less may well have avoided them. A connection
# that was not made in time is not among them: an unreachable host looks the same.
_TOO_MUCH = frozenset({Cause.OVERLOADED, Cause.TIMEOUT})


class Disposition(msgspec.Struct, frozen=True, gc=False):
    """What one way of ending an attempt means: a row of the tables of retcodes and faults.

    Retry, and later budget, breaker and limit, each ask it one question and never learn
    which retcode or exception stood behind it.
    """

    name: str
    """The retcode or the fault, as people look it up."""
    delivery: Delivery
    status: Status
    """The outcome's status when no further attempt follows and none before was in doubt."""
    cause: Cause | None
    """None for `applied` alone."""
    retries: int | None = 0
    """Further attempts allowed after this end comes repeatedly; None: the policy's limit alone."""
    at_once: bool = False
    """The next attempt need not back off, because the upstream said that it is ready."""
    evidence: Evidence = Evidence.ORDINARY
    """What it says beyond its own agent."""
    health: Health = Health.NEUTRAL
    """What it says of the upstream as a whole; nothing, unless a table knows better."""
    charge: RetryCharge = RetryCharge.RETRIES
    """What a further attempt draws on."""
    absence: Absence = Absence.NONE
    """Whether the agent it is about is there; one who is not may come."""
    lingers: bool = False
    """Whether the upstream may still be at work on it: it was sent, and no whole answer came."""
    lasting: Cause | None = None
    """Why the gateway `rejected` an agent who got nothing else in two executions, while others were
    applied: the end may be about the whole or about one agent. None: it is what its status says."""

    @property
    def signal(self) -> LimitSignal:
        """What it teaches about how much the upstream can carry.

        Only a good answer is a round trip worth timing: an error may be quick because nothing
        was done, and would make an unwell upstream look fast.
        """
        if self.cause in _TOO_MUCH:
            return LimitSignal.DROPPED
        return LimitSignal.SUCCESS if self.health is Health.GOOD else LimitSignal.IGNORE


class Assignment(msgspec.Struct, frozen=True, gc=False):
    """One agent on one gateway and what shall be done with it: one row of the plan.

    `arguments` are the operation's parameters in canonical query form, such as `flag=0`.
    """

    row: int
    gateway: str
    agent_id: str
    operation: str
    arguments: str


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The end of one assignment, as the ledger keeps it."""

    row: int
    """The line in the roster; the header is line 1."""
    status: Status
    """How the row ended."""
    cause: Cause | None
    """Why it is not `applied`. None: it is."""
    disposition: str
    """How the last attempt ended, by the name of the retcode or the fault."""
    retcode: str
    """The retcode of the answer. "": there was none."""
    message: str
    """The text of the answer or of the fault."""
    http_status: int
    """The HTTP status of the answer. 0: there was none."""
    attempts: int
    """Attempts of which a byte may have left, a resume's included."""
    latency_ms: float | None
    """Time of the last attempt. None where no byte of it left."""
    first_sent_at: int | None
    """When the first byte left. None: no byte ever left."""
    finished_at: int
    """When the row ended, in milliseconds since 1970, UTC."""
    absent: bool = False
    """Whether the agent was surely signed out, so that there was nothing to set."""
    not_sent: int = 0
    """Further attempts, of which no byte left."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a report: a roster row, what became of it, and the roster's own columns.

    Empty strings and None stand for "there is none". Where the row is invalid, `agent_id` and
    `gateway` are the roster's own text, made harmless to show.
    """

    row: int
    agent_id: str
    gateway: str
    flag: str
    status: Status
    cause: Cause | None
    retcode: str
    message: str
    http_status: int | None
    attempts: int
    """Of which a byte may have left."""
    latency_ms: float | None
    first_sent_at: int | None
    finished_at: int | None
    extra: tuple[str, ...] = ()
