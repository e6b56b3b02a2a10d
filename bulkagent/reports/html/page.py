"""The page around the table's data: the facts of a run, put in words and handed to the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from bulkagent.language import Language, mark, page_language, page_translations
from bulkagent.model import Cause, Status, Verified
from bulkagent.reports.advice import advice_for, told_of_connection, topic_for
from bulkagent.reports.head import Wanted, head_of, roster_name, span, zone_for
from bulkagent.reports.html.assets import asset, policy_for
from bulkagent.reports.html.charts import NAMES, Chart, elapsed, ratios, stacked
from bulkagent.reports.html.figures import Figures, duration
from bulkagent.reports.html.handover_bars import GroupBars, handover_groups
from bulkagent.reports.html.layout import LABELS, order_of
from bulkagent.reports.html.limit_courses import courses
from bulkagent.reports.html.safe import harmless
from bulkagent.reports.html.sentences import say, translated
from bulkagent.reports.sanitize import printable
from bulkagent.reports.verdict import NO_USE, VerdictFacts, verdict_of, word_of

if TYPE_CHECKING:
    import jinja2

DATA = "\x00data\x00"
"""What stands in the page where the data of the table go."""

# Facts of a run that may be missing, so that nothing of the rest is lost.
_NO_FACTS: Mapping[str, object] = {
    **dict.fromkeys(("run_id", "state", "roster", "created_at", "fingerprint", "job"), ""),
    **dict.fromkeys(("operation", "version"), ""),
    **dict.fromkeys(("who", "note", "on_behalf_of", "finished_at"), None),
    **dict.fromkeys(("rows", "requests", "retries", "not_sent"), 0),
    **dict.fromkeys(("exit_code", "reason", "next"), None),
    **{name: {} for name in ("totals", "settings", "gateways")},
    **dict.fromkeys(("legs", "clusters", "handover", "pulses", "left_out"), ()),
}


def page(names: Sequence[str], figures: Figures, wanted: Wanted, run: Mapping[str, object]) -> str:
    """The page with a place for its data, in the language of pages.

    Args:
        names: The columns of the data.
        figures: What charts show.
        wanted: What the rows ask for.
        run: The facts of the run.
    """
    facts: dict[str, Any] = msgspec.to_builtins({**_NO_FACTS, **run}, enc_hook=str)
    style, script = asset("page.css"), asset("page.js")
    totals: dict[str, int] = facts["totals"]
    shown = _shown(facts)
    groups = handover_groups(shown["handover"])
    texts = {name: translated(text) for name, text in _TEXTS.items()}
    return _template(page_language()).render(
        language=page_language().value,
        span=lambda begun, ended=None: span(begun, ended, say, zone_for(facts)),
        policy=policy_for(style, script),
        style=style,
        script=script,
        run=shown,
        head=head_of(shown, wanted, say),
        verdict=_verdict(shown, wanted),
        nothing_helps=translated(NO_USE) if facts["exit_code"] == _REJECTED else "",
        totals=[(at.value, translated(NAMES[at]), totals.get(at, 0)) for at in Status],
        causes=[_explained(cluster) for cluster in shown["clusters"] if _is_of_an_agent(cluster)],
        left_out=shown["left_out"][:_LEFT_OUT_SHOWN],
        more_left_out=len(facts["left_out"]) - _LEFT_OUT_SHOWN,
        topics=_topics(shown),
        groups=_in_two(groups),
        held=sum(bool(group.held) for group in groups),
        courses=courses(shown["pulses"], figures.last_ms),
        charts=_charts(figures),
        attempts=_attempts(figures),
        texts=texts,
        mark=DATA,
        columns=harmless(msgspec.json.encode(list(names))).decode(),
        view=harmless(msgspec.json.encode(_view(names, texts, facts))).decode(),
    )


class _Verdict(msgspec.Struct, frozen=True):
    """The first line of the page, and how it looks."""

    tone: str
    word: str
    text: str


def _verdict(run: Mapping[str, Any], wanted: Wanted) -> _Verdict:
    exit_code = run["exit_code"]
    if exit_code is None:
        running = run["state"] == "running"
        return _Verdict("bad", "", translated(_GOES_ON if running else _NO_END))
    applied = run["totals"].get(Status.APPLIED, 0)
    facts = VerdictFacts(
        roster=run["job"] or roster_name(run["roster"]),
        time=_time(run),
        gateways=sorted(filter(None, wanted.gateways)) or sorted(run["gateways"]),
        by_flag=wanted.by_flag(),
        contradicted=run.get("verified", {}).get(Verified.NO, 0),
        left_out=run["totals"].get(Status.INVALID, 0),
        some_left_out=wanted.left_out,
    )
    word = translated(word_of(run["state"], exit_code, applied))
    return _Verdict(_TONES.get(exit_code, "bad"), word, verdict_of(facts, translated))


_TONES = {0: "good", 3: "warn", 4: "warn"}
_GOES_ON = mark("The run is in progress.")
_NO_END = mark("The run did not come to its end.")


def _time(run: Mapping[str, Any]) -> str:
    try:
        ended = datetime.fromisoformat(run["finished_at"] or run["created_at"])
        local = ended.astimezone(zone_for(run))
    except (ValueError, OverflowError):
        return str(run["created_at"])
    return f"{local:%H:%M:%S} {local.tzname()}"


class _Explained(msgspec.Struct, frozen=True):
    """Agents of one status and cause, and what to do."""

    status: str
    name: str
    cause: str
    count: int
    agents: Sequence[str]
    meaning: str
    advice: str


def _explained(cluster: Mapping[str, Any]) -> _Explained:
    status = Status(cluster["status"])
    meaning, advice = advice_for(Cause(cluster["cause"]), status, translated)
    said = told_of_connection(cluster.get("reason") or "", cluster.get("gateway", ""), translated)
    return _Explained(
        *(status.value, translated(NAMES[status]), cluster["cause"], cluster["count"]),
        *(cluster["agents"], _sentence(meaning, said), _sentence(advice)),
    )


def _sentence(text: str, detail: str = "") -> str:
    """A clause as a sentence, perhaps with what is known beyond it."""
    whole = f"{text[:1].upper()}{text[1:]}"
    if detail:
        return say(mark("%(sentence)s (%(detail)s)."), sentence=whole, detail=detail)
    return say(mark("%(sentence)s."), sentence=whole)


def _is_of_an_agent(cluster: Mapping[str, Any]) -> bool:
    """Whether something is to be done about its agents; nothing is wrong with a repeated row."""
    return cluster["cause"] not in {Cause.BAD_ROW, Cause.REPEATED_ROW}


def _topics(run: Mapping[str, Any]) -> list[str]:
    """Pages of the guide that help with what stands here, each once."""
    topics = [topic_for(Cause(cluster["cause"])) for cluster in run["clusters"]]
    if run["handover"]:
        topics.append("handover")
    return list(dict.fromkeys(topics))


def _in_two(groups: Sequence[GroupBars]) -> list[Sequence[GroupBars]]:
    """The groups that are seen at once, and those that somebody has to ask for."""
    return [part for part in (groups[:_GROUPS_SHOWN], groups[_GROUPS_SHOWN:]) if part]


_GROUPS_SHOWN = 12

_REJECTED = 4  # what is not applied is refused for good

_LEFT_OUT_SHOWN = 100
"""More of them than anybody reads; the table and the other formats have all."""


class _Titled(msgspec.Struct, frozen=True):
    """A chart and the words around it."""

    title: str
    drawn: Chart
    unit: str
    key: Sequence[tuple[str, str]] = ()
    caption: str = ""


def _charts(figures: Figures) -> list[_Titled]:
    charts = []
    times, latencies = figures.over_time(), figures.latencies()
    if times is not None:
        charts.append(
            _Titled(
                say(mark("Outcomes over time")),
                stacked(times, elapsed(times.high)),
                say(mark("time since the first request")),
                [(at.value, translated(NAMES[at])) for at in Status if at in times.kinds],
            )
        )
    median, most = figures.quantile_ms(0.5), figures.quantile_ms(0.95)
    if latencies is not None and median is not None and most is not None:
        charts.append(
            _Titled(
                say(mark("Latency of each agent's last request")),
                stacked(latencies, ratios(latencies.low, latencies.high)),
                say(mark("latency, on a logarithmic scale")),
                caption=say(
                    mark("Half of the agents took %(half)s or less, 95 %% took %(most)s or less."),
                    half=_rounded(median),
                    most=_rounded(most),
                ),
            )
        )
    return charts


def _rounded(ms: float) -> str:
    """To two digits: the counters know no more."""
    return duration(float(f"{ms:.2g}"))


def _attempts(figures: Figures) -> list[tuple[int, int, float]]:
    """Number of requests, agents who took as many, and their share of the most frequent."""
    most = max(figures.attempts.values(), default=1)
    return [
        (number, agents, round(100 * agents / most, 2))
        for number, agents in sorted(figures.attempts.items())
    ]


_TEXTS: Mapping[str, str] = {
    "found": mark("%(shown)s of %(all)s rows"),
    "found_of_cause": mark("%(shown)s of %(all)s rows, cause %(cause)s"),
    "copied": mark("Copied"),
    "selected": mark("Selected"),
    "not_as_wanted": mark("Agents not as wanted, by name"),
    "searched": mark("Rows that were searched for"),
    "printed": mark("%(shown)s of %(all)s rows."),
    "more": mark("%(shown)s of %(all)s rows. The first %(printed)s are here, the CSV has all."),
    "nobody": mark("None: every agent is as wanted."),
    "verified": mark("Verified"),
}


def _view(
    names: Sequence[str], texts: Mapping[str, str], run: Mapping[str, Any]
) -> dict[str, object]:
    """How the table is shown."""
    verified = "verified" in run
    labels = [translated(LABELS.get(name, "")) or name for name in names[: len(LABELS)]]
    theirs = list(names[len(LABELS) :])
    if verified:
        theirs[:1] = [texts["verified"]]
    name, minutes = _zone(run)
    return {
        "order": order_of(names, verified=verified),
        "labels": [*labels, *theirs],
        "verified": verified,
        "statuses": {at.value: translated(NAMES[at]) for at in Status},
        "zone": name,
        "minutes": minutes,
        "texts": texts,
    }


def _zone(run: Mapping[str, Any]) -> tuple[str, float]:
    """The zone of the table's times: the reader's, or UTC where its clocks changed on the way."""
    moments = (run["created_at"], run["finished_at"])
    zone = zone_for(run)
    try:
        first, *later = [datetime.fromisoformat(at).astimezone(zone) for at in moments if at]
    except (ValueError, OverflowError):
        return "UTC", 0
    offset = first.utcoffset()
    if offset is None or any(moment.utcoffset() != offset for moment in later):
        return "UTC", 0
    return first.tzname() or "UTC", offset.total_seconds() / 60


def _shown(value: Any) -> Any:
    """The same plain data with every text in it made harmless to show."""
    match value:
        case str():
            return printable(value)
        case dict():
            return {_shown(name): _shown(held) for name, held in value.items()}
        case list() | tuple():
            return [_shown(held) for held in value]
        case _:
            return value


@cache
def _template(_language: Language) -> jinja2.Template:
    # Only who writes a page waits for it.
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # The extension gives an environment this method, which its class does not have.
    vars(environment)["install_gettext_translations"](page_translations(), newstyle=True)
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment.from_string(asset("page.html"))
