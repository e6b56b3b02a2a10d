"""The HTML report: whole, self-contained, and nothing from outside is anything but text in it."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import itertools
import json
import re
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.guide import TOPICS, topic_for
from bulkagent.language import Language, speaking
from bulkagent.model import Cause, Line, Status
from bulkagent.reports.columns import COLUMNS
from bulkagent.reports.html import write_html
from bulkagent.reports.html.assets import asset
from bulkagent.reports.html.charts import HEIGHT, WIDTH, counted, elapsed, ratios, stacked
from bulkagent.reports.html.figures import BINS, FEWEST_BINS, Bar, Figures, Histogram, duration
from bulkagent.reports.html.layout import order_of
from bulkagent.reports.html.limit_courses import courses

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "=HYPERLINK(1)",
    "\x1b[31mred\x07",
    "\u202efdp.exe",
    "{{ 7 * 7 }}",
    "\u2028line",
    "'\" onmouseover=x",
    "\ud800",
)

RUN: dict[str, Any] = {
    "run_id": "20261123T060000.000Z-0001",
    "state": "halted",
    "exit_code": 6,
    "operation": "settalkright",
    "roster": "/rosters/shift.csv",
    "created_at": "2026-11-23T06:00:00.000Z",
    "finished_at": None,
    "settings": {"concurrency": 16},
    "rows": 2,
    "totals": {**dict.fromkeys(map(str, Status), 0), "applied": 1, "failed": 1},
    "causes": {"timeout": 1},
    "requests": 3,
    "retries": 1,
    "reason": None,
    "fingerprint": "ab12",
    "job": "",
    "gateways": {"east": "https://east.example:8043"},
    "legs": [],
    "clusters": [{"status": "failed", "cause": "timeout", "count": 1, "agents": ["1002"]}],
    "handover": [],
    "next": "bulkagent resume 2026",
    "version": "0.1.0",
}

LINE = Line(
    *(2, "1001", "east", "0", Status.APPLIED, None, "0", "success", 200, 1, 12.34),
    *(1_700_000_000_000, 1_700_000_000_012, ("Ana",)),
)


def page(*lines: Line, columns: tuple[str, ...] = ("name",), **facts: Any) -> str:
    out = io.BytesIO()
    assert write_html(out, lines, columns, {**RUN, **facts}) == len(lines)
    return out.getvalue().decode()


class Reader(html.parser.HTMLParser):
    """What a browser would make of it: elements, attributes, and the text of each."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def block(self, identity: str) -> Any:
        """The JSON of a data block."""
        scripts = [attrs for tag, attrs in self.elements if tag == "script"]
        texts = [text for tag, text in self.texts if tag == "script"]
        (at,) = (n for n, attrs in enumerate(scripts) if attrs.get("id") == identity)
        return json.loads(texts[at])


def test_attempts_that_sent_nothing_are_no_requests() -> None:
    told = " ".join("".join(text for _, text in Reader(page(LINE, not_sent=5)).texts).split())
    assert "3 requests left this machine, 1 of them retries. Attempts that sent nothing: 5." in told
    assert "sent nothing" not in page(LINE)


def test_the_rows_are_in_it_as_every_report_has_them() -> None:
    found = Reader(page(LINE))
    assert found.block("columns")[-1] == "name"
    assert found.block("data") == [
        [
            *(2, "1001", "east", "0", "applied", "", "0", "success", 200, 1, 12.3),
            *("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.012Z", "Ana"),
        ]
    ]


def test_verdict_causes_and_the_next_command_are_said() -> None:
    text = " ".join(text for _, text in Reader(page(LINE)).texts)
    said = " ".join(text.split())
    assert "HALTED 1 of 1 agent of shift TAKES NO calls on east, " in said
    assert "1 failed: timeout" in text
    assert "No complete reply came in time" in text
    assert "bulkagent resume 2026" in text
    assert "after you have looked; without a terminal, with --override 'REASON'" in text
    assert "after you have looked" not in page(LINE, state="completed")


