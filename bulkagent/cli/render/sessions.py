"""Held sessions for a person: the plan, the questions, a line now and then, the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from bulkagent.cli.render.counts import count
from bulkagent.gateway.retcodes import MEANINGS
from bulkagent.sessions import BUSY, HoldPlan, HoldRequest, HoldStatus, SessionGroup, SessionState

_STATUSES = {3: "busy", 4: "IDLE", 5: "in wrap-up"}


def opening(request: HoldRequest, plan: HoldPlan) -> str:
    """How the roster was read, what will be done, and what else a person must know."""
    enrolled = plan.enrolled
    name = "standard input" if request.roster == "-" else request.roster
    agents = sum(plan.agents.values())
    counted = [count(enrolled.rows, "row"), count(agents, "agent")]
    if enrolled.duplicates:
        counted.append(count(enrolled.duplicates, "duplicate"))
    text = [f"roster  {name}: {enrolled.layout}; {', '.join(counted)}"]
    if enrolled.columns:
        text.append(f"columns {', '.join(enrolled.columns)}")
    text.extend(f"gateway {name}: {count(number, 'agent')}" for name, number in plan.agents.items())
    if plan.adopting:
        text.append(
            f"adopt   {count(plan.adopting, 'session')} of {request.sessions}, polled before"
            " anybody is signed in"
        )
    ended = ", and agents whose adopted session has ended" if plan.adopting else ""
    text.append(f"sign in {count(plan.to_sign_in, 'agent')}{ended}, as {_as_what(request)}")
    if plan.may_be_signed_in:
        text.append(
            "note    a sign-in passes through idle: an agent whose phone is free could be given a"
            " call in that moment"
        )
        text.append(
            "note    a talk right belongs to its session: an agent who is signed in anew has none"
            " of the earlier settings, so apply the shift again"
        )
    if plan.unknown:
        text.append(
            f"note    {count(plan.unknown, 'agent')} left alone"
            f" ({', '.join(plan.first_unknown)}{', ...' if plan.unknown > 3 else ''}):"  # noqa: PLR2004
            " an earlier sign-in ended in doubt; --sign-in-unknown signs them in"
        )
    if plan.refused:
        text.append(
            f"note    {count(plan.refused, 'agent')} left alone: password refused or account"
            " locked before; --sign-in-refused signs them in"
        )
    if plan.others:
        text.append(
            f"note    {count(plan.others, 'session')} of {request.sessions} not in this roster:"
            " not polled, so they end within two minutes"
        )
    text.extend(f"note    the column {name} is not read; see --help" for name in enrolled.ignored)
    if enrolled.readable_by_others:
        text.append(f"WARNING {name} has passwords and others may read it; chmod 600 {name}")
    return "\n".join(text)


def _as_what(request: HoldRequest) -> str:
    choice = request.choice
    answering = "ANSWERING by themselves" if choice.auto_answer else "not answering by themselves"
    ringing = "" if choice.status == BUSY else "; callers will be put through to their phones"
    return f"{_STATUSES[choice.status]}, {answering}{ringing}"


def question(request: HoldRequest, plan: HoldPlan) -> str:
    """What a person agrees to before anything is sent."""
    where = ", ".join(plan.agents)
    ended = (
        f", and up to {plan.adopting:,} more, where their sessions have ended,"
        if plan.adopting
        else ""
    )
    return (
        f"{count(plan.to_sign_in, 'agent')}{ended} will be SIGNED IN on {where} as"
        f" {_as_what(request)}. "
    )


def force_question(plan: HoldPlan) -> str:
    """What a person agrees to before anybody is thrown off a desk."""
    agents = plan.may_be_signed_in
    more = ", ..." if agents > len(plan.first) else ""
    return (
        f"--force-sign-in: each of these {count(agents, 'agent')} ({', '.join(plan.first)}{more})"
        " who is signed in elsewhere will be THROWN OFF their desk, calls included. "
    )


_WORDS: Mapping[SessionState, str] = {
    SessionState.ADOPTING: "adopting",
    SessionState.SIGNING_IN: "signing in",
    SessionState.WAITING: "waiting",
    SessionState.TROUBLED: "not reached",
    SessionState.LOST: "lost",
    SessionState.REFUSED: "refused",
    SessionState.WRONG_PASSWORD: "wrong password",
    SessionState.LOCKED: "locked",
    SessionState.ALREADY_SIGNED_IN: "already signed in elsewhere",
    SessionState.UNKNOWN: "unknown",
    SessionState.SIGNED_OUT: "signed out",
}


def line(held: HoldStatus, now: dt.datetime) -> str:
    """One dated line: how many are up, and what holds the others back."""
    return f"{now.isoformat(timespec='seconds')} {status(held)}"


def status(held: HoldStatus) -> str:
    """How many are up, and what holds the others back."""
    parts = [f"up {held.counts[SessionState.UP]:,} of {held.agents:,}"]
    parts.extend(
        f"{word} {held.counts[state]:,}" for state, word in _WORDS.items() if held.counts[state]
    )
    if held.stopped:
        parts.append(f"SIGN-INS STOPPED: {held.stopped}")
    if held.unsaved:
        parts.append(f"SESSIONS FILE NOT WRITTEN: {held.unsaved}")
    return ", ".join(parts)


_ADVICE: Mapping[SessionState, str] = {
    SessionState.ADOPTING: "none of their polls was answered; start again within two minutes of"
    " the last one",
    SessionState.SIGNING_IN: "a sign-in was under way",
    SessionState.WAITING: "not signed in; start again to sign them in",
    SessionState.TROUBLED: "their last poll was not answered; start again within two minutes of it",
    SessionState.LOST: "the gateway has ended the session, or the agent is at a desk; start again,"
    " or use --sign-in-again",
    SessionState.REFUSED: "correct in the roster what the code names, then start again",
    SessionState.WRONG_PASSWORD: "correct the password, then start again with --sign-in-refused",
    SessionState.LOCKED: "have the account unlocked, then start again with --sign-in-refused",
    SessionState.ALREADY_SIGNED_IN: "find out who is signed in there before you give"
    " --force-sign-in; a session of your own that is not polled ends within two minutes",
    SessionState.UNKNOWN: "the sign-in may have worked, and without its GUID the session ends"
    " within two minutes; then start again with --sign-in-unknown",
    SessionState.SIGNED_OUT: "signed out at the end, as asked for",
}


_UNTRIED = (
    "not tried, because sign-ins were stopped; correct what was refused first, then start again"
    " with --sign-in-refused"
)

# A code speaks for itself; these words would be taken for what a gateway said.
_FAULTS: Mapping[str, str] = {
    "refused": "connection refused",
    "dns": "host name without an address",
    "connect_timeout": "no connection in time",
    "reset": "connection broken",
    "read_timeout": "no reply in time",
}


def closing(
    request: HoldRequest, held: HoldStatus, groups: Sequence[SessionGroup], *, interrupted: bool
) -> str:
    """The summary: the sessions that are left, the agents not up and why, what to do."""
    up = held.counts[SessionState.UP]
    word = "STOPPED" if interrupted else "ENDED"
    text = [f"{word:<8}{status(held)}"]
    if up:
        left = "the gateway ends them" if not interrupted else "they live on"
        text.append(
            f"        {count(up, 'session')} not signed out: {left} within two minutes;"
            " start again before that to go on with them"
        )
    for group in groups:
        more = ", ..." if group.count > len(group.agents) else ""
        why = f" x {_FAULTS.get(group.why, group.why)}" if group.why else ""
        text.append(f"{group.state} {group.count:,}{why}: {', '.join(group.agents)}{more}")
        untried = held.stopped and group.state is SessionState.WAITING
        advice = _UNTRIED if untried else _ADVICE[group.state]
        text.append(f"        {_meaning(group.why)}{advice}")
    if held.must_change_password:
        text.append(
            f"note    {count(held.must_change_password, 'agent')} must change the password and"
            " can take no call before (isForceChange)"
        )
    text.append(f"file    {request.sessions}")
    return "\n".join(text)


def _meaning(why: str) -> str:
    return f"{MEANINGS[why].meaning}; " if why in MEANINGS else ""
