"""The head of a report for people: the first facts that a reader of the paper looks for.

They are the roster, the gateways, what was wanted, when, by whom, and the ticket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.instants import zone_of
from bulkagent.language import mark
from bulkagent.model import Cause, Line, Status
from bulkagent.reports.sanitize import printable
from bulkagent.reports.verdict import LINES_SHOWN, AgentsSet, total_of


class HeadFact(msgspec.Struct, frozen=True):
    """One fact: its name for programs, its name for people, and the fact."""

    name: str
    label: str
    text: str


class Wanted:
    """What the rows of a run ask for, and how many are so, counted while they pass."""

    def __init__(self) -> None:
        self._agents: Counter[tuple[str, str]] = Counter()
        """Agents by gateway and the flag that they shall have; protected ones are left out."""
        self._applied: Counter[tuple[str, str]] = Counter()
        """Those who have it."""
        self.left_out: list[tuple[int, str]] = []
        """Row and agent of the first lines that are no assignment."""

    def add(self, line: Line) -> None:
        """Count one row; a repeated or invalid one asks for nothing."""
        part = (line.gateway, line.flag)
        if line.status is Status.APPLIED:
            self._applied[part] += 1
        elif line.status is Status.INVALID:
            if len(self.left_out) < LINES_SHOWN:
                self.left_out.append((line.row, line.agent_id))
            return
        elif line.status is Status.DUPLICATE or line.cause is Cause.PROTECTED:
            return
        self._agents[part] += 1

    def by_flag(self) -> dict[str, AgentsSet]:
        """Agents by flag, as the verdict says them."""
        return self._by(1) or {"": AgentsSet(0, 0)}

    def by_gateway(self) -> dict[str, AgentsSet]:
        """Agents by gateway, in the order of their names."""
        return dict(sorted(self._by(0).items()))

    def _by(self, place: int) -> dict[str, AgentsSet]:
        sets: dict[str, AgentsSet] = {}
        for part, agents in self._agents.items():
            before = sets.get(part[place], AgentsSet(0, 0))
            here = AgentsSet(self._applied[part], agents)
            sets[part[place]] = total_of((before, here))
        return sets


def in_english(text: str, **values: object) -> str:
    """A sentence as it is written, its places filled in."""
    return text % values


Say = Callable[..., str]
"""Fills in the places of a marked sentence, perhaps in another language."""


def head_of(
    run: Mapping[str, object], wanted: Wanted, say: Say = in_english
) -> tuple[HeadFact, ...]:
    """The facts of a run that there are, in the order of reading.

    Args:
        run: The facts of the run that every report gets.
        wanted: What its rows ask for.
        say: How its sentences are said.
    """
    gateways = run.get("gateways")
    names = gateways if isinstance(gateways, Mapping) and gateways else wanted.by_gateway()
    facts = (
        ("roster", mark("Roster"), _roster(str(run.get("roster") or ""), say)),
        ("job", mark("Job"), str(run.get("job") or "")),
        ("gateway", mark("Gateway"), ", ".join(sorted(map(str, names)))),
        ("wanted", mark("Wanted"), _wanted(wanted.by_flag(), str(run.get("operation") or ""), say)),
        (
            "when",
            mark("When"),
            span(run.get("created_at"), run.get("finished_at"), say, zone_for(run)),
        ),
        ("by", mark("By"), _by(run, say)),
        ("ticket", mark("Ticket or note"), "; ".join(_each(run, "note"))),
    )
    return tuple(HeadFact(name, say(label), printable(text)) for name, label, text in facts if text)


def roster_name(path: str) -> str:
    """A roster as people call it; "" where it has no name."""
    name = "" if path == "-" else path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _roster(path: str, say: Say) -> str:
    return say(mark("standard input")) if path == "-" else path.rpartition("/")[2] or path


_EFFECTS = {
    "1": (
        mark("1 agent may take calls (flag 1)"),
        mark("%(count)s agents may take calls (flag 1)"),
    ),
    "0": (
        mark("1 agent takes no calls (flag 0)"),
        mark("%(count)s agents take no calls (flag 0)"),
    ),
}


def _wanted(sets: Mapping[str, AgentsSet], operation: str, say: Say) -> str:
    said = [
        say(_EFFECTS[flag][at.agents != 1], count=f"{at.agents:,}")
        for flag, at in sorted(sets.items(), reverse=True)
        if flag in _EFFECTS
    ]
    return say(mark(", ")).join(said) or operation


def _by(run: Mapping[str, object], say: Say) -> str:
    whos = _each(run, "who")
    claimed = [
        say(mark("on behalf of %(name)s (claimed)"), name=name)
        for name in _each(run, "on_behalf_of")
    ]
    later = [say(mark("then %(name)s"), name=who) for who in whos[1:]]
    return ", ".join([*whos[:1], *claimed, *later])


def _each(run: Mapping[str, object], name: str) -> list[str]:
    """What the run and its legs say of it, each once, in the order of time."""
    legs = run.get("legs")
    parts: Iterable[object] = legs if isinstance(legs, Sequence) else ()
    said = [run.get(name), *(leg.get(name) for leg in parts if isinstance(leg, Mapping))]
    return list(dict.fromkeys(str(text) for text in said if text))


def zone_for(run: Mapping[str, object]) -> tzinfo | None:
    """The time zone in which the times of a run are said; None: the machine's."""
    name = run.get("time_zone")
    try:
        return zone_of(name) if isinstance(name, str) and name else None
    except SettingsRefused:  # another machine knew it
        return None


def span(begun: object, ended: object, say: Say = in_english, zone: tzinfo | None = None) -> str:
    """From when to when, in local time with its zone, and in UTC where that is another.

    Args:
        begun: In ISO 8601.
        ended: The same; None: it goes on.
        say: How its sentences are said.
        zone: The time zone of its reader; None: the machine's.
    """
    start, end = _moment(begun), _moment(ended)
    if start is None:
        return str(begun or "")
    moments = [start] if end is None or end <= start else [start, end]
    try:
        local = [moment.astimezone(zone) for moment in moments]
    except (ValueError, OverflowError):  # a year that the platform does not count in its zone
        return str(begun)
    if local[0].tzname() == local[-1].tzname():
        said = f"{_to(local, say)} {local[-1].tzname()}"
    else:  # the clocks changed on the way
        first, last = (f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname()}" for moment in local)
        said = say(_FROM_TO, begun=first, ended=last)
    if all(moment.utcoffset() == UTC.utcoffset(moment) for moment in local):
        return said
    in_utc = [moment.astimezone(UTC) for moment in moments]
    return f"{said} ({_to(in_utc, say, date=in_utc[0].date() != local[0].date())} UTC)"


_FROM_TO = mark("%(begun)s to %(ended)s")


def _moment(iso: object) -> datetime | None:
    try:
        return datetime.fromisoformat(iso) if isinstance(iso, str) and iso else None
    except ValueError:
        return None


def _to(moments: Sequence[datetime], say: Say, *, date: bool = True) -> str:
    first, last = moments[0], moments[-1]
    begun = f"{first:%Y-%m-%d %H:%M:%S}" if date else f"{first:%H:%M:%S}"
    if first is last:
        return begun
    same = last.date() == first.date()
    return say(_FROM_TO, begun=begun, ended=f"{last:{'%H:%M:%S' if same else '%Y-%m-%d %H:%M:%S'}}")