def test_a_cause_has_the_retcode_or_what_was_said_of_all_its_agents() -> None:
    common = {"failures": [], "retcode": "100-007"}
    group = {"status": "failed", "cause": "gateway_error", "count": 9, "agents": ["1001"]}
    assert "9 failed: gateway_error (100-007)</b>" in page(
        LINE, clusters=[group | {"common": common}]
    )
    assert "9 failed: gateway_error</b>" in page(LINE, clusters=[group])
    failures = [{"said": "connection refused", "gateways": ["east", "west"]}]
    refused = {**group, "cause": "connect", "common": {"failures": failures, "retcode": ""}}
    assert "(connection refused by east and west)." in page(LINE, clusters=[refused])


def test_the_head_has_roster_gateway_what_when_by_whom_and_ticket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The verdict comes first; times are local with their zone, and in UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    facts: dict[str, Any] = {
        "who": "ana@desk",
        "note": "CHG-7",
        "finished_at": "2026-11-23T06:00:21.000Z",
    }
    try:
        on = msgspec.structs.replace(LINE, flag="1")
        text = " ".join("".join(text for _, text in Reader(page(LINE, on, **facts)).texts).split())
    finally:
        monkeypatch.undo()
        time.tzset()
    start = text.index("HALTED", text.index("HALTED") + 1)
    assert text[start:].startswith(
        "HALTED 1 of 1 agents of shift coming on shift MAY TAKE calls and 1 of 1 going off shift"
        " TAKE NO calls on east, 07:00:21 CET Next: bulkagent resume 2026 Copy"
        " after you have looked; without a terminal, with --override 'REASON'"
        " Roster shift.csv Gateway east"
        " Wanted 1 agent may take calls (flag 1), 1 agent takes no calls (flag 0)"
        " When 2026-11-23 07:00:00 to 07:00:21 CET (06:00:00 to 06:00:21 UTC)"
        " By ana@desk Ticket or note CHG-7 Run 20261123T060000.000Z-0001 Ended halted, exit 6"
    )


def test_of_several_gateways_the_page_says_where_agents_are_short() -> None:
    west = msgspec.structs.replace(LINE, gateway="west")
    short = msgspec.structs.replace(west, status=Status.FAILED, cause=Cause.TIMEOUT)
    assert "<p>east 1 of 1, west 1 of 2</p>" in page(LINE, west, short)
    assert "east 1 of 1" not in page(LINE, west)


def test_the_table_shows_names_beside_the_agent_and_local_times() -> None:
    columns = ("shift", "skill", "full name", "a", "b", "team")
    found = Reader(page(LINE, columns=columns, verified={"yes": 1}))
    view = found.block("view")
    names = [found.block("columns")[at] for at in view["order"]]
    assert names[:4] == ["row", "agent_id", "full name", "skill"]
    assert sorted(view["order"]) == list(range(len(names)))
    assert view["labels"][:2] == ["Line", "Agent ID"]
    assert view["statuses"]["not_attempted"] == "not attempted"


def test_the_order_of_columns_has_each_once_and_the_status_soon() -> None:
    names = (*COLUMNS, "verified", "note", "id", "team", "x", "y", "name", "z")
    for verified in (False, True):
        order = order_of(names, verified=verified)
        assert sorted(order) == list(range(len(names)))
        shown = [names[at] for at in order]
        assert shown[:4] == ["row", "agent_id", "name", "team"]
        assert shown.index("status") == 8
        assert (shown.index("verified") == 10) is verified


def test_the_page_names_the_topics_of_the_guide_that_help() -> None:
    refused = {"status": "failed", "cause": "guid_refused", "count": 1, "agents": ["1001"]}
    assert "<code>bulkagent guide guids</code>" in page(LINE, clusters=[refused])
    assert "<code>bulkagent guide doubt</code>" in page(LINE)
    assert "bulkagent guide doubt" not in page(LINE, clusters=[])


def test_every_topic_that_helps_with_a_cause_is_a_page() -> None:
    assert {topic_for(cause) for cause in Cause} <= set(TOPICS)


def test_a_row_that_repeats_another_is_no_trouble() -> None:
    repeated = {"status": "duplicate", "cause": "repeated_row", "count": 1, "agents": ["1001"]}
    assert "repeated_row" not in page(LINE, clusters=[repeated])


