"""The HTML report: whole, self-contained, and nothing from outside is anything but text in it."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import re
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.model import Cause, Line, Status
from bulkagent.reports.html import write_html
from bulkagent.reports.html.charts import HEIGHT, WIDTH, courses, stacked
from bulkagent.reports.html.figures import BINS, Bar, Figures
from bulkagent.reports.html.writer import _asset

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
    assert "3 requests, 1 of them retries 5 attempts sent nothing" in told
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
    assert "It was held back, and a person must look." in text
    assert "1 failed: timeout" in text
    assert "no complete reply in time" in text
    assert "bulkagent resume 2026" in text


def test_the_head_has_roster_gateway_flag_and_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the printed page begins with, in local time with its name."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        on = msgspec.structs.replace(LINE, flag="1")
        both = " ".join("".join(text for _, text in Reader(page(LINE, on)).texts).split())
        text = " ".join("".join(text for _, text in Reader(page(LINE)).texts).split())
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "Roster shift.csv Gateway east Flag 0 (stop taking calls) Date 2026-11-23" in text
    assert "07:00:00 CET" in text
    assert "Flag 0 (stop taking calls) and 1 (may take calls)" in both


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
        roster=hostile,
        reason=hostile,
        job=hostile,
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
    tags = {tag for tag, _ in plain.elements} | {"figure", "figcaption", "svg", "line", "rect"}
    assert {tag for tag, _ in found.elements} <= tags | {"b"}
    scripts = [attrs for tag, attrs in found.elements if tag == "script"]
    assert len(scripts) == 3
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
    assert "70 of 100 agents coming on shift are up, the gate needs 95" in text
    assert "80 were held by the gate and stay on" in text
    assert 'class="applied" x="0" y="2" width="420.0"' in text
    assert 'x1="570.0"' in text


def test_a_run_of_which_nothing_is_known_yet_has_a_page() -> None:
    line = Line(
        *(2, "1001", "east", "0", Status.NOT_ATTEMPTED, Cause.HALTED, "", "", None, 0),
        *(None, None, None),
    )
    text = page(line, columns=(), exit_code=None, state="running", clusters=[], next=None)
    assert "It did not come to its end." in text
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
    assert [bar.total for bar in figures.over_time() if bar.total] == [10] * 10
    assert figures.latencies()[0].total == 95
    median, high = figures.quantile_ms(0.5), figures.quantile_ms(0.99)
    assert median is not None
    assert high is not None
    assert 10 <= median <= 15
    assert 1000 <= high <= 1500


@given(st.lists(st.tuples(st.integers(0, 10**7), st.sampled_from(Status)), min_size=1))
def test_no_outcome_is_lost_on_the_way_to_a_chart(ends: list[tuple[int, Status]]) -> None:
    figures = Figures()
    for ms, status in ends:
        figures.add(msgspec.structs.replace(LINE, finished_at=ms, status=status))
    bars = figures.over_time()
    assert len(bars) <= BINS
    assert sum(bar.total for bar in bars) == len(ends)


@given(st.lists(st.lists(st.integers(0, 50), min_size=2, max_size=3), min_size=2, max_size=BINS))
def test_pieces_lie_within_the_chart_and_on_one_another(counts: list[list[int]]) -> None:
    bars = [
        Bar(str(at), tuple((f"kind{n}", count) for n, count in enumerate(kinds)))
        for at, kinds in enumerate(counts)
    ]
    chart = stacked(bars)
    assert chart is not None
    for piece in chart.pieces:
        assert -0.01 <= piece.x <= WIDTH
        assert piece.x + piece.width <= WIDTH + 0.02
        assert piece.y >= -0.02
        assert piece.y + piece.height <= HEIGHT + 0.02
    heights = sum(piece.height for piece in chart.pieces)
    assert heights == pytest.approx(
        HEIGHT * sum(map(sum, counts)) / chart.most, abs=0.05 * max(1, len(chart.pieces))
    )


def test_a_long_run_takes_no_more_memory_than_a_short_one() -> None:
    figures = Figures()
    for at in range(20_000):
        figures.add(msgspec.structs.replace(LINE, finished_at=1_700_000_000_000 + 2_000 * at))
    assert len(figures._times._steps) <= 4_096
    bars = figures.over_time()
    assert sum(bar.total for bar in bars) == 20_000
    assert bars[-1].label.endswith(" s")
    assert float(bars[-1].label.removesuffix(" s")) == pytest.approx(40_000, rel=0.05)


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
    assert (course.name, course.most, course.length_s) == ("east", 32, 20.0)
    assert course.line.split()[:3] == ["0,70", "150,70", "150,0"]
    assert course.line.split()[-1] == "600,105"
    assert [(shade.x, shade.width) for shade in course.shades] == [(300.0, 60.0), (360.0, 60.0)]
    assert course.said == (
        "8 to 32 at once, 8 in the end; the breaker opened 1 time and held it back for 4.0 s"
    )
    assert courses(still, END_MS) == ()
    assert courses([], None) == ()


def _colours(scheme: str) -> dict[str, tuple[float, ...]]:
    text = _asset("page.css")
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
