"""Known GUIDs go in; nothing that comes out may show them.

README: No GUID, password or cookie is in any output. Guide "Nothing secret".
"""

import csv
import signal
from pathlib import Path

import msgspec
import pytest

from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.sessions_file import SavedSession, write_sessions
from tests.cli.command import bulkagent, emulated, started
from tests.cli.test_guid_sources import guid_service, without_guids
from tests.waiting import HANG_S

# What a GUID would be recognised by, whole or in part.
CANARY = "5ca1ab1e-0000-4000-8000-00000000cafe"


def everything_in(folder: Path, *, but: set[Path]) -> bytes:
    files = [path for path in folder.rglob("*") if path.is_file() and path not in but]
    assert any(path.suffix == ".sqlite3" for path in files)
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.matrix
def test_no_output_log_ledger_or_report_shows_a_guid(tmp_path: Path) -> None:
    """Over a run with every fault there is, and over each command's output."""
    scenario = Path(__file__).parents[2] / "samples/scenarios/rough_morning.toml"
    with emulated(tmp_path, "1001-1100", "--scenario", scenario) as gateway:
        guids = [line.split(",")[1] for line in gateway.roster.read_text().splitlines()[1:]]
        reports = [x for kind in ("csv", "json", "jsonl") for x in ("--report", f"out.{kind}")]
        arguments = ["--flag", 0, "--gateway", gateway.url, "--ca-file", gateway.ca_file, "--json"]
        said = [
            bulkagent(tmp_path, "apply", gateway.roster, *arguments, "--yes", *reports),
            bulkagent(tmp_path, "check", gateway.roster, "--json"),
            bulkagent(tmp_path, "report", "last", "--to", "again.json", "--json"),
        ]
        assert said[0].json["requests"] > 100
        shown = "".join(ended.out + ended.err for ended in said).encode()
        kept = everything_in(tmp_path, but={gateway.roster})
    for guid in guids:
        assert guid.encode() not in shown + kept
        assert guid.split(".")[0].encode() not in shown + kept


def test_a_guid_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    """Shifted columns, GUIDs as agent IDs, in names and in flags: refused, and not quoted."""
    rows = [
        ["agent_id", "guid", "flag", "name"],
        [CANARY, "101", "1", "Ana"],
        ["102", f"{CANARY}\x01", "1", CANARY],
        ["103", "", CANARY, f"JSESSIONID={CANARY}"],
        ["104", "x", "1", "Ana", CANARY],
        ["105", CANARY, "1", f"is {CANARY}"],
        ["106", "", "1", "Ana"],
    ]
    with (tmp_path / "shifted.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    apply = ["apply", "shifted.csv", "--gateway", "emulated", "--json"]
    skipping = ["--skip-invalid", "9", "--report", "out.csv", "--report", "out.json"]
    commands = (apply, [*apply, *skipping], ["check", "shifted.csv", "--json"])
    said = [bulkagent(tmp_path, *command) for command in commands]
    assert [ended.code for ended in said] == [2, 0, 2]
    shown = "".join(ended.out + ended.err for ended in said).encode()
    kept = everything_in(tmp_path, but={tmp_path / "shifted.csv"})
    assert CANARY.encode() not in shown + kept
    assert CANARY[:13].encode() not in shown + kept


def test_a_killed_run_leaves_no_guid_behind(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-1100") as gateway:
        guids = [line.split(",")[1] for line in gateway.roster.read_text().splitlines()[1:]]
        arguments = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url, "--yes"]
        with started(tmp_path, *arguments, "--ca-file", gateway.ca_file) as process:
            while gateway.judge("stats")["requests"] < 20:
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=HANG_S)
        kept = everything_in(tmp_path, but={gateway.roster})
    for guid in guids:
        assert guid.split(".")[0].encode() not in kept


@pytest.mark.matrix
def test_sessions_from_elsewhere_show_neither_guid_nor_cookie_nor_token(tmp_path: Path) -> None:
    """With GUIDs from a file and from a service, some of them refused."""
    with emulated(tmp_path, "1001-1040") as gateway:
        guids = without_guids(gateway)
        credentials = {
            agent: Credential(CANARY if agent == "1007" else guid, f"node=7; lb={CANARY}")
            for agent, guid in guids.items()
        }
        live = tmp_path / "live.jsonl"
        write_sessions(live, (SavedSession("", agent, one) for agent, one in credentials.items()))
        arguments = ["--flag", 0, "--gateway", gateway.url, "--ca-file", gateway.ca_file, "--json"]

        def answer(agent: str) -> tuple[int, str]:
            if agent == "1009":
                return 500, credentials[agent].guid
            return 200, msgspec.json.encode(credentials[agent]).decode()

        with guid_service(answer) as (url, asked):
            of_service = [
                "--guid-url",
                url,
                "--log-file",
                "service.log",
                "--retry-for",
                "none",
                "--max-attempts",
                2,
            ]
            said = [
                bulkagent(
                    tmp_path,
                    *("apply", gateway.roster, *arguments, "--yes", "--retry-for", "none"),
                    *("--sessions", live, "--log-file", "file.log", "--report", "out.json"),
                ),
                bulkagent(
                    tmp_path,
                    *("apply", gateway.roster, *arguments, "--yes", *of_service),
                    surroundings={"BULKAGENT_GUID_HEADER": f"X-Token: {CANARY}"},
                ),
                bulkagent(tmp_path, "show", "last"),
            ]
        assert {token for _, token in asked} == {CANARY}
        assert [ended.code for ended in said[:2]] == [3, 3], [ended.err for ended in said]
        assert "guid_refused" in said[0].json["causes"]
        assert "guid_source" in said[1].json["causes"]
        shown = "".join(ended.out + ended.err for ended in said).encode()
        kept = everything_in(tmp_path, but={live})
    for secret in (CANARY, *guids.values()):
        assert secret.split(".")[0].encode() not in shown + kept
    assert b"node=7" not in shown + kept
