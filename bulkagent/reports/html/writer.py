"""The page put together: lines to a data block and to figures, and figures to what stands above."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from bulkagent.model import Cause, Line, Status
from bulkagent.reports.advice import advice_for
from bulkagent.reports.columns import COLUMNS, fitted, header
from bulkagent.reports.html.charts import courses, covers, stacked
from bulkagent.reports.html.figures import Figures
from bulkagent.reports.sanitize import printable
from bulkagent.reports.timestamps import iso

if TYPE_CHECKING:
    import jinja2


# So much of the table's data is held in memory before it goes to a file of its own.
_IN_MEMORY = 128 << 10

# Facts of a run that may be missing, so that nothing of the rest is lost.
_NO_FACTS: Mapping[str, object] = {
    **dict.fromkeys(("run_id", "state", "roster", "created_at", "fingerprint", "job"), ""),
    **dict.fromkeys(("who", "note", "on_behalf_of"), None),
    **dict.fromkeys(("rows", "requests", "retries", "not_sent"), 0),
    "exit_code": None,
    "reason": None,
    "next": None,
    "version": "",
    "totals": {},
    "settings": {},
    "gateways": {},
    "legs": (),
    "clusters": (),
    "handover": (),
    "pulses": (),
    "left_out": (),
}

_MARK = "\x00data\x00"

# Characters that could end the block or begin a comment, or that old JavaScript stumbles on.
_UNSAFE = re.compile(r"[<>&\u2028\u2029]")


def write_html(
    out: BinaryIO,
    lines: Iterable[Line],
    extra_columns: Sequence[str],
    run: Mapping[str, object],
) -> int:
    """Write the page; the number of lines written.

    Raises:
        ValueError: a line has more cells than the roster has columns.
        OSError: `out`, or a temporary file, cannot be written.
    """
    figures = Figures()
    names = header(extra_columns, printable)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as data:
        written = 0
        between = b""
        for row in _rows(lines, len(names) - len(COLUMNS), figures):
            data.write(between + row)
            between = b",\n"
            written += 1
        data.seek(0)
        before, after = _page(names, figures, run).split(_MARK)
        out.write(before.encode("utf-8", "backslashreplace"))
        shutil.copyfileobj(data, out)
        out.write(after.encode("utf-8", "backslashreplace"))
    return written


def _rows(lines: Iterable[Line], width: int, figures: Figures) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for line in lines:
        figures.add(line)
        extra = line.extra if len(line.extra) == width else fitted(line.extra, width)
        cells = (
            line.row,
            line.agent_id,
            line.gateway,
            line.flag,
            line.status,
            line.cause or "",
            line.retcode,
            line.message,
            line.http_status,
            line.attempts,
            None if line.latency_ms is None else round(line.latency_ms, 1),
            None if line.first_sent_at is None else iso(line.first_sent_at),
            None if line.finished_at is None else iso(line.finished_at),
            *extra,
        )
        shown = [printable(cell) if type(cell) is str else cell for cell in cells]
        yield _UNSAFE.sub(_escape, encode(shown).decode()).encode()


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _page(names: Sequence[str], figures: Figures, run: Mapping[str, object]) -> str:
    facts: dict[str, Any] = msgspec.to_builtins({**_NO_FACTS, **run}, enc_hook=str)
    style, script = _asset("page.css"), _asset("page.js")
    totals: dict[str, int] = facts["totals"]
    shown = _shown(facts)
    columns = _UNSAFE.sub(_escape, msgspec.json.encode(list(names)).decode())
    return _template().render(
        policy=(
            f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
            " base-uri 'none'; form-action 'none'"
        ),
        style=style,
        script=script,
        run=shown,
        head=_head(shown, figures),
        verdict=_VERDICTS.get(facts["exit_code"], _VERDICTS[None]),
        totals=[(status.value, totals.get(status, 0)) for status in Status],
        causes=[
            (
                *(cluster["status"], cluster["cause"], cluster["count"], cluster["agents"]),
                *advice_for(Cause(cluster["cause"]), Status(cluster["status"])),
                cluster.get("reason", ""),
            )
            for cluster in _shown(facts["clusters"])
            if cluster["cause"] != Cause.BAD_ROW
        ],
        left_out=_shown(facts["left_out"][:_LEFT_OUT_SHOWN]),
        more_left_out=len(facts["left_out"]) - _LEFT_OUT_SHOWN,
        groups=covers(_shown(facts["handover"])),
        courses=courses(_shown(facts["pulses"]), figures.last_ms),
        time=stacked(figures.over_time()),
        latency=stacked(figures.latencies()),
        attempts=_attempts(figures),
        median=figures.quantile_ms(0.5),
        high=figures.quantile_ms(0.95),
        mark=_MARK,
        columns=columns,
    )


def _head(run: Mapping[str, Any], figures: Figures) -> dict[str, str]:
    """The first line for a reader of the paper: which roster, which gateways, which flag."""
    roster = str(run["roster"])
    flags = sorted(figures.flags)
    gateways = sorted(run["gateways"]) or sorted(map(printable, figures.gateways))
    return {
        "roster": "standard input" if roster == "-" else roster.rpartition("/")[2] or roster,
        "gateways": ", ".join(gateways) or "-",
        "flag": " and ".join(_FLAGS.get(flag, printable(flag)) for flag in flags) or "-",
    }


_FLAGS = {"0": "0 (stop taking calls)", "1": "1 (may take calls)"}


def _local(iso: str | None) -> str:
    """A time that data have in UTC, as people read it where the page is written."""
    if not iso:
        return "-"
    try:
        local = datetime.fromisoformat(iso).astimezone()
    except (ValueError, OverflowError):
        return iso
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def _attempts(figures: Figures) -> list[tuple[int, int, float]]:
    """Number of requests, agents who took as many, and their share of the most frequent."""
    most = max(figures.attempts.values(), default=1)
    return [
        (number, agents, round(100 * agents / most, 2))
        for number, agents in sorted(figures.attempts.items())
    ]


# More of them than anybody reads; the table and the other formats have all.
_LEFT_OUT_SHOWN = 100

_VERDICTS: Mapping[int | None, tuple[str, str]] = {
    0: ("good", "Every agent is as wanted."),
    3: ("warn", "Some agents are not as wanted; a resume may help."),
    4: ("warn", "Some agents are not as wanted, and trying again does not help."),
    5: ("bad", "It was stopped before its end; a resume goes on."),
    6: ("bad", "It was held back, and a person must look."),
    None: ("bad", "It did not come to its end."),
}


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


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


@cache
def _template() -> jinja2.Template:
    # Only who writes a page waits for it.
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["local"] = _local
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment.from_string(_asset("page.html"))