def test_a_page_in_chinese_says_all_of_it_in_chinese() -> None:
    """`--language zh`: labels, verdict, advice and the texts of the script."""
    with speaking(Language.CHINESE):
        found = Reader(page(LINE))
    language = next(attributes["lang"] for tag, attributes in found.elements if tag == "html")
    assert language == "zh"
    view = found.block("view")
    assert view["labels"][:2] == ["行", "座席工号"]
    assert view["statuses"]["applied"] == "已设置"
    assert all(not text.isascii() for text in view["texts"].values())
    heads = [text for tag, text in found.texts if tag in {"h1", "h2", "dt"} and text.strip()]
    assert [text for text in heads if text.isascii() and text.strip()] == []


def test_a_page_in_chinese_says_states_and_what_holds_a_group_in_chinese() -> None:
    held = {"group": "red", "incoming": 9, "up": 2, "gate": 9, "outgoing": 2, "off": 0, "held": 2}
    with speaking(Language.CHINESE):
        text = page(LINE, state="halted", handover=[{**held, "cause": "gate"}])
    assert "halted" not in text.partition("<main>")[0]
    assert "2 名因放行门槛" in text
    assert "异常中止" in text.partition("<main>")[0]


def test_nothing_is_fetched_and_only_its_own_script_and_style_may_run() -> None:
    found = Reader(page(LINE))
    allowed = {"html", "head", "body", "meta", "title", "style", "script", "link"}
    for tag, attributes in found.elements:
        assert not {"src", "href", "srcset", "action", "data", "style"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes)
        assert tag not in {"link", "img", "iframe", "object", "base"}, allowed
    policy = next(a["content"] for t, a in found.elements if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        own = [text for name, text in found.texts if name == tag][-1]
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(hostile: str) -> None:
    line = msgspec.structs.replace(
        LINE, message=hostile, extra=(hostile,), agent_id=hostile, retcode=hostile
    )
    tame = page(msgspec.structs.replace(LINE))
    wild = page(
        line,
        columns=(hostile,),
        roster=hostile,
        reason=hostile,
        job=hostile,
        who=hostile,
        note=hostile,
        gateways={hostile: hostile},
        handover=[
            {
                "group": hostile,
                "incoming": 1,
                "up": 0,
                "gate": 1,
                "outgoing": 1,
                "off": 0,
                "held": 1,
                "cause": "gate",
                "floor": None,
            }
        ],
    )
    plain = Reader(tame.replace("</main>", "</main>"))
    found = Reader(wild)
    tags = {tag for tag, _ in plain.elements} | {"figure", "figcaption", "svg", "path"}
    assert {tag for tag, _ in found.elements} <= tags | {"b", "div"}
    scripts = [attrs for tag, attrs in found.elements if tag == "script"]
    assert len(scripts) == 4
    assert len(found.block("data")) == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]", wild)


def test_a_handover_is_drawn_and_said() -> None:
    groups = [
        {
            "group": "red",
            "incoming": 100,
            "up": 70,
            "gate": 95,
            "outgoing": 80,
            "off": 0,
            "held": 80,
            "cause": "gate",
            "floor": 72,
        }
    ]
    text = page(LINE, handover=groups)
    assert "70 of 100 are up, the gate needs 95" in text
    assert "0 of 80 are off; the floor needs 72 on, old and new together, and 70 new ones" in text
    assert "80 stay on, held by the gate" in text
    assert '<path class="applied" d="M0 3h420.0v12H0z"/>' in text
    assert '<path class="mark" d="M570.0 0v18"/>' in text
    assert "bulkagent guide handover" in text


def test_of_hundreds_of_groups_those_that_are_held_are_seen_first() -> None:
    group = {"incoming": 9, "up": 9, "gate": 9, "outgoing": 9, "off": 9, "held": 0, "cause": None}
    groups = [{**group, "group": f"G{at}", "floor": None} for at in range(300)]
    groups[250].update(held=4, cause="gate")
    text = " ".join("".join(text for _, text in Reader(page(LINE, handover=groups)).texts).split())
    assert text.index("G250 4 stay on") < text.index("G0 ") < text.index("288 more groups")
    assert text.index("288 more groups") < text.index("G299")


def test_a_run_of_which_nothing_is_known_yet_has_a_page() -> None:
    line = Line(
        *(2, "1001", "east", "0", Status.NOT_ATTEMPTED, Cause.HALTED, "", "", None, 0),
        *(None, None, None),
    )
    facts: dict[str, Any] = {"exit_code": None, "clusters": [], "next": None}
    text = page(line, columns=(), state="running", **facts)
    assert "The run is in progress." in text
    assert "The run did not come to its end." in page(line, state="interrupted", **facts)
    assert "Outcomes over time" not in text


