"""Explanations of codes: the meaning, what bulkagent does about it, and what to do.

A code is a retcode, a fault, a cause, a status, an exit code or a word of the verdict. The
sentences come from the tables of all folders. The tables decide what happens; nothing is said here
that they do not say.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.faults import FAULTS, MEANING_OF_FAULTS
from bulkagent.gateway.retcodes import MEANINGS, WITH_A_NEWER_GUID, disposition_of
from bulkagent.guide import (
    TOPIC_OF_EXIT_CODES,
    TOPIC_OF_STATUS,
    TOPIC_OF_VERDICTS,
    topic_for,
)
from bulkagent.model import (
    Cause,
    Delivery,
    Disposition,
    Evidence,
    Health,
    LimitSignal,
    RetryCharge,
    Status,
)
from bulkagent.reports import ADVICE, meaning_of, printable


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One code."""

    code: str
    kind: str
    """`retcode`, `fault`, `cause`, `status`, `exit code` or `verdict`."""
    meaning: str
    done: tuple[str, ...] = ()
    """What bulkagent does about it, sentence by sentence."""
    advice: str
    """What to do."""
    topic: str = ""
    """The page of the guide that says more; "" for none."""


EXIT_CODES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        0: (
            "every agent is set. Rows that --skip-invalid left out do not count",
            "nothing to do",
        ),
        1: (
            (
                "a defect in bulkagent, or a report or data for stdout could not be written."
                " Nothing is lost"
            ),
            "look at the traceback in the log that was named, and report it; resume the run",
        ),
        2: (
            (
                "refused, and nothing was sent. Options, configuration, consent, TLS, name service,"
                " roster, a time that is past, the age of the run (--max-age), or a check of doctor"
            ),
            "correct what the message says, then run it again",
        ),
        3: (
            (
                "finished. Some agents are failed or unknown, or a skill queue shows the contrary"
                " (--verify-with)"
            ),
            (
                "look at the causes, then resume the run: another attempt may help. A person must"
                " look at what a queue shows"
            ),
        ),
        4: (
            "finished. The agents that are not set are rejected, superseded or previous_unknown",
            "a resume does not help: see to the agents' rights, or look at the later run",
        ),
        5: (
            (
                "stopped by the deadline, by a gateway that was down for too long, by a ledger that"
                " took no more records, or by a kill. Or the run is in progress elsewhere"
            ),
            "resume the run when the gateway is back, or try again later; safe unattended",
        ),
        6: (
            (
                "stopped by a halt rule, a gate, a floor or canaries. Or refused by a guardrail, or"
                " drained because another run took over"
            ),
            "a person must look; then resume the run and answer, or with --override REASON",
        ),
        129: (
            "hung up. Requests in flight could finish first",
            "resume the run; safe unattended",
        ),
        130: (
            "interrupted. Requests in flight could finish first",
            "resume the run; safe unattended",
        ),
        143: (
            "terminated. Requests in flight could finish first",
            "resume the run; safe unattended",
        ),
    }
)
"""Exit code -> what it means, and what to do."""

_STATUSES: Mapping[Status, tuple[str, str]] = {
    Status.APPLIED: ('the gateway answered retcode "0" with HTTP 200', "nothing to do"),
    Status.REJECTED: (
        "the gateway refused, and trying again will not change it",
        "look at the row's cause and retcode",
    ),
    Status.FAILED: (
        "not set, and trying again may help",
        "look at the row's cause, then resume the run",
    ),
    Status.UNKNOWN: (
        'a request ended in doubt: it may have taken effect; only a "0" clears that',
        "resume the run: an agent who is set already is set to the same once more",
    ),
    Status.NOT_ATTEMPTED: (
        "nothing was sent for the agent",
        "look at the row's cause; most often resume the run",
    ),
    Status.INVALID: ("the roster row cannot be used", "correct the row; its message says why"),
    Status.DUPLICATE: (
        "the row repeats an earlier one of the same gateway, agent and flag, which counts",
        "nothing, or take it out of the roster",
    ),
}

_VERDICTS: Mapping[str, tuple[str, str]] = {
    "DONE": ("every agent is set", "nothing to do"),
    "SHORT": (
        "some agents are not set, or a skill queue or a later run has them otherwise",
        "look at the causes below the verdict, and type the next command",
    ),
    "FAILED": (
        "no agent is set",
        "look at the causes below the verdict, and type the next command",
    ),
    "STOPPED": ("a signal, a deadline or an outage ended the run first", "resume the run"),
    "HALTED": (
        "a gate, a floor, canaries, a halt rule or another run ended the run",
        "look at why; then resume the run, and say so",
    ),
}
"""The word with which a summary begins -> what it means, and what to do."""


