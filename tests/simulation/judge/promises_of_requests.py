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
        "JSON carries the same facts as the CSV.",
        "design 7",
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
        "unknown: an attempt ended in doubt. Any other answer says how the row ended.",
        "design 4",
        rows.answer_is_told,
    ),
    Predicate(
        "not sent is true",
        "not_attempted: nothing was sent. attempts: requests that the gateway could have seen.",
        "report",
        rows.not_sent_is_true,
    ),
    Predicate(
        "as it was answered",
        "retcode and http_status of a row are what the gateway answered.",
        "design 7",
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
        "Nothing else is sent for an agent while a request for it is in flight.",
        "doubt",
        flight.one_for_an_agent,
    ),
    Predicate(
        "opposite waits",
        "If the last request for an agent is in doubt and asked for the opposite, the new one is"
        " sent when twice the --timeout has passed since the old one.",
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
        "No agent goes off shift before the gate opens, whatever fails, is stopped or is killed."
        " The floor keeps enough agents on at any moment.",
        "handover",
        handover.gate_and_floor,
    ),
    Predicate(
        "attempts end",
        "After --max-attempts the agent is put off. It gets one attempt more at least, and others"
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
        "Retries are limited: 20% of first requests, and 10 a second more.",
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
        "The circuit breaker opens after 10 bad attempts in a row. While it is open, the gateway"
        " gets nothing. Then one request finds out whether the gateway is back.",
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
