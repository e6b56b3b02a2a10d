"""The page around the table's data: the facts of a run, put in words and handed to the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from bulkagent.language import Language, page_language, page_translations
from bulkagent.model import Status
from bulkagent.reports.head import Wanted, head_of, span, zone_for
from bulkagent.reports.html.assets import asset, policy_for
from bulkagent.reports.html.causes import explained, topics_of
from bulkagent.reports.html.charts import NAMES
from bulkagent.reports.html.figures import Figures
from bulkagent.reports.html.handover_bars import GroupBars, handover_groups
from bulkagent.reports.html.headline import headline_of
from bulkagent.reports.html.limit_courses import courses
from bulkagent.reports.html.safe import harmless
from bulkagent.reports.html.sentences import say, translated
from bulkagent.reports.html.table_view import TEXTS, view_of
from bulkagent.reports.html.titled_charts import attempts_of, titled_charts
from bulkagent.reports.sanitize import printable
from bulkagent.reports.verdict import NO_USE

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
    texts = {name: translated(text) for name, text in TEXTS.items()}
    return _template(page_language()).render(
        language=page_language().value,
        span=lambda begun, ended=None: span(begun, ended, say, zone_for(facts)),
        policy=policy_for(style, script),
        style=style,
        script=script,
        run=shown,
        head=head_of(shown, wanted, say),
        verdict=headline_of(shown, wanted),
        nothing_helps=translated(NO_USE) if facts["exit_code"] == _REJECTED else "",
        totals=[(at.value, translated(NAMES[at]), totals.get(at, 0)) for at in Status],
        causes=explained(shown["clusters"]),
        left_out=shown["left_out"][:_LEFT_OUT_SHOWN],
        more_left_out=len(facts["left_out"]) - _LEFT_OUT_SHOWN,
        topics=topics_of(shown),
        groups=_in_two(groups),
        held=sum(bool(group.held) for group in groups),
        courses=courses(shown["pulses"], figures.last_ms),
        charts=titled_charts(figures),
        attempts=attempts_of(figures),
        texts=texts,
        mark=DATA,
        columns=harmless(msgspec.json.encode(list(names))).decode(),
        view=harmless(msgspec.json.encode(view_of(names, texts, facts))).decode(),
    )


def _in_two(groups: Sequence[GroupBars]) -> list[Sequence[GroupBars]]:
    """The groups that are seen at once, and those that somebody has to ask for."""
    return [part for part in (groups[:_GROUPS_SHOWN], groups[_GROUPS_SHOWN:]) if part]


_GROUPS_SHOWN = 12

_REJECTED = 4  # what is not applied is refused for good

_LEFT_OUT_SHOWN = 100
"""More of them than anybody reads; the table and the other formats have all."""


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
