"""The first line of the page: the verdict, in the words of the screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from bulkagent.language import mark
from bulkagent.model import Status, Verified
from bulkagent.reports.head import Wanted, roster_name, zone_for
from bulkagent.reports.html.sentences import translated
from bulkagent.reports.verdict import VerdictFacts, gateways_of, verdict_of, word_of


class Headline(msgspec.Struct, frozen=True):
    """The first line of the page, and how it looks."""

    tone: str
    word: str
    text: str
    gateways: str = ""
    """How many agents are set at each of several gateways."""


def headline_of(run: Mapping[str, Any], wanted: Wanted) -> Headline:
    """What became of the agents of a run, or that it goes on."""
    exit_code = run["exit_code"]
    if exit_code is None:
        running = run["state"] == "running"
        return Headline("bad", "", translated(_GOES_ON if running else _NO_END))
    applied = run["totals"].get(Status.APPLIED, 0)
    since = sum(run.get("set_otherwise", {}).values())
    by_gateway = wanted.by_gateway()
    facts = VerdictFacts(
        roster=run["job"] or roster_name(run["roster"]),
        time=_time(run),
        gateways=tuple(filter(None, by_gateway)) or sorted(run["gateways"]),
        by_flag=wanted.by_flag(),
        contradicted=run.get("verified", {}).get(Verified.NO, 0),
        set_otherwise=since,
        left_out=run["totals"].get(Status.INVALID, 0),
        some_left_out=wanted.left_out,
    )
    word = translated(word_of(run["state"], exit_code, applied, set_otherwise=since))
    tone = "warn" if since and not exit_code else _TONES.get(exit_code, "bad")
    each = gateways_of(by_gateway, translated)
    return Headline(tone, word, verdict_of(facts, translated), each)


_TONES = {0: "good", 3: "warn", 4: "warn"}
# The page says in its own language what programs read in English.
STATES = (
    *(mark("completed"), mark("halted"), mark("interrupted")),
    *(mark("refused"), mark("running")),
)
"""How a run or a leg of it ended, for the catalogues."""
_GOES_ON = mark("The run is in progress.")
_NO_END = mark("The run did not come to its end.")


def _time(run: Mapping[str, Any]) -> str:
    try:
        ended = datetime.fromisoformat(run["finished_at"] or run["created_at"])
        local = ended.astimezone(zone_for(run))
    except (ValueError, OverflowError):
        return str(run["created_at"])
    return f"{local:%H:%M:%S} {local.tzname()}"
