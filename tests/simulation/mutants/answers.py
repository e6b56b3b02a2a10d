"""Faults of what is made of answers, and of what is said of agents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from bulkagent.attempt import AttemptHistory, Carryover
from bulkagent.gateway.faults import Fault
from bulkagent.gateway.reply import Reading
from bulkagent.model import Absence, Delivery, Disposition, Evidence, Outcome, Status
from tests.simulation.mutants.mutant import always, fault, instead, written

_OK = 200


def _by_its_status(right: Callable[..., Any]) -> Any:
    def read_reply(
        status: int, body: bytes, table: Mapping[str, Disposition], *secrets: str, **options: Any
    ) -> Reading:
        reading: Reading = right(status, body, table, *secrets, **options)
        if status == _OK and not reading.retcode:
            return Reading(table["0"], "0", reading.message)
        return reading

    return read_reply


def _the_last_ones(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs)


def _says_which(right: Callable[..., Any]) -> Any:
    def read_reply(
        status: int, body: bytes, table: Mapping[str, Disposition], guid: str, *secrets: str
    ) -> Reading:
        reading: Reading = right(status, body, table, guid, *secrets)
        if reading.disposition.status is Status.APPLIED:
            return reading
        return msgspec.structs.replace(reading, message=f"{reading.message} (GUID {guid})")

    return read_reply


def _says_which_node(right: Callable[..., Any]) -> Any:
    def read_reply(
        status: int, body: bytes, table: Mapping[str, Disposition], *secrets: str, **options: Any
    ) -> Reading:
        reading: Reading = right(status, body, table, *secrets, **options)
        if reading.disposition.status is Status.APPLIED or len(secrets) == 1:
            return reading
        return msgspec.structs.replace(reading, message=f"{reading.message} ({secrets[-1]})")

    return read_reply


def _at_first(right: Callable[..., Any]) -> Any:
    told: set[str] = set()

    def read_reply(
        status: int, body: bytes, table: Mapping[str, Disposition], guid: str, *secrets: str
    ) -> Reading:
        reading: Reading = right(status, body, table, guid, *secrets)
        if guid in told or reading.disposition.retries == 0:
            return reading
        told.add(guid)
        return msgspec.structs.replace(reading, message=f"{reading.message} (GUID {guid})")

    return read_reply


def _without_doubt(right: Callable[..., Any]) -> Any:
    def conclude(row: int, history: AttemptHistory[Any], *rest: Any, **options: Any) -> Outcome:
        if history.last.disposition.delivery is Delivery.ANSWERED:
            history = msgspec.structs.replace(history, doubt=None)
        found: Outcome = right(row, history, *rest, **options)
        return found

    return conclude


def _certain(right: Callable[..., Any]) -> Any:
    def conclude(
        row: int,
        history: AttemptHistory[Any],
        finished_at: int,
        carried: Carryover | None = None,
        **options: Any,
    ) -> Outcome:
        if carried is not None:
            carried = msgspec.structs.replace(carried, doubt=None)
        found: Outcome = right(row, history, finished_at, carried, **options)
        return found

    return conclude


def _for_ever(right: Callable[..., Any]) -> Any:
    def conclude(
        row: int,
        history: AttemptHistory[Any],
        finished_at: int,
        carried: Carryover | None = None,
        **options: Any,
    ) -> Outcome:
        found: Outcome = right(row, history, finished_at, carried, **options)
        if carried is not None and carried.doubt is not None:
            return msgspec.structs.replace(found, status=Status.UNKNOWN, cause=carried.doubt)
        return found

    return conclude


def _as_first(right: Callable[..., Any]) -> Any:
    def conclude(row: int, history: AttemptHistory[Any], *rest: Any, **options: Any) -> Outcome:
        found: Outcome = right(row, history, *rest, **options)
        first = history.first
        return msgspec.structs.replace(found, retcode=first.retcode, http_status=first.http_status)

    return conclude


def _twice(right: Callable[..., Any]) -> Any:
    def conclude(
        row: int,
        history: AttemptHistory[Any],
        finished_at: int,
        carried: Carryover | None = None,
        **options: Any,
    ) -> Outcome:
        found: Outcome = right(row, history, finished_at, carried, **options)
        again = carried.attempts if carried else 0
        return msgspec.structs.replace(found, attempts=found.attempts + again)

    return conclude


def _meaning(code: str, **otherwise: Any) -> Callable[[Any], Any]:
    """A retcode that means something else."""

    def made(right: Callable[..., Any]) -> Any:
        def read_reply(
            status: int,
            body: bytes,
            table: Mapping[str, Disposition],
            *secrets: str,
            **options: Any,
        ) -> Reading:
            wrong = msgspec.structs.replace(table[code], **otherwise)
            reading: Reading = right(status, body, {**table, code: wrong}, *secrets, **options)
            return reading

        return read_reply

    return made


def _never_sent(faults: Mapping[Fault, Disposition]) -> Any:
    reset = msgspec.structs.replace(
        faults[Fault.RESET], delivery=Delivery.NEVER_SENT, status=Status.FAILED
    )
    return {**faults, Fault.RESET: reset}


def _a_table(right: Callable[..., Any]) -> Any:
    def fault_of(status: int) -> Fault:
        return right(status) if status == _OK else _FAULTS[status]

    return fault_of


_FAULTS: Mapping[int, Fault] = {
    302: Fault.REDIRECT,
    429: Fault.TOO_MANY,
    500: Fault.SERVER_ERROR,
    502: Fault.SERVER_ERROR,
    503: Fault.UNAVAILABLE,
}


ANSWERS = (
    fault(
        "200 is enough",
        "HTTP 200 counts as success where the body says nothing to the contrary.",
        {"gateway.reply.read_reply": _by_its_status},
        caught_by={"applied is true"},
    ),
    fault(
        "last of two retcodes",
        'A reply with two retcodes counts by the last of them: 100-006 and "0" is success (A13).',
        {"gateway.json_text._once_each": instead(_the_last_ones)},
        caught_by={"applied is true"},
    ),
    fault(
        "stray replies believed",
        "Answers on a connection on which a reply too many came are not put in doubt (A4).",
        {"gateway.client.GatewayClient._tell": always(None)},
        caught_by={"applied is true", "effect is told"},
    ),
    fault(
        "refusal ends the doubt",
        "A refusal says of earlier requests, too, that they had no effect.",
        {"attempt.conclude": _without_doubt},
        caught_by={"effect is told"},
    ),
    fault(
        "resume ends the doubt",
        "A resume does not know that a request of an earlier leg may have taken effect.",
        {"attempt.conclude": _certain},
        caught_by={"effect is told"},
    ),
    fault(
        "doubt for ever",
        'A "0" does not end the doubt of an earlier leg.',
        {"attempt.conclude": _for_ever},
        caught_by={"reaches its aim"},
    ),
    fault(
        "first words",
        "A row has the retcode and the status of the first attempt, and not of the last.",
        {"attempt.conclude": _as_first},
        caught_by={"as it was answered"},
    ),
    fault(
        "attempts counted twice",
        "A resume counts the attempts of earlier legs once more.",
        {"attempt.conclude": _twice},
        caught_by={"not sent is true"},
    ),
    fault(
        "first sent at last",
        "first_sent_at is the time of the last attempt.",
        {
            "ledger.group_commit._MARK": written(
                "iif(first_sent_at = 0, ?5, min(first_sent_at, ?5))", "?5"
            )
        },
        caught_by={"timed as it was"},
    ),
    fault(
        "gone for sure",
        "After 100-006 --absent-ok forgives an agent whose GUID may be an old one.",
        {"gateway.reply.read_reply": _meaning("100-006", absence=Absence.SURELY)},
        caught_by={"exit code"},
    ),
    fault(
        "of one agent alone",
        "100-007 for all of the first agents does not halt their gateway.",
        {"gateway.reply.read_reply": _meaning("100-007", evidence=Evidence.ORDINARY)},
        caught_by={"wrong set-up halts"},
    ),
    fault(
        "reset is not sent",
        "A connection that ended before the reply counts as one on which nothing left.",
        {"gateway.faults.FAULTS": _never_sent},
        caught_by={"effect is told", "not sent is true"},
    ),
    fault(
        "GUID in a message",
        "What is said of a refusal names the GUID that was refused.",
        {"gateway.reply.read_reply": _says_which},
        caught_by={"no secret"},
    ),
    fault(
        "cookie in a message",
        "What is said of a refusal names the cookie that went with it.",
        {"gateway.reply.read_reply": _says_which_node},
        caught_by={"no secret"},
    ),
    fault(
        "GUID in the ledger",
        "What the ledger keeps of an attempt that another one followed names its GUID.",
        {"gateway.reply.read_reply": _at_first},
        caught_by={"no secret"},
    ),
    fault(
        "status without a row",
        "An HTTP status that no table has is a defect.",
        {"gateway.reply._fault_of": _a_table},
        caught_by={"no defect"},
    ),
    fault(
        "without its charset",
        "Content-Type does not say UTF-8, which the interface has.",
        {"gateway.operations.CONTENT_TYPE": instead("application/json")},
        caught_by={"as the interface has it"},
    ),
)
"""All of them."""
