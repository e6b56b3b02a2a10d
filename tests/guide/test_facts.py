"""Tables of the guide that no command writes: what they list is what the program has.

Proves guide "What a job prints", "Metrics and alerts", "What is raised", "Every key of a
scenario", "Kinds of faults".
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bulkagent
from bulkagent.emulator import FaultKind, Scenario
from bulkagent.emulator.faults.scenario_file import SECTIONS, read_scenario
from bulkagent.model import Status
from bulkagent.reports.prometheus import RunMetrics, write_metrics
from tests.documents import PAGES


def _first_cells(topic: str, heading: str) -> list[str]:
    """What stands in code in the first column of the table that begins like this."""
    table = PAGES[topic].split(f"\n| {heading}", 1)[1].split("\n\n", 1)[0]
    return [
        name
        for line in table.splitlines()[2:]
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    ]


def test_the_keys_of_json_are_those_that_it_has() -> None:
    there = set(_first_cells("json", "key of `--json`"))
    assert there == set(bulkagent.RunResult.__struct_fields__) - {"set_before_switchover"}


def test_every_metric_is_there(tmp_path: Path) -> None:
    path = tmp_path / "m.prom"
    run = RunMetrics(
        run_id="r", command="apply", job="j", version="1", totals={Status.APPLIED: 1},
        causes={"timeout": 1}, requests=1, retries=0, not_sent=0, started_ms=1, finished_ms=2,
        exit_code=0,
    )  # fmt: skip
    write_metrics(path, run)
    written = set(re.findall(r"(?m)^(bulkagent_\w+)\{", path.read_text()))
    named = _first_cells("metrics", "metric")
    assert {name if name[0] != "_" else f"bulkagent_run{name}" for name in named} == written


def test_every_error_is_there_with_its_exit_code() -> None:
    table = PAGES["exceptions"].split("\n| exception", 1)[1].split("\n\n", 1)[0]
    there = dict(re.findall(r"(?m)^\| `(\w+)` \| (\d+) \|", table))
    errors = {
        name: str(found.exit_code)
        for name in bulkagent.__all__
        if isinstance(found := getattr(bulkagent, name), type)
        and issubclass(found, bulkagent.BulkagentError)
    }
    assert there == errors


def test_every_public_name_is_on_the_pages_on_python() -> None:
    pages = PAGES["python"] + PAGES["exceptions"]
    assert [name for name in bulkagent.__all__ if not re.search(rf"\b{name}\b", pages)] == []


def test_every_kind_of_fault_is_there() -> None:
    assert sorted(_first_cells("scenario", "kind |")) == sorted(kind.value for kind in FaultKind)


@pytest.mark.parametrize("section", [*SECTIONS])
def test_every_key_of_a_scenario_is_there(section: str) -> None:
    page = PAGES["scenario"]
    (shown,) = re.findall(r"(?ms)^```toml\n(.*?)^```$", page)
    assert isinstance(read_scenario(shown), Scenario)
    part = re.split(r"(?m)^\[", re.split(rf"(?m)^\[+{section}\]+.*$", shown, maxsplit=1)[1])[0]
    # Those of one kind of fault alone stand beside the kind.
    beside = page.split("## Kinds of faults", 1)[1] if section == "faults" else ""
    keys = set(re.findall(r"\b[a-z_]+\b", part + beside))
    assert set(SECTIONS[section].__struct_fields__) - keys == set()