def explain(code: str) -> tuple[Explanation, ...]:
    """All that a code may mean: `halted` is a cause alone, `connect` a cause beside faults.

    Raises:
        SettingsRefused: Nobody knows it.
    """
    asked = code.strip().lower().replace("-", "_") if not _RETCODE.fullmatch(code) else code
    found = tuple(each for each in explanations() if each.code.lower() == asked)
    if found:
        return found
    if _RETCODE.fullmatch(code):
        return (
            _of_disposition(
                disposition_of(code),
                kind="retcode",
                meaning="no document that bulkagent knows lists this retcode",
                advice="look it up in the gateway's log; ask the vendor what it means",
            ),
        )
    known = [each.code for each in explanations()]
    near = difflib.get_close_matches(asked, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise SettingsRefused(
        f"no code is called {printable(code)!r}; {hint}`bulkagent explain` lists all codes"
    )


def explanations() -> Iterator[Explanation]:
    """Every code, in the order of its table."""
    for word, (meaning, advice) in _VERDICTS.items():
        yield Explanation(
            code=word,
            kind="verdict",
            meaning=meaning,
            advice=advice,
            topic=TOPIC_OF_VERDICTS,
        )
    for number, (meaning, advice) in EXIT_CODES.items():
        yield Explanation(
            code=str(number),
            kind="exit code",
            meaning=meaning,
            advice=advice,
            topic=TOPIC_OF_EXIT_CODES,
        )
    for status, (meaning, advice) in _STATUSES.items():
        yield Explanation(
            code=status.value,
            kind="status",
            meaning=meaning,
            advice=advice,
            topic=TOPIC_OF_STATUS[status],
        )
    for cause, (_meaning, advice) in ADVICE.items():
        yield Explanation(
            code=cause.value,
            kind="cause",
            meaning=meaning_of(cause),
            done=_ends_of(cause),
            advice=advice,
            topic=topic_for(cause),
        )
    for fault, disposition in FAULTS.items():
        yield _of_disposition(
            disposition,
            kind="fault",
            meaning=MEANING_OF_FAULTS[fault],
            advice=ADVICE[disposition.cause][1] if disposition.cause else "",
        )
    for row in MEANINGS.values():
        yield _of_disposition(
            row.disposition, kind="retcode", meaning=row.meaning, advice=row.advice
        )


_RETCODE = re.compile(r"0|\d{3}-\d{3}", re.ASCII)


def _of_disposition(ended: Disposition, *, kind: str, meaning: str, advice: str) -> Explanation:
    return Explanation(
        code=ended.name,
        kind=kind,
        meaning=meaning,
        done=tuple(_done(ended)),
        advice=advice,
        topic=topic_for(ended.cause) if ended.cause else "",
    )


def _done(ended: Disposition) -> Iterator[str]:
    if ended.status is Status.APPLIED:
        yield "the row is applied"
        return
    yield _EFFECTS[ended.delivery]
    yield _tried(ended)
    if ended.name in WITH_A_NEWER_GUID:
        yield "where GUIDs come from a live source, a newer one is asked for and tried at once"
    if ended.health is Health.UNWELL:
        yield "it counts for the gateway's circuit breaker"
    if ended.signal is LimitSignal.DROPPED:
        yield "an adaptive --concurrency is cut"
    if ended.evidence is Evidence.SETUP:
        yield "if the first --halt-first agents all get it, the gateway is halted (exit 6)"
    elif ended.evidence is Evidence.PERSONAL:
        yield "it is about this agent alone, so no halt rule counts it"
    if ended.lasting is not None:
        yield (
            "an agent who gets only this in a resume, too, while others at the gateway are applied,"
            f" is rejected, cause {ended.lasting}"
        )
    yield f"if nothing better comes, the row is {ended.status}, cause {ended.cause}"


_EFFECTS: Mapping[Delivery, str] = {
    Delivery.NEVER_SENT: "nothing of the request was sent, so it had no effect",
    Delivery.ANSWERED: "the gateway itself answered, so it had no effect",
    Delivery.IN_DOUBT: "it may have taken effect; only a later answer 0 clears that",
}


def _tried(ended: Disposition) -> str:
    if ended.retries == 0:
        return "it is not tried again within the run"
    pause = "at once" if ended.at_once else "after a growing, jittered pause"
    budget = "" if ended.charge is RetryCharge.NOTHING else ", within the retry budget"
    if ended.retries is None:
        return f"it is tried again {pause}, up to --max-attempts{budget}"
    times = "once" if ended.retries == 1 else f"{ended.retries} times"
    return f"it is tried again {times}, {pause}{budget}"


def _ends_of(cause: Cause) -> tuple[str, ...]:
    """The retcodes and faults that end in a cause."""
    codes = [row.code for row in MEANINGS.values() if row.disposition.cause is cause]
    codes += [fault.value for fault, ended in FAULTS.items() if ended.cause is cause]
    if not codes:
        return ()
    shown = ", ".join(codes[:_SHOWN])
    more = f" and {len(codes) - _SHOWN} more" if len(codes) > _SHOWN else ""
    return (f"it comes from {shown}{more}; `bulkagent explain` has each of them",)


_SHOWN = 8
