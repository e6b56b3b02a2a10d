"""The promises about commands: which of them may send, how they end, and what they leave."""

from __future__ import annotations

from tests.simulation.judge import (
    commands,
    exit_codes,
    guardrails,
    liveness,
    outputs,
    repeats,
    reverts,
    stops,
)
from tests.simulation.judge.predicate import Predicate

OF_COMMANDS = (
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
        "What a command ends with. If several hold, the first counts of 1, 6 after a take-over,"
        " 129, 130, 143, 6, 5, 3, 4, 0.",
        "codes",
        exit_codes.exit_code_is_true,
    ),
    Predicate(
        "no defect",
        "A traceback in front of a user is a defect.",
        "CONTRIBUTING",
        commands.no_defect,
    ),
    Predicate(
        "as the interface has it",
        "Each request is as the CEC API Reference describes settalkright.",
        "README",
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
        "The plan is on disk and not in memory. Rows stream in, and outcomes stream back.",
        "how-it-works",
        outputs.memory_is_bounded,
    ),
    Predicate(
        "deadline",
        "--deadline stops a run by itself. No further agent is begun.",
        "resume",
        stops.deadline_holds,
    ),
    Predicate(
        "stops in order",
        "Ctrl-C once: no further agent is begun. Requests in flight may finish, for --grace at"
        " most. A second time: requests in flight are cut off.",
        "resume",
        stops.stops_in_order,
    ),
    Predicate(
        "starts when told",
        "--start-at waits until a time of day.",
        "timing",
        stops.starts_when_told,
    ),
    Predicate(
        "too many fail",
        "--halt fail=200 halts the run when so many of the finished agents are not applied. It"
        " waits until 50 agents have finished.",
        "outages",
        stops.too_many_fail,
    ),
    Predicate(
        "wrong set-up halts",
        "If all of the first agents get the same answer of a wrong set-up, and none is applied,"
        " the gateway gets no more requests.",
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
        "protected",
        "--protect FILE names agents that are never touched.",
        "guardrails",
        guardrails.protected_are_left,
    ),
    Predicate(
        "too many agents",
        "--max-agents N refuses a roster with more agents. A resume and a revert obey it, too.",
        "guardrails",
        guardrails.too_many_are_refused,
    ),
    Predicate(
        "revert",
        "Each agent that the run changed, or may have changed, goes back to its setting before"
        " that. An agent that a later run has set is not touched.",
        "revert",
        reverts.gives_back,
    ),
    Predicate(
        "comes to its end",
        "When all faults have ended, each command ends.",
        "how-it-works",
        liveness.comes_to_an_end,
    ),
    Predicate(
        "reaches its aim",
        "When all faults have ended, a resume reaches exit code 0, or 4 where another attempt does"
        " not help.",
        "how-it-works",
        liveness.reaches_its_aim,
    ),
)
"""In the order in which they are judged."""
