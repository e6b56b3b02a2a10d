"""Faults of what is kept in the ledger, and of what is told from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from bulkagent.errors import BulkagentError, LedgerFailed, LedgerUnavailable
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.ledger.elapsed import LegOrder, OrderedLeg
from bulkagent.ledger.journal import Journal
from bulkagent.ledger.rows import Summary
from bulkagent.model import Assignment, Status
from bulkagent.run import finish as run_finish
from tests.simulation.mutants.mutant import fault, instead, written


def _sent_before(_right: Callable[..., Any]) -> Any:
    async def mark(journal: Journal, item: Assignment, attempt: int) -> bool:
        if journal._commits.failed is not None:
            raise journal._commits.failed
        sent_at = journal._clock.wall_ms()
        journal._rows.mark(item.row, sent_at)
        number = journal.number(item, attempt)
        journal._commits.open.marks.append((journal._run, item.row, journal._leg, number, sent_at))
        journal._commits.schedule()
        return True

    return mark


def _unsynced(right: Callable[..., Any]) -> Any:
    def connected(path: Any, how: str, *, synced: bool = False) -> Any:
        del synced
        return right(path, how)

    return connected


def _valid_alone(right: Callable[..., Any]) -> Any:
    def summarise(record: Any) -> Summary:
        found: Summary = right(record)
        return msgspec.structs.replace(found, totals={**found.totals, Status.INVALID.value: 0})

    return summarise


def _negative(_right: Callable[..., Any]) -> Any:
    def idle_ms(order: LegOrder, _leg: OrderedLeg, at_ms: int) -> int:
        return order.now_ms - at_ms

    return idle_ms


def _the_opposite(right: Callable[..., Any]) -> Any:
    def set_back(changed: Any, *args: Any, **options: Any) -> None:
        if changed.before is not None:
            inverse = SET_TALK_RIGHT.inverse[changed.arguments]
            before = msgspec.structs.replace(changed.before, arguments=inverse)
            changed = msgspec.structs.replace(changed, before=before)
        right(changed, *args, **options)

    return set_back


def _refused(_right: Any) -> Any:
    def while_sending(_kind: type[LedgerFailed], error: BulkagentError | str) -> LedgerUnavailable:
        return LedgerUnavailable(str(error))

    return classmethod(while_sending)


def _before_the_end(right: Callable[..., Any]) -> Any:
    def finish(leg: Any, sent: Any, ending: Any, *, reports: Any, skip_reports: Any) -> Any:
        run_finish._write_reports(leg, reports, None, skip=skip_reports, troubles=[])
        return right(leg, sent, ending, reports=(), skip_reports=skip_reports)

    return finish


def _as_nothing_sent(right: Callable[..., Any]) -> Any:
    def ending(sent: Any, *args: Any) -> Any:
        return right(msgspec.structs.replace(sent, counters=None), *args)

    return ending


RECORDS = (
    fault(
        "sent before its mark",
        "A request leaves before its mark is on disk; a kill in between loses the mark.",
        {"ledger.journal.Journal.mark": _sent_before},
        caught_by={"not sent is true"},
    ),
    fault(
        "never sent counts",
        "Attempts of which nothing left count as requests that the gateway could have seen.",
        {"ledger.group_commit._NOT_SENT": written("not_sent = ?1,", "not_sent = 0 * ?1,")},
        caught_by={"not sent is true"},
    ),
    fault(
        "full does not sync",
        "With --durability full a commit does not wait for the disk.",
        {"ledger.database.connected": _unsynced},
        caught_by={"not sent is true"},
    ),
    fault(
        "resume from the top",
        "A resume begins at the first row, and sends again to agents who are set.",
        {
            "ledger.prefetch._NEXT": written(
                "status IN ('not_attempted', 'failed', 'unknown') AND cause NOT IN",
                "status IN ('not_attempted', 'failed', 'unknown', 'applied')"
                " AND coalesce(cause, '') NOT IN",
            )
        },
        caught_by={"not sent again"},
    ),
    fault(
        "report by agents",
        "The report is in the order of agents, and not of the roster.",
        {"ledger.rows._SELECT_LINES": written("ORDER BY row", "ORDER BY agent_id")},
        caught_by={"one line each"},
    ),
    fault(
        "duplicates not counted",
        "Totals leave out rows that repeat an earlier one.",
        {
            "ledger.rows._SELECT_OTHERS": written(
                "status <> 'applied'", "status NOT IN ('applied', 'duplicate')"
            )
        },
        caught_by={"counted as reported"},
    ),
    fault(
        "invalid rows not counted",
        "Totals leave out invalid rows, and the number of rows has them.",
        {"ledger.rows.summarise": _valid_alone},
        caught_by={"totals add up"},
    ),
    fault(
        "unknown is done",
        "Agents in doubt do not worsen the exit code.",
        {
            "run.history.exit_code._REPEATABLE": instead((Status.FAILED, Status.NOT_ATTEMPTED)),
        },
        caught_by={"exit code"},
    ),
    fault(
        "negative ages",
        "Where a clock was ahead, ages are negative, so that every old run is a fresh one (A6).",
        {"ledger.elapsed.LegOrder.idle_ms": _negative},
        caught_by={"not too old"},
    ),
    fault(
        "revert to the opposite",
        "A revert sets the opposite of what the run has set, also where that was so before.",
        {"run.plan.revert._set_back": _the_opposite},
        caught_by={"revert"},
    ),
    fault(
        "failed is refused",
        "A ledger that takes nothing more in the middle of a run is told as a refusal, exit 2.",
        {
            "errors.LedgerFailed.while_sending": _refused,
            "run.prepared._ending": _as_nothing_sent,
        },
        caught_by={"refused sends nothing"},
    ),
    fault(
        "reported before the end",
        "The report is written before the ledger has why rows were not attempted.",
        {"run.finish.finish": _before_the_end},
        caught_by={"written anew"},
    ),
)
"""All of them."""
