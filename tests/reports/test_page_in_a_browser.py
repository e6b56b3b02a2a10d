"""The HTML report as people meet it: opened from a disk, in a real browser.

Proves --report; guide "The page of a run".
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from bulkagent.model import Cause, Line, Status
from bulkagent.reports.html import write_html
from tests.reports import browser
from tests.reports.test_html_writer import HOSTILE, LINE, RUN

pytestmark = pytest.mark.skipif(
    browser.found() is None,
    reason="no browser (chromium) on this machine, so the HTML report is not opened in one",
)


@pytest.fixture(scope="module")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with browser.running(tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest_asyncio.fixture
async def page(devtools: str) -> AsyncIterator[browser.Page]:
    async with browser.page(devtools) as made:
        yield made
        assert made.complaints == [], "neither script nor policy has anything to complain of"


FAILED = msgspec.structs.replace(
    LINE, row=3, agent_id="1002", status=Status.FAILED, cause=Cause.TIMEOUT, retcode=""
)
PULSES = [
    {"gateway": "east", "leg": 1, "at": f"2023-11-14T22:13:2{at}.000Z", **rest}
    for at, rest in enumerate(
        (
            {"concurrency": 16, "breaker": "closed"},
            {"concurrency": 32, "breaker": "closed"},
            {"concurrency": 32, "breaker": "open"},
            {"concurrency": 32, "breaker": "closed"},
        )
    )
]
GROUP = {
    "group": "Cedar",
    "incoming": 10,
    "up": 8,
    "gate": 9,
    "outgoing": 8,
    "off": 0,
    "held": 8,
    "cause": "gate",
    "floor": 7,
}


def _written(
    folder: Path, *lines: Line, columns: tuple[str, ...] = ("name",), **facts: Any
) -> Path:
    path = folder / "shift.html"
    with path.open("wb") as out:
        write_html(out, lines, columns, {**RUN, **facts})
    return path


async def _cells(page: browser.Page, column: int) -> list[str]:
    cells: list[str] = await page.ask(
        "[...document.querySelectorAll('#rows tbody tr:not(.gap)')]"
        f".map((row) => row.children[{column}].textContent)"
    )
    return cells


async def test_it_says_the_verdict_first_and_fetches_nothing(
    page: browser.Page, tmp_path: Path
) -> None:
    later = msgspec.structs.replace(
        FAILED, finished_at=1_700_000_004_000, latency_ms=500.0, attempts=3
    )
    path = _written(tmp_path, LINE, later, pulses=PULSES, handover=[GROUP])
    await page.open(path)
    verdict = await page.ask("document.querySelector('h1').textContent")
    assert verdict.startswith("HALTED 1 of 2 agents of shift TAKE NO calls on east, ")
    assert await page.ask("document.querySelector('#next').textContent") == "bulkagent resume 2026"
    charts = await page.ask(
        "[...document.querySelectorAll('svg[role=img]')].map((chart) =>"
        " [chart.getBoundingClientRect().height >= 20, chart.getAttribute('aria-label')])"
    )
    assert len(charts) == 3
    assert all(drawn and label for drawn, label in charts)
    course = next(label for _, label in charts if label.startswith("east"))
    assert "16 to 32 requests at once" in course
    assert "The circuit breaker opened (times: 1) and held requests back for 1.0 s" in course
    shown = await page.ask(
        "[...document.querySelectorAll('main rect, main path:not(.mark)')].every((bar) =>"
        " getComputedStyle(bar).fill !== 'rgb(0, 0, 0)')"
    )
    assert shown, "every bar has its colour"
    assert page.requests == [path.as_uri()]


async def test_search_filter_and_sort_find_one_agent(page: browser.Page, tmp_path: Path) -> None:
    lines = [
        msgspec.structs.replace(LINE, row=at, agent_id=str(999 + at), extra=(f"Name {at}",))
        for at in range(2, 52)
    ]
    lines[7] = msgspec.structs.replace(FAILED, row=9, agent_id="1008", extra=("Ana Bell",))
    await page.open(_written(tmp_path, *lines))
    assert await page.ask("found.textContent") == "50 of 50 rows"
    await page.ask("search.focus()")
    await page.type("ana b")
    assert await page.ask("found.textContent") == "1 of 50 rows"
    assert await _cells(page, 1) == ["1008"]
    await page.ask("search.value = ''; search.dispatchEvent(new Event('input'))")
    await page.ask(
        "document.getElementById('status').value = 'failed';"
        "document.getElementById('status').dispatchEvent(new Event('change'))"
    )
    assert await _cells(page, 1) == ["1008"]
    await page.ask(
        "document.getElementById('status').value = '';"
        "document.getElementById('status').dispatchEvent(new Event('change'))"
    )
    head = "document.querySelectorAll('#rows thead button')[1]"
    await page.ask(f"{head}.click()")
    assert (await _cells(page, 1))[:2] == ["1001", "1002"]
    await page.ask(f"{head}.click()")
    assert (await _cells(page, 1))[:2] == ["1050", "1049"]
    sorted_by = "document.querySelector('#rows th[aria-sort]').getAttribute('aria-sort')"
    assert await page.ask(sorted_by) == "descending"


async def test_a_cause_leads_to_its_agents(page: browser.Page, tmp_path: Path) -> None:
    other = msgspec.structs.replace(FAILED, row=4, agent_id="1003", cause=Cause.RESET)
    await page.open(_written(tmp_path, LINE, FAILED, other))
    await page.ask("document.querySelector('.those').click()")
    assert await _cells(page, 1) == ["1002"]
    assert await page.ask("found.textContent") == "1 of 3 rows, cause timeout"
    assert await page.ask("document.activeElement.id") == "rows"


async def test_the_keyboard_is_enough(page: browser.Page, tmp_path: Path) -> None:
    await page.open(_written(tmp_path, LINE, FAILED))
    visited: list[str] = []
    for _ in range(12):
        await page.press("Tab")
        visited.append(
            await page.ask("document.activeElement.id || document.activeElement.textContent.trim()")
        )
    assert visited[:6] == ["copy", "Show in the table", "search", "column", "status", "rows"]
    assert visited[6:8] == ["Line", "Agent ID"]
    await page.ask("document.querySelectorAll('#rows thead button')[1].focus()")
    await page.press("Enter")
    await page.press(" ")
    sorted_by = "document.querySelector('#rows th[aria-sort]').getAttribute('aria-sort')"
    assert await page.ask(sorted_by) == "descending"
    outline = await page.ask("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "who uses the keyboard sees where"


async def test_what_is_hostile_stays_text(page: browser.Page, tmp_path: Path) -> None:
    lines = [
        msgspec.structs.replace(FAILED, row=at, message=text, extra=(text,), agent_id=text)
        for at, text in enumerate(HOSTILE, start=2)
    ]
    facts = {"roster": HOSTILE[1], "reason": HOSTILE[0], "note": HOSTILE[2], "who": HOSTILE[8]}
    clusters = [{"status": "failed", "cause": "timeout", "count": 9, "agents": list(HOSTILE[:3])}]
    path = _written(tmp_path, *lines, columns=(HOSTILE[0],), clusters=clusters, **facts)
    await page.open(path)
    assert await page.ask("document.querySelectorAll('script').length") == 4
    assert await page.ask("document.querySelectorAll('img').length") == 0
    assert await page.ask("document.querySelectorAll('[onmouseover], [onerror]').length") == 0
    shown = await _cells(page, 7)
    assert shown[0] == HOSTILE[0]
    assert shown[4] == r"\x1b[31mred\x07"
    assert shown[5] == r"\u202efdp.exe"
    assert HOSTILE[0] in await page.ask("document.querySelector('header').textContent")
    names = "[...document.getElementById('column').options].map((each) => each.textContent)"
    assert HOSTILE[0] in await page.ask(names)
    assert page.requests == [path.as_uri()]


@pytest.mark.matrix
async def test_sixty_thousand_rows_can_be_used(page: browser.Page, tmp_path: Path) -> None:
    lines = (
        Line(
            *(at, str(99 + at), "east", "1", Status.APPLIED, None, "0", "success", 200, 1),
            *(12.3, 1_700_000_000_000 + at, 1_700_000_000_012 + at, (f"Agent {at}",)),
        )
        for at in range(2, 60_002)
    )
    path = tmp_path / "shift.html"
    with path.open("wb") as out:
        write_html(out, lines, ("name",), RUN)
    await page.open(path)
    assert await page.ask("found.textContent") == "60,000 of 60,000 rows"
    drawn = await page.ask("document.querySelectorAll('#rows tbody tr').length")
    assert drawn < 200, "only what is in sight is drawn"
    await page.ask(
        "new Promise((seen) => { rows.addEventListener('scroll', () => setTimeout(seen),"
        " { once: true }); rows.scrollTop = rows.scrollHeight; })"
    )
    assert (await _cells(page, 1))[-1] == "60100"
    await page.ask("search.focus()")
    await page.type("agent 59999")
    assert await _cells(page, 0) == ["59999"]


async def test_it_is_light_and_dark_and_prints(page: browser.Page, tmp_path: Path) -> None:
    await page.open(_written(tmp_path, LINE, FAILED))
    papers = []
    for scheme in ("light", "dark"):
        await page.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        papers.append(await page.ask("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(255, 255, 255)", "rgb(18, 22, 28)"]
    await page.send("Emulation.setEmulatedMedia", media="print")
    controls = await page.ask("getComputedStyle(document.getElementById('controls')).display")
    assert controls == "none"
    assert await page.ask("getComputedStyle(rows.parentElement).display") == "none"
    await page.send("Emulation.setEmulatedMedia", media="")
    printed = await page.send("Page.printToPDF")
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


async def test_printed_it_has_who_is_not_as_wanted_with_names_on_few_pages(
    page: browser.Page, tmp_path: Path
) -> None:
    """More than 2,000 agents printed as a hundred blank pages; columns were cut off."""
    long = "a rather long explanation of what the gateway said about it, " * 3
    lines = [
        msgspec.structs.replace(
            LINE, row=at, agent_id=str(99 + at), extra=(f"Name {at}", "", "Maple", "x" * 60)
        )
        for at in range(2, 3_002)
    ]
    for at in (5, 500, 2_999):
        lines[at] = msgspec.structs.replace(
            lines[at],
            status=Status.FAILED,
            cause=Cause.NOT_SIGNED_IN,
            message=long,
            retcode="100-006",
        )
    lines[7] = msgspec.structs.replace(lines[7], status=Status.DUPLICATE)
    columns = ("name", "empty", "team", "skills")
    await page.open(_written(tmp_path, *lines, columns=columns))
    printed = base64.b64decode((await page.send("Page.printToPDF"))["data"])
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 3
    await page.send("Emulation.setEmulatedMedia", media="print")
    await page.send(
        *("Emulation.setDeviceMetricsOverride",),
        width=700,
        height=1_000,
        deviceScaleFactor=1,
        mobile=False,
    )
    assert await page.ask("document.documentElement.scrollWidth") <= 700, "it fits the paper"
    heads = "[...document.querySelectorAll('#printed th')].map((head) => head.textContent)"
    assert await page.ask(heads) == [
        *("Agent ID", "name", "team", "skills", "Status", "Cause", "Retcode", "Message"),
    ]
    names = (
        "[...document.querySelectorAll('#printed tbody tr')].map((r) => r.children[1].innerText)"
    )
    assert await page.ask(names) == ["Name 7", "Name 502", "Name 3001"]
    assert await page.ask("document.getElementById('paper-said').innerText") == "3 of 3,000 rows."


async def test_printed_its_list_goes_by_cause_then_agent_below_the_groups(
    page: browser.Page, tmp_path: Path
) -> None:
    """Rows in the order of the file mixed those that failed with those never attempted."""
    ends = (
        ("1100", Status.NOT_ATTEMPTED, Cause.GATE),
        ("1009", Status.FAILED, Cause.NOT_SIGNED_IN),
        ("999", Status.FAILED, Cause.NOT_SIGNED_IN),
        ("1010", Status.FAILED, Cause.GATEWAY_ERROR),
        ("1001", Status.NOT_ATTEMPTED, Cause.GATE),
    )
    lines = [
        msgspec.structs.replace(LINE, row=at, agent_id=agent, status=status, cause=cause, extra=())
        for at, (agent, status, cause) in enumerate(ends, 2)
    ]
    group = {"incoming": 9, "up": 2, "gate": 9, "outgoing": 2, "off": 0, "held": 2, "cause": "gate"}
    groups = [{"group": f"team {at}", **group} for at in range(14)]
    await page.open(_written(tmp_path, *lines, handover=groups))
    folded = "document.querySelector('.handover details').open"
    assert not await page.ask(folded)
    await page.send("Page.printToPDF")
    assert await page.ask(folded), "paper cannot be opened"
    agents = (
        "[...document.querySelectorAll('#printed tbody tr')].map((r) => r.children[0].innerText)"
    )
    await page.send("Emulation.setEmulatedMedia", media="print")
    assert await page.ask(agents) == ["1010", "999", "1009", "1001", "1100"]
    top = "document.querySelector('{}').getBoundingClientRect().top"
    assert await page.ask(f"{top.format('.handover')} < {top.format('#paper')}")
    assert await page.ask("document.querySelectorAll('.details .on-screen').length") == 2
    assert await page.ask("getComputedStyle(document.querySelector('.on-screen')).display") == (
        "none"
    )


async def test_printed_it_has_what_was_searched_for_or_nobody(
    page: browser.Page, tmp_path: Path
) -> None:
    await page.open(_written(tmp_path, LINE))
    said = "document.getElementById('paper-said').textContent"
    await page.send("Page.printToPDF")
    assert await page.ask(said) == "None: this run has set every agent."
    await page.ask("search.value = 'ana'; search.dispatchEvent(new Event('input'))")
    await page.send("Page.printToPDF")
    assert await page.ask(said) == "1 of 1 rows."


async def test_search_is_for_identity_and_finds_no_times(
    page: browser.Page, tmp_path: Path
) -> None:
    """`101` is an agent, and no part of 22:13:20.101Z, a row, a latency, a port or a message."""
    other = msgspec.structs.replace(
        LINE,
        row=101,
        agent_id="2002",
        gateway="localhost:10143",
        latency_ms=101.0,
        message="101",
        retcode="100-101",
        finished_at=1_700_000_000_101,
    )
    lines = [
        msgspec.structs.replace(other, row=at, agent_id=str(2_000 + at)) for at in range(2, 50)
    ]
    lines[20] = msgspec.structs.replace(other, agent_id="5101", extra=("Zoë Ray",))
    await page.open(_written(tmp_path, *lines))
    for wanted in ("101", "zoë"):
        await page.ask(f"search.value = '{wanted}'; search.dispatchEvent(new Event('input'))")
        assert await _cells(page, 1) == ["5101"]


async def test_search_may_be_in_one_column_alone(page: browser.Page, tmp_path: Path) -> None:
    lines = [
        msgspec.structs.replace(LINE, row=2, agent_id="1001", extra=("Ray Cedar", "Maple")),
        msgspec.structs.replace(LINE, row=3, agent_id="1002", extra=("Ana Bell", "Cedar")),
    ]
    await page.open(_written(tmp_path, *lines, columns=("name", "team")))
    choices = "[...document.getElementById('column').options].map((each) => each.textContent)"
    assert await page.ask(choices) == ["agent and names", "Agent ID", "name", "team"]
    await page.ask("search.value = 'cedar'; search.dispatchEvent(new Event('input'))")
    assert await _cells(page, 1) == ["1001", "1002"]
    team = "[...column.options].find((each) => each.textContent === 'team').value"
    await page.ask(f"column.value = {team}; column.dispatchEvent(new Event('change'))")
    assert await _cells(page, 1) == ["1002"]


async def test_the_table_says_to_a_screen_reader_what_stands_where(
    page: browser.Page, tmp_path: Path
) -> None:
    """Heads of columns and rows, places in the whole table, and labels of what can be changed."""
    await page.open(_written(tmp_path, LINE, FAILED))
    assert await page.ask("rows.querySelector('table').getAttribute('aria-rowcount')") == "3"
    places = "[...document.querySelectorAll('#rows tr')].map((row) => row.ariaRowIndex)"
    assert await page.ask(places) == ["1", "2", "3"]
    heads = "[...document.querySelectorAll('#rows th')].map((head) => head.scope)"
    assert (await page.ask(heads)).count("row") == 2
    labels = "[...document.querySelectorAll('input, select')].map((at) => at.labels.length)"
    assert await page.ask(labels) == [1, 1, 1]
    assert await page.ask("document.documentElement.lang") == "en"


async def test_columns_do_not_jump_while_rows_pass(page: browser.Page, tmp_path: Path) -> None:
    lines = [msgspec.structs.replace(LINE, row=at, agent_id="1001") for at in range(2, 502)]
    lines[400] = msgspec.structs.replace(lines[400], message="something much longer than success")
    await page.open(_written(tmp_path, *lines))
    widths = "[...document.querySelectorAll('#rows thead th')].map((head) => head.offsetWidth)"
    before = await page.ask(widths)
    await page.ask(
        "new Promise((seen) => { rows.addEventListener('scroll', () => setTimeout(seen),"
        " { once: true }); rows.scrollTop = rows.scrollHeight; })"
    )
    assert await page.ask(widths) == before


async def test_a_narrow_window_scrolls_in_the_table_alone(
    page: browser.Page, tmp_path: Path
) -> None:
    await page.send(
        "Emulation.setDeviceMetricsOverride",
        width=400,
        height=800,
        deviceScaleFactor=1,
        mobile=True,
    )
    await page.open(_written(tmp_path, LINE, FAILED, pulses=PULSES, handover=[GROUP]))
    assert await page.ask("document.documentElement.scrollWidth") <= 400
    assert await page.ask("rows.scrollWidth > rows.clientWidth")
