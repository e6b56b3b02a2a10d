"""The summary of a run for a person, and the `--json` object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.cli.render.counts import count, sent
from bulkagent.cli.render.left_to import left_to_as_lines
from bulkagent.cli.render.preview import run_of, since, was_halted
from bulkagent.cli.render.verdict import verdict
from bulkagent.cli.render.verification import verified_as_lines
from bulkagent.language import mark, translate, translate_plural
from bulkagent.model import Cause, Status
from bulkagent.reasons import GateShort, GivenUp, GroupHeld, Reason, told_once
from bulkagent.reports import NO_USE, advice_for, answered, encoded, printable, told_of_connections

if TYPE_CHECKING:
    from bulkagent.ledger import LeftOutRow, OutcomeGroup
    from bulkagent.run import Finished, Plan, RunStanding
    from bulkagent.run.handover.rules import GroupStanding
    from bulkagent.run.sharing.shared_time import LimitsShared


_GROUPS_SHOWN = 20


def closing(
    plan: Plan,
    finished: Finished,
    times: Sequence[str] = (),
    zone: str = "",
    *,
    opened: bool = False,
) -> str:
    """The summary: what became of the agents, what to do, what to type next; then the rest.

    Args:
        plan: What was to be sent.
        finished: What came of it.
        times: Whether it was done in time.
        zone: The time zone of its user; "" for the machine's.
        opened: Whether the beginning was shown, with the lines that were left out.
    """
    held = [standing for standing in _shown(finished.groups) if standing.counts.held]
    text = [*verdict(plan, finished, zone), *times, *_why(finished)]
    text.extend(_group_line(standing) for standing in held)
    told = [each for each in finished.clusters if each.cause is not Cause.BAD_ROW]
    later = left_to_as_lines(finished.left_to, now_ms=finished.ended_ms, zone=zone)
    text.extend(clusters_as_lines(told, later))
    contradicted = finished.verdicts is not None and finished.verdicts.contradicted > 0
    seen = verified_as_lines(finished.verdicts, finished.unseen)
    text.extend(seen if contradicted else ())
    text.extend(_next(finished))
    text.extend(_drained(finished))
    text.extend(groups_as_lines(finished.groups)[len(held) :])
    text.extend(_notes(plan, finished, zone))
    text.extend(() if contradicted else seen)
    if not (opened and plan.command == "apply" and plan.bad_rows):
        text.extend(left_out_as_lines(finished.left_out))
    text.extend(labelled(Label.REPORT, path) for path in finished.result.reports)
    text.append(labelled(Label.SENT, _sent(plan, finished)))
    return "\n".join(text)


def _next(finished: Finished) -> list[str]:
    """What to type now."""
    result = finished.result
    text: list[str] = []
    if result.set_before_switchover:
        before = translate(
            "{agents} set before the gateway failed over, which may have undone that; to send them"
            " once more:"
        ).format(agents=count(result.set_before_switchover, "agent"))
        text.append(labelled(Label.NOTE, before))
        text.append(labelled(Label.NOTHING, finished.resend))
    halted = result.state == "halted" and bool(finished.left)
    if result.next:
        text.extend(next_as_lines(result.next, halted=halted))
    elif finished.left:
        command = f"{finished.left} {_OVERRIDE}" if halted else finished.left
        with_roster = translate("{command} with the roster as --roster PATH")
        text.append(labelled(Label.NEXT, with_roster.format(command=command)))
    elif result.exit_code == _REJECTED:
        nothing = translate(NO_USE)
        text.append(labelled(Label.NEXT, nothing))
    return text


def next_as_lines(command: str, *, halted: bool) -> list[str]:
    """What to type now, and what has to be done or known before that.

    Args:
        command: What goes on.
        halted: Whether it goes on with a run that was halted, which nobody may do unattended.
    """
    if halted:
        looked = translate("after you have looked, with your reason:")
        return [
            labelled(Label.NEXT, looked),
            labelled(Label.NOTHING, f"{command} {_OVERRIDE}"),
        ]
    if _GUESS in command.split():
        guess = translate("a guess, that each agent had the opposite before:")
        return [labelled(Label.NEXT, guess), labelled(Label.NOTHING, command)]
    return [labelled(Label.NEXT, command)]


_OVERRIDE = "--override 'REASON'"
_GUESS = "--assume-opposite"


def _drained(finished: Finished) -> list[str]:
    """The runs that were ended for this one, each with the command that goes on with it."""
    text: list[str] = []
    for run in finished.drained:
        told = translate("{run} has ended for this one: {left:,} of its {agents} are not set")
        told = told.format(
            run=run_of(run.run_id, run.who), left=run.left, agents=count(run.agents, "agent")
        )
        go_on = (
            translate("{told}. To go on with it, with your reason:") if run.command else "{told}"
        )
        text.append(labelled(Label.NOTE, go_on.format(told=told)))
        if run.command:
            text.append(labelled(Label.NOTHING, f"{run.command} {_OVERRIDE}"))
    return text


def _notes(plan: Plan, finished: Finished, zone: str) -> list[str]:
    """What else there is to know."""
    notes: list[str] = []
    if plan.guardrail and finished.result.state != "halted":
        notes.append(was_halted(plan, finished.ended_ms, zone))
    notes.extend(since(plan))
    if finished.forgiven:
        signed_out = translate(
            "{agents} going off shift had signed out already, which --absent-ok takes for as good"
        )
        notes.append(signed_out.format(agents=count(finished.forgiven, "agent")))
    notes.extend(_shared(each) for each in finished.shared if each.seconds >= _WORTH_TELLING_S)
    if finished.note:
        notes.append(finished.note)
    return [labelled(Label.NOTE, note) for note in notes]


_WORTH_TELLING_S = 1.0


def _shared(shared: LimitsShared) -> str:
    """Why a run may have been slower than its limits allow."""
    told = translate_plural(
        "another command used {gateway} for {seconds:.0f} s, and both shared its limits",
        "{others:,} other commands used {gateway} for {seconds:.0f} s, and all shared its limits",
        shared.others,
    )
    return told.format(
        gateway=printable(shared.gateway), seconds=shared.seconds, others=shared.others
    )


def _sent(plan: Plan, finished: Finished) -> str:
    """What left the machine, and how fast agents were set."""
    result = finished.result
    rate = finished.applied / result.elapsed_s if result.elapsed_s else 0.0
    text = sent(result.requests, result.retries, result.not_sent)
    took = _time(result.elapsed_s)
    if plan.command == "resume":
        now = translate("; now {agents} set in {took} ({rate:,.0f}/s)")
        return text + now.format(agents=count(finished.applied, "agent"), took=took, rate=rate)
    return text + translate("; {took} ({rate:,.0f}/s)").format(took=took, rate=rate)


def _why(finished: Finished) -> list[str]:
    """Why it ended early, but for what the lines of its groups say anyway."""
    result = finished.result
    if not result.error:
        return []
    reasons = finished.reasons
    if result.state == "halted":
        lines = {_gate_of(standing) for standing in _shown(finished.groups) if standing.counts.held}
        reasons = tuple(reason for reason in reasons if reason not in lines)
    told = told_once(reasons, translate) if finished.reasons else result.error
    said = _of_silent_gateways(finished)
    label = Label.ERROR if result.state == "completed" else Label.WHY
    return [labelled(label, f"{told} ({said})" if said else told)] if told else []


def _of_silent_gateways(finished: Finished) -> str:
    """What the network said of gateways that were given up without having answered once."""
    silent = {
        reason.gateway
        for reason in finished.reasons
        if isinstance(reason, GivenUp) and not reason.answered
    }
    said: dict[str, dict[str, None]] = {}
    for cluster in finished.clusters:
        for failure in cluster.common.failures:
            named = [gateway for gateway in failure.gateways if gateway in silent]
            said.setdefault(failure.said, {}).update(dict.fromkeys(named))
    return told_of_connections(
        [(each, tuple(gateways)) for each, gateways in said.items() if gateways], translate
    )


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
    name = printable(standing.name) + translate(": ") if standing.name else ""
    rules = {
        Cause.GATE: mark(
            "{up:,} of {incoming:,} agents coming on shift are up, the gate needs {gate:,};"
            " {off:,} of {outgoing:,} agents going off shift are off, {held:,} stay on"
        ),
        Cause.FLOOR: mark(
            "{up:,} of {incoming:,} agents coming on shift are up, the floor needs {floor:,} to be"
            " on; {off:,} of {outgoing:,} agents going off shift are off, {held:,} stay on"
        ),
    }
    numbers = {
        "up": counts.up,
        "incoming": counts.incoming,
        "gate": standing.gate,
        "floor": standing.floor,
        "off": counts.off,
        "outgoing": counts.outgoing,
        "held": max(0, counts.held - standing.taken_off),
        "taken_off": standing.taken_off,
    }
    by_gate = counts.cause is Cause.GATE and counts.incoming
    if counts.held and (by_gate or counts.cause is Cause.FLOOR) and counts.cause is not None:
        text = translate(rules[counts.cause]).format(**numbers)
        if standing.taken_off:
            text += translate(", {taken_off:,} are off by another run").format(**numbers)
        return labelled(Label.HELD, name + text)
    if counts.held and counts.cause in rules:
        nobody = translate(
            "no agent comes on shift; {off:,} of {outgoing:,} agents going off shift are off,"
            " {held:,} stay on"
        )
        return labelled(Label.HELD, name + nobody.format(**numbers))
    stands = translate(
        "{up:,} of {incoming:,} agents coming on shift are up, {off:,} of {outgoing:,} agents going"
        " off shift are off"
    )
    return labelled(Label.GROUP, name + stands.format(**numbers))


_REJECTED = 4  # what is not applied is refused for good, or no valid row


def clusters_as_lines(clusters: Sequence[OutcomeGroup], left_to: Sequence[str] = ()) -> list[str]:
    """The agents who are not applied, by cause, with what to do about it.

    Those come first who were tried: why the others were not follows from them.

    Args:
        clusters: They.
        left_to: What is known of the later runs that agents were left to, in sentences.
    """
    text: list[str] = []
    for cluster in sorted(clusters, key=lambda each: each.status is Status.NOT_ATTEMPTED):
        if cluster.cause is Cause.REPEATED_ROW:  # nothing is wrong with its agent
            continue
        meaning, advice = advice_for(cluster.cause, cluster.status, translate)
        some = ", ".join(cluster.agents)
        more = ", ..." if cluster.count > len(cluster.agents) else ""
        failures = [(each.said, each.gateways) for each in cluster.common.failures]
        said = told_of_connections(failures, translate)
        said = said or answered(cluster.cause, cluster.common.retcode)
        reason = f" ({said})" if said else ""
        text.append(f"{cluster.status} {cluster.count:,} x {cluster.cause}{reason}: {some}{more}")
        known = left_to if cluster.cause is Cause.SUPERSEDED else ()
        text.extend(labelled(Label.NOTHING, each) for each in known or (meaning,))
        text.append(labelled(Label.TO_DO, advice))
    return text


def left_out_as_lines(rows: Sequence[LeftOutRow]) -> list[str]:
    """Why lines of the roster were left out."""
    if not rows:
        return []
    each = translate("line {row}: {reason}")
    text = [labelled(Label.NOTE, translate("these lines of the roster were left out:"))]
    text.extend(
        labelled(Label.NOTHING, each.format(row=left.row, reason=left.reason))
        for left in rows[:_LEFT_OUT_SHOWN]
    )
    if len(rows) > _LEFT_OUT_SHOWN:
        more = translate("and {number:,} more lines, which the report has")
        text.append(labelled(Label.NOTHING, more.format(number=len(rows) - _LEFT_OUT_SHOWN)))
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


def _time(seconds: float) -> str:
    if seconds < 100:  # noqa: PLR2004 - two digits of seconds read well, three do not
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s"
