"""The opening, the question and the summary for a person; and the `--json` object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bulkagent.cli.render.verification import verified_as_lines
from bulkagent.model import Cause, Status
from bulkagent.reasons import GateShort, GroupHeld, Reason, told_once
from bulkagent.reports import advice_for, encoded, printable

if TYPE_CHECKING:
    from bulkagent.errors import BadRow
    from bulkagent.ledger import OutcomeGroup
    from bulkagent.run import Finished, Plan, RunResult, RunStanding
    from bulkagent.run.handover.rules import GroupStanding


_BAD_ROWS_SHOWN = 50
_GROUPS_SHOWN = 20

# A talk right is a permission: nobody is made to take a call by it.
_EFFECTS = {
    "0": "will STOP taking calls on",
    "1": "may take calls again on",
    "": "would be set on",
}


def opening(roster: str, plan: Plan) -> str:
    """How the roster was read, and what is in it."""
    counted = [count(plan.rows, "row"), count(plan.agents, "agent")]
    if plan.protected:
        counted.append(f"{plan.protected:,} protected")
    if plan.duplicates:
        counted.append(count(plan.duplicates, "duplicate"))
    if plan.invalid:
        counted.append(f"{plan.invalid:,} invalid")
    if plan.command != "apply":  # an apply that goes on with an unfinished run
        return opening_again(plan)
    name = "standard input" if roster == "-" else roster
    text = [f"roster  {name}: {plan.layout}; {', '.join(counted)}"]
    if plan.earlier:
        text.append(f"before  {plan.earlier}")
    text.extend(at_work(plan))
    return "\n".join([*text, *handover(plan), *bad_rows(plan.bad_rows)])


def begun(plan: Plan) -> str:
    """What is said once a leg has begun: the ID of a run that is kept from now on; "" if known."""
    return "" if plan.command == "resume" else f"run     {plan.run_id}"


def at_work(plan: Plan) -> list[str]:
    """The runs in progress that have some of the agents."""
    return [
        f"in use  run {run_id} is at work on {count(agents, 'agent')} of these"
        for run_id, agents in plan.at_work.items()
    ]


def handover(plan: Plan) -> list[str]:
    """The order in which agents are set, and which groups wait for which."""
    text = [f"order   {plan.order}"] if plan.order else []
    # Groups of one alone are told by the order itself.
    groups = plan.groups if len(plan.groups) > 1 else ()
    text.extend(
        f"        {printable(group.group or '(none)')}: {group.incoming:,} coming on shift,"
        f" {group.outgoing:,} going off shift"
        for group in groups[:_GROUPS_SHOWN]
    )
    if len(groups) > _GROUPS_SHOWN:
        text.append(f"        and {len(groups) - _GROUPS_SHOWN:,} more groups")
    if plan.hint:
        text.append(
            f"hint    --group-by {plan.hint} lets each {plan.hint} hand over by itself, so that one"
            " in trouble does not hold up the others"
        )
    return text


def opening_again(plan: Plan) -> str:
    """What is left of a run, or what a revert would set back."""
    # A new run has no ID that anybody could use before its first leg has begun.
    reverts = plan.command == "revert"
    what = (
        f"revert  this is a revert of {plan.origin}"
        if reverts
        else f"run     {plan.run_id}, resumed"
    )
    parts = [f"{number:,} {status.replace('_', ' ')}" for status, number in plan.again.items()]
    if plan.once_more:
        parts.append(f"{plan.once_more:,} once more, set before a failover")
    if plan.protected:
        parts.append(f"{plan.protected:,} protected")
    if plan.superseded:
        total = sum(plan.superseded.values())
        more = f" and {len(plan.superseded) - 1} more" if len(plan.superseded) > 1 else ""
        *_, latest = plan.superseded
        parts.append(f"{total:,} superseded by run {latest}{more}")
    if plan.previous_unknown:
        parts.append(f"{plan.previous_unknown:,} whose earlier talk right is not known")
    detail = f": {', '.join(parts)}" if parts else ""
    agents = plan.agents + plan.once_more
    text = [
        what,
        f"plan    will set {agents:,} of {count(plan.of_agents, 'agent')}{detail}",
    ]
    text.extend(
        f"        {count(part.agents, 'agent')} {_EFFECTS[part.flag]} {_where(plan, part.gateway)}"
        for part in plan.parts
    )
    text.extend(f"        {place}" for place in plan.places)
    text.extend([*at_work(plan), *handover(plan)])
    if plan.guardrail:
        text.append(f"HALTED  {plan.guardrail}")
    return "\n".join(text)


def bad_rows(rows: Sequence[BadRow], *, listed: bool = True) -> list[str]:
    """The first bad rows, one a line, and how many more there are.

    Args:
        rows: All of them.
        listed: Whether there is a `--json` that lists all.
    """
    text = [
        f"  line {bad.row}{f', {bad.column}' if bad.column else ''}: {bad.reason}"
        for bad in rows[:_BAD_ROWS_SHOWN]
    ]
    if len(rows) > _BAD_ROWS_SHOWN:
        text.append(
            f"  and {len(rows) - _BAD_ROWS_SHOWN:,} more{'; --json lists all' if listed else ''}"
        )
    return text


def question(plan: Plan) -> str:
    """What a person agrees to before anything is sent."""
    looked = "This run was halted: have you looked at why? " if plan.guardrail else ""
    return f"{looked}{_effects(plan)}Go on?"


def checked(plan: Plan, *, with_gateway: bool) -> str:
    """The end of a check: what would be sent, and what could not be checked."""
    text = [f"OK      {_effects(plan)}Nothing was sent."]
    if any(not part.flag for part in plan.parts):
        text.append("        not checked: the flag; apply needs --flag or a flag column")
    if not with_gateway:
        text.append("        not checked: gateway and GUIDs; add --gateway as for apply")
    return "\n".join(text)


def closing(plan: Plan, finished: Finished, times: Sequence[str] = ()) -> str:
    """The summary: did it work, which agents are not as wanted and why, what to type next."""
    result = finished.result
    applied = result.totals[Status.APPLIED]
    rate = finished.applied / result.elapsed_s if result.elapsed_s else 0.0
    left_out = f" and {count(plan.invalid, 'invalid row')} left out" if plan.invalid else ""
    agents = plan.of_agents or plan.agents
    of_these = f", {finished.applied:,} of them now" if plan.command == "resume" else ""
    verdict = (
        f"{_word(result):<8}{applied:,} of {count(agents, 'agent')} set{of_these}{left_out}"
        f" in {_time(result.elapsed_s)} ({rate:,.0f}/s);"
        f" {sent(result.requests, result.retries, result.not_sent)}"
    )
    text = [verdict, *times]
    text.extend(_why(finished))
    text.extend(groups_as_lines(finished.groups))
    told = [each for each in finished.clusters if each.cause is not Cause.BAD_ROW]
    text.extend(clusters_as_lines(told))
    text.extend(left_out_as_lines(finished.left_out))
    if finished.forgiven:
        text.append(
            f"note    {count(finished.forgiven, 'agent')} going off shift had signed out already,"
            " which --absent-ok takes for as good"
        )
    if result.set_before_switchover:
        several = count(result.set_before_switchover, "agent")
        text.append(
            f"note    {several} set before the gateway failed over, which may have undone that;"
            " to send them once more:"
        )
        text.append(f"        {finished.resend}")
    text.extend(f"note    {told}" for told in finished.shared)
    if finished.note:
        text.append(f"note    {finished.note}")
    text.extend(verified_as_lines(finished.verdicts, finished.unseen))
    text.extend(f"report  {path}" for path in result.reports)
    if result.next:
        text.append(f"next    {result.next}")
    elif finished.left:
        text.append(f"next    {finished.left} with the roster as --roster PATH")
    elif result.exit_code == _REJECTED:
        text.append("next    nothing: a resume would not help those who are not set")
    return "\n".join(text)


def _why(finished: Finished) -> list[str]:
    """Why it ended early, but for what the lines of its groups say anyway."""
    result = finished.result
    if not result.error:
        return []
    if result.state != "halted":
        return [f"ERROR   {result.error}"]
    lines = {_gate_of(standing) for standing in _shown(finished.groups) if standing.counts.held}
    left = told_once(reason for reason in finished.reasons if reason not in lines)
    return [f"WHY     {left}"] if left else []


def _gate_of(standing: GroupStanding) -> Reason | None:
    """The reason that the line of a group says by itself; None where it says none."""
    counts = standing.counts
    if counts.cause is not Cause.GATE or not counts.incoming:
        return None
    short = GateShort(counts.up, counts.incoming, standing.gate)
    return GroupHeld(standing.name, short) if standing.name else short


def _shown(groups: Sequence[GroupStanding]) -> list[GroupStanding]:
    """The groups that have a line, those first that are held."""
    return sorted(groups, key=lambda standing: not standing.counts.held)[:_GROUPS_SHOWN]


def groups_as_lines(groups: Sequence[GroupStanding]) -> list[str]:
    """How each group of a handover stands, those first that are held."""
    text = [_group_line(standing) for standing in _shown(groups)]
    if len(groups) > _GROUPS_SHOWN:
        more = len(groups) - _GROUPS_SHOWN
        done = sum(standing.done for standing in groups)
        text.append(f"        and {more:,} more groups; {done:,} of all have handed over")
    return text


def _group_line(standing: GroupStanding) -> str:
    counts = standing.counts
    name = f"{printable(standing.name)}: " if standing.name else ""
    up = f"{counts.up:,} of {counts.incoming:,} agents coming on shift are up"
    off = f"{counts.off:,} of {counts.outgoing:,} agents who go off shift are off"
    rules = {
        Cause.GATE: f", the gate needs {standing.gate:,}" if counts.incoming else "",
        Cause.FLOOR: f", the floor needs {standing.floor:,} to be on",
    }
    if counts.held and counts.cause in rules:
        return f"HELD    {name}{up}{rules[counts.cause]}; {off}, {counts.held:,} stay on"
    return f"group   {name}{up}, {off}"


def _word(result: RunResult) -> str:
    if result.state in _WORDS:
        return _WORDS[result.state]
    if result.exit_code == 0:
        return "DONE"
    return "PARTIAL" if result.totals[Status.APPLIED] else "FAILED"


_REJECTED = 4  # what is not applied is refused for good, or no valid row

_WORDS = {"interrupted": "STOPPED", "halted": "HALTED"}


def clusters_as_lines(clusters: Sequence[OutcomeGroup]) -> list[str]:
    """The agents who are not applied, by cause, with what to do about it."""
    text: list[str] = []
    for cluster in clusters:
        if cluster.cause is Cause.REPEATED_ROW:  # nothing is wrong with its agent
            continue
        meaning, advice = advice_for(cluster.cause, cluster.status)
        some = ", ".join(cluster.agents)
        more = ", ..." if cluster.count > len(cluster.agents) else ""
        reason = f" ({cluster.reason})" if cluster.reason else ""
        text.append(f"{cluster.status} {cluster.count:,} x {cluster.cause}{reason}: {some}{more}")
        text.append(f"        {meaning}; {advice}")
    return text


def left_out_as_lines(rows: Sequence[BadRow]) -> list[str]:
    """Which lines of the roster were left out, and why the first of them were."""
    if not rows:
        return []
    text = [f"without {count(len(rows), 'invalid row')} that --skip-invalid left out:"]
    text.extend(f"        line {bad.row}: {bad.reason}" for bad in rows[:_LEFT_OUT_SHOWN])
    if len(rows) > _LEFT_OUT_SHOWN:
        text.append(f"        and {len(rows) - _LEFT_OUT_SHOWN:,} more, which the report has")
    return text


_LEFT_OUT_SHOWN = 20


def as_json_object(result: RunStanding) -> str:
    """The `--json` object; `error` and such are there only where there is one."""
    fields = msgspec.to_builtins(result)
    if result.error is None:
        del fields["error"]
    # Not among the keys that batch jobs were promised.
    fields.pop("set_before_switchover", None)
    if result.verified is None:
        del fields["verified"]
    if not result.errors:
        del fields["errors"]
    if not result.left_out:
        del fields["left_out"]
    return encoded(fields).decode()


def _effects(plan: Plan) -> str:
    if not plan.agents + plan.once_more:
        return "No agent is to be set. "
    parts = [
        f"{count(part.agents, 'agent')} {_EFFECTS[part.flag]} {_where(plan, part.gateway)}"
        for part in plan.parts
    ]
    return f"{parts[0]}. " if len(parts) == 1 else "".join(f"\n  {part}" for part in parts) + "\n"


def _where(plan: Plan, gateway: str) -> str:
    """A gateway by name and address, where its name does not say that."""
    url = plan.addresses.get(gateway, "")
    if not url or url == f"https://{gateway}":
        return gateway or "the gateway"
    return f"{gateway} ({url})"


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def sent(requests: int, retries: int, not_sent: int) -> str:
    """What was sent, and what came to nothing before a byte left."""
    nothing = f"; {count(not_sent, 'attempt')} sent nothing" if not_sent else ""
    return f"{count(requests, 'request')}, {retries:,} of them retries{nothing}"


def _time(seconds: float) -> str:
    if seconds < 100:  # noqa: PLR2004 - two digits of seconds read well, three do not
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s"
