"""Verification as the installed command does it, with its screens, reports and exit codes.

Proves --verify-with, --verify-again-after, --skill; guide "What the verdict means", "The observer".
"""

from __future__ import annotations

from pathlib import Path

from tests.cli.command import SAMPLES, bulkagent, emulated, report_of
from tests.cli.test_apply import applied_to
from tests.cli.test_guid_sources import guids_of, nothing_shows, sessions_of, without_guids

SHIFT = SAMPLES / "evening_shift.csv"


def test_who_is_answered_success_and_not_set_is_found(tmp_path: Path) -> None:
    scenario = SAMPLES / "scenarios/not_applied.toml"
    ended = bulkagent(
        tmp_path,
        *("apply", SHIFT, "--flag", 0, "--gateway", "emulated", "--scenario", scenario),
        *("--verify-with", "5000:1", "--verify-again-after", "10ms", "--json"),
    )
    assert ended.code == 3
    assert ended.json["verified"] == {"yes": 38, "no": 2, "not_visible": 0}
    assert ended.json["totals"]["applied"] == 40
    assert (
        "seen    38 verified, 2 not as set, 0 not visible\nnot as set 2: 1012, 1031\n" in ended.err
    )
    assert "next" not in ended.err
    rows = report_of(tmp_path, ended.json)
    assert [row["agent_id"] for row in rows if row["verified"] == "no"] == ["1012", "1031"]
    shown = bulkagent(tmp_path, "show", "last")
    assert "38 verified, 2 not as set, 0 not visible\nnot as set 2: 1012, 1031\n" in shown.out
    again = bulkagent(tmp_path, "report", "last", "--to", "again.csv", "--json")
    (path,) = ended.json["reports"]
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / path).read_bytes()
    assert again.json["verified"] == ended.json["verified"]


def test_the_observer_may_be_in_the_sessions_file_alone(tmp_path: Path) -> None:
    """Then its own right is not touched, and no secret of it shows."""
    with emulated(tmp_path, "101-130", "--skill", "7=101-110", "--skill", "8=111-130") as gateway:
        sessions_of(tmp_path / "live.jsonl", guids_of(gateway))
        guids = without_guids(gateway)
        roster = "".join(f"{agent}\n" for agent in ["agent_id", *guids] if agent != "130")
        gateway.roster.write_text(roster)
        given = ("--sessions", "live.jsonl", "--yes", "--json", "--log-file", "log")
        ended = applied_to(gateway, *given, "--verify-with", "130:7")
        assert ended.code == 0, ended.err
        assert ended.json["verified"] == {"yes": 10, "no": 0, "not_visible": 19}
        assert "note    those not visible were in no list, or have signed out" in ended.err
        assert "130" not in gateway.set_to(0)
        sessions_of(tmp_path / "live.jsonl", {a: guid for a, guid in guids.items() if a != "129"})
        refused = applied_to(gateway, *given, "--verify-with", "129:7", flag=1)
        assert (refused.code, refused.json["requests"]) == (2, 0)
        assert "--sessions live.jsonl has no session of agent 129; add it there" in refused.err
    nothing_shows(tmp_path, ended, *guids.values(), but=("live.jsonl",))