def test_the_figures_are_those_of_the_lines() -> None:
    figures = Figures()
    for number in range(100):
        figures.add(
            msgspec.structs.replace(
                LINE,
                attempts=1 + number % 2,
                latency_ms=10.0 if number < 95 else 1000.0,
                finished_at=1_700_000_000_000 + 1000 * (number // 10),
            )
        )
    assert figures.attempts == {1: 50, 2: 50}
    times, latencies = figures.over_time(), figures.latencies()
    assert times is not None
    assert latencies is not None
    assert [bar.total for bar in times.bars if bar.total] == [10] * 10
    assert [bar.total for bar in latencies.bars if bar.total] == [95, 5]
    median, high = figures.quantile_ms(0.5), figures.quantile_ms(0.99)
    assert median is not None
    assert high is not None
    assert 10 <= median <= 11.1
    assert 1000 <= high <= 1110


@given(st.lists(st.tuples(st.integers(0, 10**7), st.sampled_from(Status)), min_size=1))
def test_no_outcome_is_lost_on_the_way_to_a_chart(ends: list[tuple[int, Status]]) -> None:
    figures = Figures()
    for ms, status in ends:
        figures.add(msgspec.structs.replace(LINE, finished_at=ms, status=status))
    times = figures.over_time()
    assert times is not None
    assert FEWEST_BINS <= len(times.bars) <= BINS
    assert sum(bar.total for bar in times.bars) == len(ends)
    assert elapsed(times.high)[0].text == "0"


def test_a_run_of_one_bar_has_its_charts() -> None:
    """A single bar is better than none, and it is a bar, no block of colour."""
    text = page(LINE)
    assert "Outcomes over time" in text
    assert "Latency of each agent&#39;s last request" in text or "Latency of each" in text
    figures = Figures()
    figures.add(LINE)
    times, latencies = figures.over_time(), figures.latencies()
    assert times is not None
    assert latencies is not None
    for histogram, axis in (
        (times, elapsed(times.high)),
        (latencies, ratios(latencies.low, latencies.high)),
    ):
        chart = stacked(histogram, axis)
        (piece,) = chart.pieces
        assert piece.width < WIDTH / 4
        assert len(chart.across) >= 3
        assert [tick.text for tick in chart.up] == ["1", "0"]
        assert "has 1." in chart.said


@given(st.integers(1, 10**7))
def test_an_axis_of_numbers_ends_at_0_and_holds_the_highest_bar(most: int) -> None:
    ticks, whole = counted(most)
    assert whole >= most
    assert ticks[-1].text == "0"
    assert ticks[-1].at == 100
    assert 2 <= len(ticks) <= 6
    assert len({tick.text for tick in ticks}) == len(ticks)


@given(st.floats(1, 1e10))
def test_an_axis_of_time_has_room_for_its_marks(length: float) -> None:
    ticks = elapsed(length)
    assert 2 <= len(ticks) <= 8
    assert len({tick.text for tick in ticks}) == len(ticks)
    assert all(0 <= tick.at <= 100.01 for tick in ticks)


@given(st.integers(-12, 24), st.integers(6, 40))
def test_an_axis_of_latencies_has_room_for_its_marks(low: int, bars: int) -> None:
    ticks = ratios(10 ** (low / 6), 10 ** ((low + bars) / 6))
    assert 2 <= len(ticks) <= 8
    assert all(-0.1 <= tick.at <= 100.1 for tick in ticks)
    assert all(later.at - tick.at > 8 for tick, later in itertools.pairwise(ticks))


def test_durations_are_in_the_unit_that_people_count_in() -> None:
    said = [duration(ms) for ms in (0, 12.34, 999, 1_500, 90_000, 150_000)]
    assert said == ["0 ms", "12.3 ms", "999 ms", "1.5 s", "90 s", "2.5 min"]


@given(
    st.lists(
        st.lists(st.integers(0, 50), min_size=2, max_size=3), min_size=2, max_size=BINS
    ).filter(lambda bars: any(map(any, bars)))
)
def test_pieces_lie_within_the_chart_and_on_one_another(counts: list[list[int]]) -> None:
    bars = [
        Bar(str(at), str(at + 1), tuple(zip(map(str, Status), kinds, strict=False)))
        for at, kinds in enumerate(counts)
    ]
    chart = stacked(Histogram(tuple(bars), 0, len(bars)), ())
    _, whole = counted(max(bar.total for bar in bars))
    for piece in chart.pieces:
        assert -0.01 <= piece.x <= WIDTH
        assert piece.x + piece.width <= WIDTH + 0.02
        assert piece.y >= -0.02
        assert piece.y + piece.height <= HEIGHT + 0.02
    heights = sum(piece.height for piece in chart.pieces)
    # One agent among thousands is drawn as high as can be seen.
    wanted = sum(max(HEIGHT * count / whole, 1.5) for kinds in counts for count in kinds if count)
    assert heights == pytest.approx(wanted, abs=0.05 * max(1, len(chart.pieces)))


def test_a_long_run_takes_no_more_memory_than_a_short_one() -> None:
    figures = Figures()
    for at in range(20_000):
        figures.add(msgspec.structs.replace(LINE, finished_at=1_700_000_000_000 + 2_000 * at))
    assert len(figures._times._steps) <= 4_096
    times = figures.over_time()
    assert times is not None
    assert sum(bar.total for bar in times.bars) == 20_000
    assert times.high == pytest.approx(40_000_000, rel=0.05)
    assert [tick.text for tick in elapsed(times.high)][:2] == ["0", "2 h"]


def _pulse(second: int, concurrency: int, breaker: str = "closed", gateway: str = "east") -> Any:
    at = f"2026-11-23T06:00:{second:02}.000Z"
    return {
        "gateway": gateway,
        "leg": 1,
        "at": at,
        "concurrency": concurrency,
        "breaker": breaker,
    }


END_MS = 1_795_413_620_000  # 20 s after the first pulse


def test_the_course_of_a_gateway_is_drawn_where_something_moved() -> None:
    still = [_pulse(0, 16, gateway="west")]
    moved = [
        *(_pulse(0, 16), _pulse(5, 32), _pulse(10, 32, "open"), _pulse(12, 32, "half-open")),
        *(_pulse(14, 32), _pulse(15, 8)),
    ]
    (course,) = courses([*still, *moved], END_MS)
    assert course.name == "east"
    assert [tick.text for tick in course.up] == ["40", "30", "20", "10", "0"]
    assert [tick.text for tick in course.across] == ["0", "5 s", "10 s", "15 s", "20 s"]
    assert course.line.split()[:3] == ["0,84", "150,84", "150,28"]
    assert course.line.split()[-1] == "600,112"
    assert [(shade.x, shade.width) for shade in course.shades] == [(300.0, 60.0), (360.0, 60.0)]
    assert course.said == (
        "8 to 32 requests at once, 8 in the end. The circuit breaker opened (times: 1) and held"
        " requests back for 4.0 s."
    )
    assert courses(still, END_MS) == ()
    assert courses([], None) == ()


def _colours(scheme: str) -> dict[str, tuple[float, ...]]:
    text = asset("page.css")
    light, dark = (dict(re.findall(r"--(\w+): #(\w{6})", part)) for part in _schemes(text))
    found = light if scheme == "light" else {**light, **dark}
    return {
        name: tuple(int(hexes[at : at + 2], 16) / 255 for at in (0, 2, 4))
        for name, hexes in found.items()
    }


def _schemes(text: str) -> tuple[str, str]:
    light, dark = text.split("@media screen and (prefers-color-scheme: dark)")
    return light, dark.split("* {")[0]


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2, definitions of relative luminance and contrast ratio."""

    def luminance(colour: tuple[float, ...]) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_stands_out_from_what_it_is_on(scheme: str) -> None:
    """WCAG 2.2: 1.4.3 for text (4.5), 1.4.11 for what is drawn (3)."""
    colours = _colours(scheme)
    for paper in ("paper", "rail"):
        for ink in ("ink", "soft"):
            assert _contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    for kind in (*(status.value for status in Status), "off", "mark"):
        assert _contrast(colours[kind], colours["paper"]) >= 3, kind
