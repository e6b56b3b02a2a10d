"""Times of day, as options say them and as people read them beside a run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.errors import SettingsRefused
from bulkagent.instants import Instant, duration_text, parse_instant
from bulkagent.language import translate
from bulkagent.model import Status

if TYPE_CHECKING:
    from bulkagent.run import RunResult
    from bulkagent.run.schedule.forecast import Forecast, TimeNeeded
    from bulkagent.run.schedule.timetable import Timetable


_AS_WANTED = frozenset({Status.APPLIED, Status.DUPLICATE})


def times_from(
    start_at: str | None, finish_by: str | None, *, zone: str, now_ms: int
) -> dict[str, Instant]:
    """What `--start-at` and `--finish-by` mean, by those names; what was not given is left out.

    A time to finish by that has no date is of the day of the start.

    Raises:
        SettingsRefused: One is no time, or is past.
    """
    times: dict[str, Instant] = {}
    day_ms: int | None = None
    for name, text in (("start_at", start_at), ("finish_by", finish_by)):
        if text is None:
            continue
        try:
            times[name] = parse_instant(text, now_ms=now_ms, zone=zone, day_ms=day_ms)
        except SettingsRefused as refused:
            option = f"--{name.replace('_', '-')}"
            raise SettingsRefused(f"{option}: {refused}; nothing was sent") from None
        day_ms = times[name].at_ms
    return times


def opening(timetable: Timetable) -> list[str]:
    """What is said of a run's times before anybody agrees to it."""
    text: list[str] = []
    if timetable.start_at is not None:
        text.append(f"start   {timetable.start_at}, in {duration_text(timetable.wait_s)}")
    if timetable.guids_wait:
        text.append(
            "note    the roster's GUIDs are read now. An agent who signs in again before the"
            " start, or has dynamic authentication, is refused then; --sessions or --guid-url ask"
            " for fresh GUIDs"
        )
    if timetable.forecast is not None:
        text.extend(_expected(timetable.forecast, timetable.advice))
    return text


def _expected(forecast: Forecast, advice: Sequence[str]) -> list[str]:
    text = [_feasibility(forecast)]
    if forecast.unknown and forecast.slowest is not None:
        names = ", ".join(forecast.unknown)
        text.append(f"        how fast {names} answers is not known yet")
    if advice:
        text.append(f"        would do: {', or '.join(advice)}")
    return text


def _feasibility(forecast: Forecast) -> str:
    from bulkagent.run.schedule.forecast import Feasibility

    finish_by, need = forecast.finish_by, forecast.slowest
    begins = Instant(forecast.begins_ms, finish_by.zone).local
    by = finish_by.time if finish_by.local.date() == begins.date() else str(finish_by)
    if need is None:
        return (
            f"finish  {by}: nobody can say whether that is met; {', '.join(forecast.unknown)} had"
            " no run in this ledger, and there is no rate to go by"
        )
    match forecast.feasibility:
        case Feasibility.TIGHT:
            return (
                f"WARNING finish {by} is met only if the limit of requests in flight grows: needs"
                f" {duration_text(need.least_s)} to {_how_long(need)}; there are"
                f" {duration_text(forecast.available_s)}"
            )
        case Feasibility.LATE:
            return (
                f"WARNING finish {by} CANNOT be met: needs about {_how_long(need)},"
                f" {duration_text(-forecast.spare_s)} too long"
            )
        case _:
            about = "at least" if forecast.unknown else "about"
            spare = duration_text(forecast.spare_s)
            return f"finish  {by}: needs {about} {_how_long(need)}, {spare} to spare"


def _how_long(need: TimeNeeded) -> str:
    from bulkagent.run.schedule.forecast import Bottleneck

    load = need.load
    several = f"{load.agents:,} agent{'' if load.agents == 1 else 's'}"
    if need.bound is Bottleneck.RATE and load.per_second is not None:
        at = f" at {load.per_second:g}/s"
    elif load.pace is not None:
        at = f", {load.in_flight[0]} in flight, {load.pace.latency_s * 1000:,.0f} ms each"
    else:
        at = ""
    retries = load.pace.retry_share if load.pace is not None else 0.0
    again = f", {retries:.0%} retries as last time" if retries >= 0.005 else ""  # noqa: PLR2004
    where = f" on {load.gateway}" if load.gateway else ""
    return f"{duration_text(max(1.0, need.most_s))} ({several}{where}{at}{again})"


def margin(finish_by: Instant | None, now: dt.datetime, left_s: float | None) -> str:
    """What is left at the present pace until a time, after a comma; "" where nobody knows."""
    if finish_by is None or left_s is None:
        return ""
    spare_s = finish_by.at_ms / 1000 - now.timestamp() - left_s
    if spare_s >= 0:
        return f", {duration_text(spare_s)} to spare until {finish_by.time}"
    return f", {duration_text(-spare_s)} TOO LATE for {finish_by.time}"


def closing(finish_by: Instant | None, result: RunResult, ended_ms: int) -> list[str]:
    """Whether a run was done in time, for the summary."""
    if finish_by is None:
        return []
    spare_s = (finish_by.at_ms - ended_ms) / 1000
    told = (
        translate("ended {ended}, {apart} before {finish_by}")
        if spare_s >= 0
        else translate("ended {ended}, {apart} after {finish_by}")
    ).format(
        ended=Instant(ended_ms, finish_by.zone).time,
        apart=duration_text(abs(spare_s)),
        finish_by=finish_by.time,
    )
    others = sum(n for status, n in result.totals.items() if status not in _AS_WANTED)
    if result.exit_code and others:  # an agent left out on purpose does not worsen the code
        short = translate("{ended}, with not everybody set").format(ended=told)
        return [labelled(Label.FINISH, short)]
    met = translate("met: {ended}") if spare_s >= 0 else translate("MISSED: {ended}")
    return [labelled(Label.FINISH, met.format(ended=told))]


def local_time(iso: str, *, milliseconds: bool = False) -> str:
    """A time that data have in UTC, as people here read it: in local time, with its name."""
    local = dt.datetime.fromisoformat(iso).astimezone()
    split = f".{local.microsecond // 1000:03d}" if milliseconds else ""
    return f"{local:%Y-%m-%d %H:%M:%S}{split} {local.tzname()}"


def waiting_line(start: Instant, now_ms: int) -> str:
    """How long a run still waits."""
    return f"waiting  starts at {start}, in {duration_text((start.at_ms - now_ms) / 1000)}"
