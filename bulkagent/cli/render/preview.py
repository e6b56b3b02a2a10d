"""What is said before a run: how its roster was read, what it would do, and the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.cli.render.counts import count, enumerated
from bulkagent.cli.render.moments import moment
from bulkagent.language import mark, translate, translate_plural
from bulkagent.reports import printable
from bulkagent.run.plan.consent import MANY, going_off

if TYPE_CHECKING:
    from bulkagent.errors import BadRow
    from bulkagent.run import Plan
    from bulkagent.run.beside import RunBeside


_BAD_ROWS_SHOWN = 50
_GROUPS_SHOWN = 20

# A talk right is a permission: nobody is made to take a call by it.
_EFFECTS = {
    "0": mark("{agents} will STOP taking calls on {where}"),
    "1": mark("{agents} may take calls on {where}"),
    "": mark("{agents} would be set on {where}"),
}


def opening(roster: str, plan: Plan) -> str:
    """How the roster was read, and what is in it."""
    counted = [count(plan.rows, "row"), count(plan.agents, "agent")]
    if plan.protected:
        counted.append(translate("{number:,} protected").format(number=plan.protected))
    if plan.duplicates:
        counted.append(count(plan.duplicates, "duplicate"))
    if plan.invalid:
        counted.append(translate("{number:,} invalid").format(number=plan.invalid))
    if plan.command != "apply":  # an apply that goes on with an unfinished run
        return opening_again(plan)
    name = translate("standard input") if roster == "-" else roster
    counts = translate(", ").join(counted)
    text = [labelled(Label.ROSTER, f"{name}: {plan.layout}; {counts}")]
    if plan.earlier:
        text.append(labelled(Label.BEFORE, plan.earlier))
    return "\n".join([*text, *handover(plan), *bad_rows(plan.bad_rows)])


def begun(plan: Plan) -> str:
    """What is said once a leg has begun: the ID of a run that is kept from now on; "" if known."""
    return "" if plan.command == "resume" else labelled(Label.RUN, plan.run_id)


def in_use(runs: Sequence[RunBeside], *, asks: bool) -> list[str]:
    """The runs in progress that have some of the agents, and what becomes of each.

    Args:
        runs: They.
        asks: Whether a question follows, which says what a take-over ends.
    """
    text = []
    for beside in runs:
        told = translate(_IN_USE[beside.fate]).format(
            run=run_of(beside.run_id, beside.who), agents=named(beside.some, beside.shared)
        )
        text.append(labelled(Label.IN_USE, told))
        if beside.fate == _DRAINED and not asks:
            text.append(labelled(Label.NOTHING, _ended(beside).rstrip()))
    return text


_DRAINED = "drained"
_IN_USE = {
    _DRAINED: mark("{run} is at work on {agents}; you take over from it"),
    "corrected": mark("{run}. If you agree, it leaves {agents} to you and goes on with its others"),
    "left": mark("{run} is at work on {agents}; this run leaves them to it"),
    "against": mark("{run} is at work on {agents}"),
    "open": mark("{run} is at work on {agents}; bulkagent looks again at the start"),
}


def run_of(run_id: str, who: str) -> str:
    """A run with the user and the machine that have begun it."""
    if not who:
        return translate("run {run_id}").format(run_id=run_id)
    return translate("run {run_id} of {who}").format(run_id=run_id, who=printable(who))


def named(some: Sequence[str], number: int) -> str:
    """Agents by their IDs, or how many there are where that is too long."""
    if number != len(some):
        return count(number, "agent")
    told = translate_plural("agent {agents}", "agents {agents}", number)
    return told.format(agents=enumerated(some))


def _ended(beside: RunBeside) -> str:
    """What a take-over ends."""
    told = translate(
        "This ENDS {run}: {left:,} of its {agents} are not set yet, and it begins none of them."
        " It goes on only when a person resumes it. "
    )
    return told.format(
        run=run_of(beside.run_id, beside.who),
        left=beside.left,
        agents=count(beside.agents, "agent"),
    )


def handover(plan: Plan) -> list[str]:
    """The order in which agents are set, and which groups wait for which."""
    text = [labelled(Label.ORDER, plan.order.sentence(translate))] if plan.order else []
    # Groups of one alone are told by the order itself.
    groups = plan.groups if len(plan.groups) > 1 else ()
    each = translate("{group}: {incoming:,} coming on shift, {outgoing:,} going off shift")
    text.extend(
        labelled(
            Label.NOTHING,
            each.format(
                group=printable(group.group or "(none)"),
                incoming=group.incoming,
                outgoing=group.outgoing,
            ),
        )
        for group in groups[:_GROUPS_SHOWN]
    )
    if len(groups) > _GROUPS_SHOWN:
        more = translate("and {number:,} more groups")
        text.append(labelled(Label.NOTHING, more.format(number=len(groups) - _GROUPS_SHOWN)))
    if plan.hint:
        hint = translate(
            "--group-by {column} lets each {column} hand over by itself, so that one in trouble"
            " does not hold up the others"
        )
        text.append(labelled(Label.HINT, hint.format(column=plan.hint)))
    return text


def opening_again(plan: Plan) -> str:
    """What is left of a run, or what a revert would set back."""
    # A new run has no ID that anybody could use before its first leg has begun.
    reverts = plan.command == "revert"
    what = (
        labelled(Label.REVERT, translate("this is a revert of {run_id}").format(run_id=plan.origin))
        if reverts
        else labelled(Label.RUN, translate("{run_id}, resumed").format(run_id=plan.run_id))
    )
    parts = [
        translate(_AGAIN[status]).format(number=number) for status, number in plan.again.items()
    ]
    if plan.once_more:
        again = translate("{number:,} once more, set before a failover")
        parts.append(again.format(number=plan.once_more))
    if plan.protected:
        parts.append(translate("{number:,} protected").format(number=plan.protected))
    if plan.superseded:
        superseded = translate("{number:,} superseded by {runs}")
        number = sum(plan.superseded.values())
        parts.append(superseded.format(number=number, runs=_runs(plan.superseded)))
    if plan.previous_unknown:
        not_known = translate("{number:,} whose earlier talk right is not known")
        parts.append(not_known.format(number=plan.previous_unknown))
    detail = translate(": ") + translate(", ").join(parts) if parts else ""
    will_set = translate("will set {agents:,} of {all_agents}").format(
        agents=plan.agents + plan.once_more, all_agents=count(plan.of_agents, "agent")
    )
    text = [what, labelled(Label.PLAN, will_set + detail)]
    text.extend(labelled(Label.NOTHING, effect) for effect in _effects(plan))
    text.extend(labelled(Label.NOTHING, place) for place in plan.places)
    text.extend(labelled(Label.NOTE, note) for note in since(plan))
    return "\n".join([*text, *handover(plan)])


_AGAIN = {
    "failed": mark("{number:,} that failed before"),
    "unknown": mark("{number:,} unknown"),
    "not_attempted": mark("{number:,} not attempted before"),
}


def since(plan: Plan) -> list[str]:
    """What later runs have done to agents that this one has set."""
    if not plan.set_otherwise:
        return []
    agents = sum(plan.set_otherwise.values())
    told = translate_plural(
        "{agents:,} agent that this run had set is set otherwise since, by {runs}; it stays so, and"
        " the report has it as this run set it",
        "{agents:,} agents that this run had set are set otherwise since, by {runs}; they stay so,"
        " and the report has them as this run set them",
        agents,
    )
    return [told.format(agents=agents, runs=_runs(plan.set_otherwise))]


def _runs(numbers: Mapping[str, int]) -> str:
    """The latest of some runs, and how many others there are."""
    *others, latest = numbers
    if not others:
        return translate("run {latest}").format(latest=latest)
    return translate("run {latest} and {more:,} more").format(latest=latest, more=len(others))


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


def question(plan: Plan, now_ms: int = 0, zone: str = "", runs: Sequence[RunBeside] = ()) -> str:
    """What a person agrees to before anything is sent, but for the words that ask.

    Args:
        plan: What would be sent.
        now_ms: Time of day.
        zone: The time zone of its user; "" for the machine's.
        runs: The runs in progress that have some of its agents.
    """
    looked = ""
    if plan.guardrail:
        looked = translate("This run {was_halted}. Have you looked at why?").format(
            was_halted=was_halted(plan, now_ms, zone)
        )
        looked = f"{looked} "
    ended = "".join(_ended(beside) for beside in runs if beside.fate == _DRAINED)
    return f"{looked}{_told(plan)}{ended}{_why_a_number(plan)}"


def _why_a_number(plan: Plan) -> str:
    """Why a word is not enough to agree; "" where it is."""
    if not plan.to_type:
        return ""
    if not plan.most_of:
        many = translate("More than {number:,} agents stop taking calls, so y is not enough. ")
        return many.format(number=MANY)
    most = translate(
        "{number:,} is more than half of the agents known at {gateway}, so y is not enough. "
    )
    return most.format(number=going_off(plan.parts)[plan.most_of], gateway=plan.most_of)


def was_halted(plan: Plan, now_ms: int, zone: str) -> str:
    """When and why a run was halted that goes on."""
    if plan.halted_at is None:
        return translate("was halted: {reason}").format(reason=plan.guardrail)
    return translate("was halted {time}: {reason}").format(
        time=moment(plan.halted_at, now_ms, zone), reason=plan.guardrail
    )


def checked(plan: Plan, *, with_gateway: bool) -> str:
    """The end of a check: what would be sent, and what could not be checked."""
    first, *others = _effects(plan) or [translate("no agent is to be set")]
    text = [labelled(Label.OK, first)]
    text.extend(labelled(Label.NOTHING, effect) for effect in others)
    if any(not part.flag for part in plan.parts):
        flag = translate("not checked: the flag; apply needs --flag or a flag column")
        text.append(labelled(Label.NOTHING, flag))
    if not with_gateway:
        gateway = translate("not checked: gateway and GUIDs; add --gateway as for apply")
        text.append(labelled(Label.NOTHING, gateway))
    return "\n".join(text)


def _told(plan: Plan) -> str:
    """What agents are to be set to, as sentences."""
    if not plan.agents + plan.once_more:
        return translate("No agent is to be set. ")
    effects = _effects(plan)
    if len(effects) == 1:
        return translate("{effect}. ").format(effect=effects[0])
    return "".join(f"\n  {effect}" for effect in effects) + "\n"


def _effects(plan: Plan) -> list[str]:
    return [
        translate(_EFFECTS[part.flag]).format(
            agents=count(part.agents, "agent"), where=_where(plan, part.gateway)
        )
        for part in plan.parts
    ]


def _where(plan: Plan, gateway: str) -> str:
    """A gateway by name and address, where its name does not say that."""
    url = plan.addresses.get(gateway, "")
    if not url or url == f"https://{gateway}":
        return gateway or translate("the gateway")
    return f"{gateway} ({url})"
