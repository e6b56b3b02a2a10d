"""What a terminal shows of a run under way, drawn anew some times a second.

What may live here: figures into lines, by width and height. What this room must not know: where
figures come from, and when they are drawn.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from bulkagent.cli.pacing import outlook
from bulkagent.cli.timing import margin
from bulkagent.report import printable

if TYPE_CHECKING:
    from bulkagent.run import GatewayProgress, GroupProgress, Progress

__all__ = ["live_view"]

_STYLES = {
    "applied": "green",
    "rejected": "red",
    "failed": "red",
    "unknown": "yellow",
    "open": "bold red",
    "half-open": "yellow",
}
_LATER_S = 5.0
"""From so many seconds on it is worth saying when they are over."""

_NARROW = 60
"""Columns below which a line has only what matters most."""


def live_view(
    progress: Progress,
    now: dt.datetime,
    *,
    per_second: float,
    left_s: float | None,
    width: int,
    height: int,
    plain: bool = False,
) -> Group:
    """The whole view.

    Args:
        progress: The run.
        now: The time of day, with its zone.
        per_second: Agents finished a second.
        left_s: Seconds left; None: nobody can say.
        width: Columns of the terminal.
        height: Lines that there are; what matters least goes first.
        plain: Whether the terminal takes ASCII only.
    """
    lines = [
        _bar(progress, width, "#-" if plain else "━━"),
        _headline(progress, now, per_second, left_s, narrow=width < _NARROW),
        _counts(progress),
        *_causes(progress),
    ]
    room = max(0, height - len(lines))
    gateways = _gateways(progress, narrow=width < _NARROW)
    groups = _groups(progress.groups)
    # Where both do not fit, each has a half, and what one does not need is the other's.
    for_groups = min(len(groups), max(room // 2, room - len(gateways)))
    lines.extend(_cut(gateways, room - for_groups, "gateways"))
    lines.extend(_cut(groups, for_groups, "groups"))
    return Group(*lines[: max(1, height)])


def _line(*parts: str | tuple[str, str]) -> Text:
    """One line, which a narrow terminal crops and never wraps."""
    text = Text(no_wrap=True, overflow="crop")
    for part in parts:
        if isinstance(part, str):
            text.append(part)
        else:
            text.append(*part)
    return text


def _bar(progress: Progress, width: int, drawn: str) -> Text:
    full = round(width * progress.finished / progress.agents) if progress.agents else width
    full = min(full, width)
    return _line((drawn[0] * full, "green"), (drawn[1] * (width - full), "bright_black"))


def _headline(
    progress: Progress,
    now: dt.datetime,
    per_second: float,
    left_s: float | None,
    *,
    narrow: bool,
) -> Text:
    share = progress.finished / progress.agents if progress.agents else 1.0
    of = f"{progress.finished:,} of {progress.agents:,}"
    said = outlook(progress, left_s)
    at = ""
    if left_s is not None and left_s >= _LATER_S and said.endswith("left"):
        at = f", done at {now + dt.timedelta(seconds=left_s):%H:%M:%S}"
    spare = "" if narrow else margin(progress.finish_by, now, left_s)
    gap = "  " if narrow else "    "
    told = f"{gap}{said}{'' if narrow else at}{spare}" if said else ""
    style = "bold red" if "TOO LATE" in spare else ""
    return _line((f"{share:4.0%}", "bold"), f"  {of}{gap}{per_second:,.0f}/s", (told, style))


def _counts(progress: Progress) -> Text:
    counts = {
        **progress.by_status,
        "waiting for a retry": progress.waiting,
        "waited for to sign in": progress.awaited,
        "sent nothing": progress.not_sent,
    }
    return _line("      ", *_joined((name, count) for name, count in counts.items() if count))


def _causes(progress: Progress) -> Iterator[Text]:
    causes = sorted(progress.causes.items(), key=lambda cause: (-cause[1], cause[0]))
    if causes:
        yield _line("      because  ", *_joined(causes))


def _joined(counts: Iterable[tuple[str, int]]) -> Iterator[str | tuple[str, str]]:
    for at, (name, count) in enumerate(counts):
        if at:
            yield ", "
        yield (f"{count:,} {name}", _STYLES.get(name, ""))


def _gateways(progress: Progress, *, narrow: bool) -> list[Text]:
    """A line each, those first that have trouble."""
    ordered = sorted(progress.gateways, key=lambda at: (not _has_trouble(at), at.name))
    names = max((len(printable(at.name)) for at in ordered), default=0)
    return [_gateway(at, names if len(ordered) > 1 else 0, narrow=narrow) for at in ordered]


def _has_trouble(at: GatewayProgress) -> bool:
    return at.breaker != "closed" or bool(at.ended)


def _gateway(at: GatewayProgress, name_width: int, *, narrow: bool) -> Text:
    name = printable(at.name)
    share = at.finished / at.agents if at.agents else 1.0
    told: list[str | tuple[str, str]] = [f"      {name.ljust(name_width)}"]
    if name_width:
        told.append(f" {share:4.0%}")
    if at.ended:
        return _line(*told, "  ", (f"ended: {at.ended}", "bold red"))
    if at.breaker != "closed":
        told.extend(("  ", (f"breaker {at.breaker}", _STYLES[at.breaker])))
    if at.median_ms is not None and at.p95_ms is not None:
        told.append(f"  median {_ms(at.median_ms)}, 95% {_ms(at.p95_ms)}")
    if narrow:
        return _line(*told)
    told.append(f"  {at.in_flight:,} of {at.limit:,} in flight")
    if at.paused_s:
        told.extend(("  ", ("paused, as it asked", "yellow")))
    elif at.breaker == "closed":
        told.append("  breaker closed")
    if at.retries:
        told.append(f"  {at.retries:,} tried again, room for {at.retries_left:,}")
    return _line(*told)


def _ms(milliseconds: float) -> str:
    if milliseconds >= 1000:  # noqa: PLR2004 - from here on people count in seconds
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms"


def _groups(groups: Sequence[GroupProgress]) -> list[Text]:
    """A line each: those first that are held, then those under way, those that are done last."""
    ordered = sorted(groups, key=lambda at: (not at.held, at.done, at.name))
    names = max((len(printable(at.name)) for at in ordered), default=0)
    return [_group(at, names) for at in ordered]


def _group(at: GroupProgress, name_width: int) -> Text:
    gate = f" (gate {at.gate:,})" if at.incoming else ""
    floor = f", floor {at.floor:,}" if at.floor else ""
    told = (
        f"      {printable(at.name).ljust(name_width)}  {at.up:,} of {at.incoming:,} up{gate},"
        f" {at.off:,} of {at.outgoing:,} off{floor}"
    )
    if at.held:
        return _line(told, "  ", ("held", "bold red"))
    return _line(told, *((("  done", "green"),) if at.done else ()))


def _cut(lines: Sequence[Text], room: int, noun: str) -> list[Text]:
    if len(lines) <= room:
        return list(lines)
    if room < 1:
        return []
    return [*lines[: room - 1], _line(f"      and {len(lines) - room + 1:,} more {noun}")]
