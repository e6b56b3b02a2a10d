"""The charts of the page with the words around them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bulkagent.language import mark
from bulkagent.model import Status
from bulkagent.reports.html.charts import NAMES, Chart, elapsed, ratios, stacked
from bulkagent.reports.html.figures import Figures, duration
from bulkagent.reports.html.sentences import say, translated


class TitledChart(msgspec.Struct, frozen=True):
    """A chart and the words around it."""

    title: str
    drawn: Chart
    unit: str
    key: Sequence[tuple[str, str]] = ()
    caption: str = ""


def titled_charts(figures: Figures) -> list[TitledChart]:
    """What there is to show over time and over latencies."""
    charts = []
    times, latencies = figures.over_time(), figures.latencies()
    if times is not None:
        charts.append(
            TitledChart(
                say(mark("Outcomes over time")),
                stacked(times, elapsed(times.high)),
                say(mark("time since the first request")),
                [(at.value, translated(NAMES[at])) for at in Status if at in times.kinds],
            )
        )
    median, most = figures.quantile_ms(0.5), figures.quantile_ms(0.95)
    if latencies is not None and median is not None and most is not None:
        charts.append(
            TitledChart(
                say(mark("Latency of each agent's last request")),
                stacked(latencies, ratios(latencies.low, latencies.high)),
                say(mark("latency, on a logarithmic scale")),
                caption=say(
                    mark("Half of the agents took %(half)s or less, 95%% took %(most)s or less."),
                    half=_rounded(median),
                    most=_rounded(most),
                ),
            )
        )
    return charts


def _rounded(ms: float) -> str:
    """To two digits: the counters know no more."""
    return duration(float(f"{ms:.2g}"))


def attempts_of(figures: Figures) -> list[tuple[int, int, float]]:
    """Number of requests, agents who took as many, and their share of the most frequent."""
    most = max(figures.attempts.values(), default=1)
    return [
        (number, agents, round(100 * agents / most, 2))
        for number, agents in sorted(figures.attempts.items())
    ]
