"""The table as the script shows it: the order of columns, labels, texts, and the zone of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bulkagent.language import mark
from bulkagent.model import Status
from bulkagent.reports.head import zone_for
from bulkagent.reports.html.charts import NAMES
from bulkagent.reports.html.layout import LABELS, order_of
from bulkagent.reports.html.sentences import translated

TEXTS: Mapping[str, str] = {
    "found": mark("%(shown)s of %(all)s rows"),
    "found_of_cause": mark("%(shown)s of %(all)s rows, cause %(cause)s"),
    "copied": mark("Copied"),
    "selected": mark("Selected"),
    "not_as_wanted": mark("The agents not as wanted, one in each row"),
    "searched": mark("Rows that were searched for"),
    "printed": mark("%(shown)s of %(all)s rows."),
    "more": mark("%(shown)s of %(all)s rows. The first %(printed)s are here, the CSV has all."),
    "nobody": mark("None: this run has set every agent."),
    "verified": mark("Verified"),
}


def view_of(
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
