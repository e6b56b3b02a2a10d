"""What a resume and a revert take over from their run: guide "Resume", and the column `kept`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bulkagent.settings import ConfigFile, GuidService, SessionsFile, Settings
from bulkagent.settings.table import SETTINGS
from bulkagent.units import Adaptive, HaltAtCount, HaltAtShare

# By field, none of them the default. A row that is no longer kept fails by the name of its field.
KEPT: dict[str, Any] = {
    "job": "night",
    "concurrency": Adaptive(3, 30),
    "per_second": 12.5,
    "burst": 4,
    "max_attempts": 3,
    "retry_for_s": 33.0,
    "give_up_after_s": 44.0,
    "resend_after_switchover": True,
    "connect_timeout_s": 1.5,
    "timeout_s": 21.0,
    "agent_id_range": (201, 777_777),
    "deadline_s": 600.0,
    "grace_s": 5.0,
    "halt": HaltAtShare(0.25),
    "halt_first": 9,
    "durability": "full",
    "guids": GuidService("https://guids.example/{agentid}", Path("/srv/guid-ca.pem")),
    "group_by": "team",
    "handover": False,
    "gate": 0.5,
    "floor": 0.75,
    "allow_closing": True,
    "canary": 20,
    "wait_for_sign_in_s": 90.0,
    "up_means": "available",
    "absent_ok": True,
    "verify_with": ("east/105:7",),
    "verify_again_after_s": 3.0,
}

NOT_KEPT = {"ledger", "time_zone", "language", "max_agents", "max_age", "trust_state", "protect"}


OTHER_KINDS: dict[str, Any] = {
    "concurrency": 5,
    "halt": HaltAtCount(12),
    "guids": SessionsFile(Path("/srv/sessions.jsonl")),
}
"""Of those that may be of two kinds, the other."""


@pytest.mark.parametrize(("field", "value"), [*KEPT.items(), *OTHER_KINDS.items()])
def test_what_a_run_was_given_holds_for_its_resume(field: str, value: Any) -> None:
    """Through what the ledger keeps of it, and with nothing typed, exported or in the file."""
    given = Settings(**{field: value})
    assert getattr(Settings(), field) != value
    recorded = json.loads(json.dumps(given.own))
    resumed = Settings.resolve({}, ConfigFile(), own=Settings.own_of(recorded))
    assert getattr(resumed, field) == value


def test_every_row_of_the_table_is_kept_or_named_here() -> None:
    kept = {name for row in SETTINGS if row.kept for name in row.fields}
    assert kept - {"sessions", "guid_url", "guid_ca_file"} == KEPT.keys() - {"guids"}
    assert kept >= {"sessions", "guid_url", "guid_ca_file"}, "words of `guids`"
    assert {row.name for row in SETTINGS if not row.kept} == NOT_KEPT
