"""The live lines of a run under way, drawn anew some times a second."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

from bulkagent.cli.progress.rate import outlook
from bulkagent.cli.render.schedule import margin
from bulkagent.reports import printable

if TYPE_CHECKING:
    from bulkagent.run import GatewayProgress, GroupProgress, Progress


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
        _headline(progress, now, per_second, left_s, width),
        _counts(progress, width),
        *_causes(progress, width),
    ]
    room = max(0, height - len(lines))
    gateways = _gateways(progress, width)
    groups = _groups(progress.groups, width)
    # Where both do not fit, each has a half, and what one does not need is the other's.
    for_groups = min(len(groups), max(room // 2, room - len(gateways)))
    lines.extend(_cut(gateways, room - for_groups, "gateways", width))
    lines.extend(_cut(groups, for_groups, "groups", width))
    return Group(*lines[: max(1, height)])


class _Field(NamedTuple):
    """A part of a line that is there whole or not at all."""

    text: str
    rank: int = 0
    """Those with the highest are left out first; 0: never."""
    style: str = ""


def _line(fields: Iterable[_Field], width: int) -> Text:
    """As many of these as fit, in their order; a line is never broken, and cut between words."""
    shown = list(fields)
    while _columns(shown) > width and (last := max(shown, key=lambda field: field.rank)).rank:
        # Of several with one rank the last goes first.
        shown.pop(max(at for at, field in enumerate(shown) if field.rank == last.rank))
    text = Text(no_wrap=True, overflow="crop")
    for field in shown:
        text.append(field.text, field.style)
    if text.cell_len > width:
        kept = text.plain[:width].rpartition(" ")[0].rstrip() or text.plain[:width]
        text.right_crop(len(text.plain) - len(kept))
    return text


def _columns(fields: Iterable[_Field]) -> int:
    return sum(cell_len(field.text) for field in fields)


def _bar(progress: Progress, width: int, drawn: str) -> Text:
    full = round(width * progress.finished / progress.agents) if progress.agents else width
    full = min(full, width)
    done, left = drawn[0] * full, drawn[1] * (width - full)
    return _line((_Field(done, style="green"), _Field(left, style="bright_black")), width)


def _headline(
    progress: Progress,
    now: dt.datetime,
    per_second: float,
    left_s: float | None,
    width: int,
) -> Text:
    share = progress.finished / progress.agents if progress.agents else 1.0
    said = outlook(progress, left_s)
    at = ""
    if left_s is not None and left_s >= _LATER_S and said.endswith("left"):
        # In the zone of the time that it has to be done by, which stands beside it.
        zone = progress.finish_by.local.tzinfo if progress.finish_by else now.tzinfo
        done = (now + dt.timedelta(seconds=left_s)).astimezone(zone)
        at = f", done at {done:%H:%M:%S} {done.tzname()}"
    spare = margin(progress.finish_by, now, left_s) if said else ""
    late = "TOO LATE" in spare
    style = "bold red" if late else ""
    fields = (
        _Field(f"{share:4.0%}", style="bold"),
        _Field(f"  {progress.finished:,} of {progress.agents:,}", 1),
        _Field(f"    {per_second:,.0f}/s", 4),
        _Field(f"    {said}" if said else "", 2, style),
        _Field(at, 5, style),
        _Field(spare, 1 if late else 3, style),
    )
    return _line(fields, width)


def _counts(progress: Progress, width: int) -> Text:
    counts = {
        **progress.by_status,
        "waiting for a retry": progress.waiting,
        "waited for to sign in": progress.awaited,
        "sent nothing": progress.not_sent,
    }
    shown = ((name, count) for name, count in counts.items() if count)
    return _line((_Field("     "), *_joined(shown)), width)


def _causes(progress: Progress, width: int) -> Iterator[Text]:
    causes = sorted(progress.causes.items(), key=lambda cause: (-cause[1], cause[0]))
    if causes:
        yield _line((_Field("      because "), *_joined(causes)), width)


def _joined(counts: Iterable[tuple[str, int]]) -> Iterator[_Field]:
    for rank, (name, count) in enumerate(counts):
        between = ", " if rank else " "
        yield _Field(f"{between}{count:,} {name}", rank, _STYLES.get(name, ""))


def _gateways(progress: Progress, width: int) -> list[Text]:
    """A line each, those first that have trouble."""
    ordered = sorted(progress.gateways, key=lambda at: (not _has_trouble(at), at.name))
    names = max((len(printable(at.name)) for at in ordered), default=0)
    return [_gateway(at, names if len(ordered) > 1 else 0, width) for at in ordered]


def _has_trouble(at: GatewayProgress) -> bool:
    return at.breaker != "closed" or bool(at.ended)


def _gateway(at: GatewayProgress, name_width: int, width: int) -> Text:
    share = at.finished / at.agents if at.agents else 1.0
    fields = [
        _Field(f"      {printable(at.name).ljust(name_width)}"),
        _Field(f" {share:4.0%}" if name_width else "", 2),
    ]
    if at.ended:
        fields.append(_Field(f"  ended: {at.ended}", style="bold red"))
        if at.in_flight:
            fields.append(_Field(f"  {at.in_flight:,} still in flight", 3))
        return _line(fields, width)
    if at.breaker != "closed":
        fields.append(_Field(f"  breaker {at.breaker}", 1, _STYLES[at.breaker]))
    if at.median_ms is not None and at.p95_ms is not None:
        fields.append(_Field(f"  median {_ms(at.median_ms)}, 95% {_ms(at.p95_ms)}", 4))
    fields.append(_Field(f"  {at.in_flight:,} of {at.limit:,} in flight", 3))
    if at.in_doubt:
        fields.append(_Field(f", {at.in_doubt:,} of them in doubt", 2, _STYLES["unknown"]))
    if at.commands > 1:
        fields.append(_Field(f"  limits shared by {at.commands:,} commands", 2))
    if at.paused_s:
        fields.append(_Field("  paused, as it asked", 1, "yellow"))
    elif at.breaker == "closed":
        fields.append(_Field("  breaker closed", 5))
    if at.retries:
        fields.append(_Field(f"  {at.retries:,} tried again, room for {at.retries_left:,}", 6))
    return _line(fields, width)


def _ms(milliseconds: float) -> str:
    if milliseconds >= 1000:  # noqa: PLR2004 - from here on people count in seconds
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms"


def _groups(groups: Sequence[GroupProgress], width: int) -> list[Text]:
    """A line each: those first that are held, then those under way, those that are done last."""
    ordered = sorted(groups, key=lambda at: (not at.held, at.done, at.name))
    names = max((len(printable(at.name)) for at in ordered), default=0)
    return [_group(at, names, width) for at in ordered]


def _group(at: GroupProgress, name_width: int, width: int) -> Text:
    fields = [
        _Field(f"      {printable(at.name).ljust(name_width)}"),
        _Field(f"  {at.up:,} of {at.incoming:,} up", 2),
        _Field(f" (gate {at.gate:,})" if at.incoming else "", 4),
        _Field(f", {at.off:,} of {at.outgoing:,} off", 3),
        _Field(f", floor {at.floor:,}" if at.floor else "", 5),
    ]
    if at.held:
        fields.append(_Field("  held", 1, "bold red"))
    elif at.done:
        fields.append(_Field("  done", 1, "green"))
    return _line(fields, width)


def _cut(lines: Sequence[Text], room: int, noun: str, width: int) -> list[Text]:
    if len(lines) <= room:
        return list(lines)
    if room < 1:
        return []
    more = _Field(f"      and {len(lines) - room + 1:,} more {noun}")
    return [*lines[: room - 1], _line((more,), width)]
