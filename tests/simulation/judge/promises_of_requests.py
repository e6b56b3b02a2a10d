"""The promises about rows, and about the requests for one agent or to one gateway."""

from __future__ import annotations

from tests.simulation.judge import answers, flight, handover, patience, rows
from tests.simulation.judge.predicate import Predicate

OF_REQUESTS = (
    Predicate(
        "one line each",
        "The report has one line for each row of the roster, in the roster's order.",
        "report",
        rows.one_line_each,
    ),
    Predicate(
        "totals add up",
        "All seven statuses are there, and add up to the rows.",
        "json",
        rows.totals_add_up,
    ),
    Predicate(
        "counted as reported",
        "totals: rows by status. causes: rows by cause.",
        "json",
        rows.counted_as_reported,
    ),
    Predicate(
        "applied is true",
        'applied means that the gateway answered retcode "0" with HTTP 200.',
        "README",
        rows.applied_is_true,
    ),
    Predicate(
        "effect is told",
        'A lost answer is unknown, not a guess. Only a later "0" clears it.',
        "README",
        rows.effect_is_told,
    ),
    Predicate(
        "answer is told",
        "unknown: a request ended in doubt. rejected: the gateway refused. failed: not set.",
        "codes",
        rows.answer_is_told,
    ),
    Predicate(
        "not sent is true",
        "attempts: requests that the gateway could have seen for this agent. An attempt that sent"
        " nothing counts only in not_sent.",
        "report",
        rows.not_sent_is_true,
    ),
    Predicate(
        "as it was answered",
        "retcode, http_status: what the gateway answered. After several answers, the last.",
        "report",
        answers.as_answered,
    ),
    Predicate(
        "timed as it was",
        "latency_ms: of the last attempt. first_sent_at: when the first request may have left."
        " finished_at is never before first_sent_at.",
        "report",
        answers.timed,
    ),
    Predicate(
        "within concurrency",
        "No more requests are in flight at one gateway than --concurrency says, counted by the"
        " gateway. All commands on one ledger share that limit.",
        "README",
        flight.within_concurrency,
    ),
    Predicate(
        "grows by answers",
        "auto learns how many requests in flight the gateway bears. Errors never raise it.",
        "speed",
        flight.grows_by_answers,
    ),
    Predicate(
        "one for an agent",
        "A request in flight takes its slot. Nothing else is sent for its agent.",
        "doubt",
        flight.one_for_an_agent,
    ),
    Predicate(
        "opposite waits",
        "If the last request for an agent is in doubt and asked for the opposite, the new one"
        " waits. It is sent when twice the --timeout has passed since the old one.",
        "handover",
        flight.opposite_waits,
    ),
    Predicate(
        "within rate",
        "--rate counts every request that starts, retries and probes included, for all commands"
        " on one ledger.",
        "speed",
        flight.within_rate,
    ),
    Predicate(
        "gate and floor",
        "The next agent goes off shift only if both lines hold, first the gate and then the floor."
        " A kill or a stop does not break the rule.",
        "handover",
        handover.gate_and_floor,
    ),
    Predicate(
        "attempts end",
        "After --max-attempts the agent is put off. It then gets one attempt at least, and more"
        " until --retry-for has passed since its first request.",
        "outages",
        patience.attempts_end,
    ),
    Predicate(
        "random waits",
        "If an attempt for an agent may be tried again, the agent waits for a random time first.",
        "outages",
        patience.waits_are_random,
    ),
    Predicate(
        "retry budget",
        "Retries are limited by a retry budget: 20% of first requests, and 10 a second more.",
        "outages",
        patience.retries_in_budget,
    ),
    Predicate(
        "pauses hold",
        "A reply other than HTTP 200 may have a Retry-After. Then bulkagent sends nothing to that"
        " gateway for that time.",
        "outages",
        patience.pauses_hold,
    ),
    Predicate(
        "spared",
        "The circuit breaker opens after 10 bad attempts in a row. While the breaker is open, the"
        " gateway gets nothing. Then one request finds out whether the gateway is back.",
        "outages",
        patience.spared,
    ),
    Predicate(
        "gives up",
        "After --give-up-after without one good answer, bulkagent gives the gateway up.",
        "outages",
        patience.gives_up,
    ),
)
"""In the order in which they are judged."""
