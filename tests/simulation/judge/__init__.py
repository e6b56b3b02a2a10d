"""The promises, each as a predicate over what the gateways, files and exit codes say.

A predicate is a pure function of a morning and its evidence. It yields a sentence for each
violation, which names process, run, agent and time. It knows what the gateways saw, reports, exit
codes, `--json` and the ledger's runs, and nothing of the inside of bulkagent.

To add one:

1. Find the promise on its page. Where a page has an exception, the predicate has it, too, and says
   on which page it stands. What a page leaves open is no violation.
2. Write the function into the module of its group, or into a new one. What it has to look up goes
   into `Evidence`, so that all predicates share one pass over the morning.
3. Give it a row in `PREDICATES`: its name, the promise in the page's own words, and the page.
4. Give it two mornings in `tests/simulation/test_judge.py`: one keeps the promise, one breaks it.
5. Give it a mutant of bulkagent that it catches, so that it is known to see something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from tests.simulation.history import Morning
from tests.simulation.judge import (
    answers,
    commands,
    flight,
    handover,
    liveness,
    outputs,
    repeats,
    reverts,
    rows,
    stops,
)
from tests.simulation.judge.evidence import Evidence, evidence_of


class Predicate(msgspec.Struct, frozen=True):
    """A promise, and how it is judged."""

    name: str
    promise: str
    page: str
    """A topic of the guide, or `README`, or `design` for the contract."""
    violations: Callable[[Morning, Evidence], Iterator[str]]


class Verdict(msgspec.Struct, frozen=True):
    """A promise that a morning broke."""

    name: str
    promise: str
    page: str
    violations: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.promise} ({self.page})", *self.violations]
        return "\n    ".join(lines)


PREDICATES: tuple[Predicate, ...] = (
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
        "counted once",
        "attempts: requests that the gateway could have seen for this agent.",
        "report",
        answers.counted_once,
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
        "not sent again",
        "An agent that was applied is not sent again by a resume.",
        "README",
        repeats.applied_once,
    ),
    Predicate(
        "left to later runs",
        "An agent to which a later run has sent anything is left to that run.",
        "resume",
        repeats.left_to_later_runs,
    ),
    Predicate(
        "a person's word",
        "A new unattended run leaves alone agents that a person has set otherwise since the latest"
        " finished run of that roster.",
        "unattended",
        repeats.persons_setting_stays,
    ),
    Predicate(
        "one process at a time",
        "A run belongs to one process at a time. Nothing of it goes on sending when that process"
        " ends.",
        "README",
        commands.one_process_at_a_time,
    ),
    Predicate(
        "one run for an agent",
        "Of two runs that want the same agents at once, only one sends.",
        "README",
        commands.one_run_for_an_agent,
    ),
    Predicate(
        "take-over waits",
        "The first run begins no further agent. It waits for its requests that are on their way,"
        " and then ends.",
        "guardrails",
        commands.take_over_waits,
    ),
    Predicate(
        "one of several sends",
        "If several such commands start at once, exactly one goes on or begins. The others end"
        " with exit 5 and send nothing.",
        "unattended",
        commands.one_of_several,
    ),
    Predicate(
        "refused sends nothing",
        "2: refused, and nothing was sent.",
        "codes",
        commands.refused_sends_nothing,
    ),
    Predicate(
        "not too old",
        "A run on which nothing has been done for --max-age is refused. A run that was recorded"
        " when the clock was ahead is refused, too.",
        "resume",
        commands.not_too_old,
    ),
    Predicate(
        "exit code",
        "Where several hold, the first of 1, 129-143, 6, 5, 3, 4, 0 wins.",
        "design 6",
        commands.exit_code_is_true,
    ),
    Predicate(
        "no defect",
        "A traceback in front of a user is a defect.",
        "codes",
        commands.no_defect,
    ),
    Predicate(
        "as the interface has it",
        "POST, the path, the query flag, and the headers Guid and Content-Type.",
        "design 9",
        commands.as_the_interface_has_it,
    ),
    Predicate(
        "written anew",
        "bulkagent report RUN --to PATH writes it again at any time.",
        "report",
        outputs.written_anew,
    ),
    Predicate(
        "no secret",
        "No GUID, password or cookie is in any output, log, ledger or report.",
        "README",
        outputs.no_secret,
    ),
    Predicate(
        "memory is bounded",
        "Memory is flat in the number of rows.",
        "design 2",
        outputs.memory_is_bounded,
    ),
    Predicate(
        "deadline",
        "After --deadline no more attempts start.",
        "resume",
        stops.deadline_holds,
    ),
    Predicate(
        "wrong set-up halts",
        "If the first agents of a gateway all get the same answer of a wrong set-up, and none is"
        " applied, the gateway gets no more requests.",
        "outages",
        stops.wrong_set_up_halts,
    ),
    Predicate(
        "canary",
        "The others follow only if at least one canary is set.",
        "guardrails",
        stops.canaries_go_first,
    ),
    Predicate(
        "revert",
        "Each agent that the run changed, or may have changed, goes back to its setting before"
        " that. One that a later run has set is not touched.",
        "revert",
        reverts.gives_back,
    ),
    Predicate(
        "comes to its end",
        "A morning ends once its faults have.",
        "codes",
        liveness.comes_to_an_end,
    ),
    Predicate(
        "reaches its aim",
        "After all faults have ended, resume reaches exit 0, or 4 where another attempt does not"
        " help.",
        "codes",
        liveness.reaches_its_aim,
    ),
)
"""In the order in which they are judged."""

MOST_TOLD = 5
"""Violations of one promise that are told; the first ones lead to its cause."""


def judge(morning: Morning) -> list[Verdict]:
    """The promises that a morning broke; none where it kept all.

    Of a morning that came to no end nothing else is said: what was at work there has no end either.
    """
    evidence = evidence_of(morning)
    return [
        Verdict(predicate.name, predicate.promise, predicate.page, found[:MOST_TOLD])
        for predicate in PREDICATES
        if not morning.stuck or predicate.violations is liveness.comes_to_an_end
        if (found := tuple(predicate.violations(morning, evidence)))
    ]
