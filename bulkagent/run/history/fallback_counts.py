"""The rows by status where the ledger cannot be read any more."""

from __future__ import annotations

from bulkagent.ledger import Counters, Summary
from bulkagent.model import Status
from bulkagent.run.plan.request import Plan


def fallback_summary(plan: Plan, counters: Counters | None) -> Summary:
    """The rows as they were counted before the ledger broke.

    A row without an outcome may have been sent.

    Args:
        plan: How the rows stood when the leg began.
        counters: What the journal counted; None: it never began.
    """
    totals = dict(plan.totals)
    totals[Status.APPLIED] -= plan.once_more  # in doubt since the leg began
    totals[Status.UNKNOWN] += plan.once_more
    requests = retries = not_sent = 0
    if counters is not None:
        requests, retries = counters.requests, counters.retries
        not_sent = counters.not_sent
        for status, count in counters.by_status.items():
            totals[status] += count
        # An agent put in doubt had been counted as set; sent again or not, the agent is in doubt.
        totals[Status.APPLIED] -= counters.once_more
        totals[Status.UNKNOWN] += counters.in_doubt
        totals[Status.UNKNOWN] += counters.unfinished
        again = counters.once_more - counters.in_doubt
        first_attempts = counters.finished - again + counters.unfinished
        stood_so = dict.fromkeys(plan.again)
        if plan.once_more:
            stood_so[Status.UNKNOWN.value] = None
        for stood in stood_so or {Status.NOT_ATTEMPTED.value: None}:
            # Which of those that were tried again stood how is in the ledger alone.
            taken = min(totals[stood], first_attempts)
            totals[stood] -= taken
            first_attempts -= taken
    return Summary(plan.rows, totals, {}, requests, retries, (), not_sent)
