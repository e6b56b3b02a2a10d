"""The causes on the page: what each means, what to do about it, and where the guide says more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from bulkagent.guide import topic_for
from bulkagent.language import mark
from bulkagent.model import Cause, Status
from bulkagent.reports.advice import advice_for
from bulkagent.reports.html.charts import NAMES
from bulkagent.reports.html.sentences import say, translated
from bulkagent.reports.replies import answered, told_of_connections


class Explained(msgspec.Struct, frozen=True):
    """Agents of one status and cause, and what to do."""

    status: str
    name: str
    cause: str
    retcode: str
    """Where all of them had this one, and the cause has others; else ""."""
    count: int
    agents: Sequence[str]
    meaning: str
    advice: str


def explained(clusters: Iterable[Mapping[str, Any]]) -> list[Explained]:
    """Those about whose agents something is to be done; with a repeated row nothing is wrong.

    Agents that were tried come first: why the others were not follows from them.
    """
    found = [cluster for cluster in clusters if cluster["cause"] not in _OF_NO_AGENT]
    return list(map(_of, sorted(found, key=lambda each: each["status"] == Status.NOT_ATTEMPTED)))


_OF_NO_AGENT = frozenset({Cause.BAD_ROW, Cause.REPEATED_ROW})


def _of(cluster: Mapping[str, Any]) -> Explained:
    status = Status(cluster["status"])
    meaning, advice = advice_for(Cause(cluster["cause"]), status, translated)
    common = cluster.get("common", {})
    failures = [(each["said"], each["gateways"]) for each in common.get("failures", ())]
    said = told_of_connections(failures, translated)
    return Explained(
        *(status.value, translated(NAMES[status]), cluster["cause"]),
        *(answered(Cause(cluster["cause"]), common.get("retcode", "")), cluster["count"]),
        *(cluster["agents"], _sentence(meaning, said), _sentence(advice)),
    )


def _sentence(text: str, detail: str = "") -> str:
    """A clause as a sentence, perhaps with what is known beyond it."""
    whole = f"{text[:1].upper()}{text[1:]}"
    if detail:
        return say(mark("%(sentence)s (%(detail)s)."), sentence=whole, detail=detail)
    return say(mark("%(sentence)s."), sentence=whole)


def topics_of(run: Mapping[str, Any]) -> list[str]:
    """Pages of the guide that help with what stands here, each once."""
    topics = [topic_for(Cause(cluster["cause"])) for cluster in run["clusters"]]
    if run["handover"]:
        topics.append("handover")
    return list(dict.fromkeys(topics))
