"""GUIDs from a sessions file or from the site's service, as the installed command takes them.

Proves --sessions, --guid-url, --guid-ca-file, --roster; guide "When a GUID is asked for", "A
sessions file", "A service", "When a GUID is refused or missing".
"""

from __future__ import annotations

import contextlib
import csv
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.sessions_file import SavedSession, write_sessions
from tests.cli.command import Emulated, Ended, bulkagent, emulated, inside, report_of
from tests.cli.test_apply import applied_to

STALE = "00000000-0000-0000-0000-000000000000.AgentGateway0"


def guids_of(gateway: Emulated) -> dict[str, str]:
    with gateway.roster.open(newline="") as file:
        return {row["agent_id"]: row["guid"] for row in csv.DictReader(file)}


def without_guids(gateway: Emulated, roster: str = "r.csv") -> dict[str, str]:
    """Take the GUIDs out of the gateway's roster; agent ID to GUID."""
    guids = guids_of(gateway)
    (gateway.folder / roster).write_text("".join(f"{agent}\n" for agent in ["agent_id", *guids]))
    return guids


def sessions_of(path: Path, guids: dict[str, str], gateway: str = "") -> None:
    write_sessions(
        path, (SavedSession(gateway, agent, Credential(guids[agent])) for agent in guids)
    )


def nothing_shows(folder: Path, ended: Ended, *secrets: str, but: tuple[str, ...] = ()) -> None:
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for secret in secrets:
        assert secret not in ended.out + ended.err
        where = [path.name for path, data in kept.items() if secret.encode() in data]
        assert [name for name in where if name not in but] == []


@pytest.mark.parametrize("name", ["live.jsonl", "live.csv"])
def test_a_roster_without_guids_and_a_sessions_file(tmp_path: Path, name: str) -> None:
    with emulated(tmp_path, "101-150") as gateway:
        guids = without_guids(gateway)
        sessions_of(tmp_path / name, guids)
        ended = applied_to(gateway, "--sessions", name, "--yes", "--json", "--log-file", "log")
        assert (ended.code, ended.json["totals"]["applied"]) == (0, 50), ended.err
        assert gateway.set_to(0) == list(guids)
    nothing_shows(tmp_path, ended, *guids.values(), but=(name,))


def test_whom_the_file_does_not_have_has_no_guid(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        guids = without_guids(gateway)
        del guids["103"]
        sessions_of(tmp_path / "live.jsonl", guids)
        ended = applied_to(gateway, "--sessions", "live.jsonl", "--yes", "--json")
        assert (ended.code, ended.json["causes"]) == (3, {"no_guid": 1})
        # He signs in, the file says so, and no roster is needed to go on.
        gateway.roster.unlink()
        everybody = {**guids, "103": STALE}
        sessions_of(tmp_path / "live.jsonl", everybody)
        again = bulkagent(tmp_path, "resume", "last", "--halt-first", 0, "--yes", "--json")
        assert (again.code, again.json["causes"]) == (3, {"guid_refused": 1})
        assert "live.jsonl had no newer ones" in again.err


def test_a_revert_takes_its_guids_from_there_too(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        sessions_of(tmp_path / "live.jsonl", without_guids(gateway))
        for flag in (1, 0):
            ended = applied_to(gateway, "--sessions", "live.jsonl", "--yes", flag=flag)
            assert ended.code == 0, ended.err
        gateway.roster.unlink()
        back = bulkagent(tmp_path, "revert", "last", "--yes")
        assert back.code == 0, back.err
        assert len(gateway.set_to(1)) == 10


def test_a_roster_that_is_named_is_where_guids_come_from(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        guids = guids_of(gateway)
        hours_ago = dict.fromkeys(guids, STALE)
        sessions_of(tmp_path / "live.jsonl", hours_ago)
        ended = applied_to(gateway, "--sessions", "live.jsonl", "--halt-first", 0, "--yes")
        assert ended.code == 3
        both = ("--roster", "r.csv", "--sessions", "live.jsonl")
        assert bulkagent(tmp_path, "resume", "last", "--yes", *both).code == 2
        again = bulkagent(tmp_path, "resume", "last", "--yes", "--roster", "r.csv")
        assert again.code == 0, again.err


@pytest.mark.matrix
def test_a_stale_file_is_a_wrong_set_up_and_says_so(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-200") as gateway:
        guids = without_guids(gateway)
        hours_ago = Credential(STALE, issued_at=1_700_000_000_000)
        write_sessions(
            tmp_path / "live.jsonl", (SavedSession("", agent, hours_ago) for agent in guids)
        )
        ended = applied_to(gateway, "--sessions", "live.jsonl", "--yes", "--json")
        assert (ended.code, ended.json["state"]) == (6, "halted")
        assert "all were issued more than" in ended.err
        assert "is the process that keeps it still running?" in ended.err
        (tmp_path / "live.jsonl").unlink()
        gone = bulkagent(tmp_path, "resume", "last", "--override", "tested", "--yes")
        assert gone.code == 2
        assert "live.jsonl" in gone.err
        assert gateway.set_to(0) == []
        sessions_of(tmp_path / "live.jsonl", guids)
        again = bulkagent(tmp_path, "resume", "last", "--override", "tested", "--yes")
        assert again.code == 0, again.err
        assert gateway.set_to(0) == list(guids)


def test_the_sessions_of_another_gateway_are_not_sent_here(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        guids = without_guids(gateway)
        sessions_of(tmp_path / "live.jsonl", guids, gateway="west")
        ended = applied_to(gateway, "--sessions", "live.jsonl", "--yes")
        assert ended.code == 2
        assert "'west'" in ended.err
        assert gateway.judge("stats")["requests"] == 0
        sessions_of(tmp_path / "live.jsonl", guids, gateway=gateway.url)
        assert applied_to(gateway, "--sessions", "live.jsonl", "--yes").code == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--sessions", "live.jsonl", "--guid-url", "https://guids/{agentid}"], "give one"),
        (["--sessions", "nowhere.jsonl"], "No such file"),
        (["--guid-url", "https://guids/"], "must have {agentid}"),
        (["--guid-url", "https://guids/{agentid}", "--guid-ca-file", "none"], "--guid-ca-file"),
    ],
)
def test_sources_that_cannot_be_used_are_refused(
    tmp_path: Path, options: list[str], why: str
) -> None:
    (tmp_path / "r.csv").write_text("agent_id\n101\n")
    address = ["--gateway", "https://localhost:1", "--flag", 0, "--yes"]
    ended = bulkagent(tmp_path, "apply", "r.csv", *address, *options)
    assert ended.code == 2
    assert why in ended.err
    assert "Traceback" not in ended.err


def test_the_emulated_gateway_has_agents_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("agent_id\n101\n")
    (tmp_path / "bulkagent.toml").write_text('sessions = "live.jsonl"\n')
    emulated_one = ["--gateway", "emulated", "--flag", 0]
    assert bulkagent(tmp_path, "apply", "r.csv", *emulated_one).code == 0
    asked = bulkagent(tmp_path, "apply", "r.csv", *emulated_one, "--sessions", "live.jsonl")
    assert asked.code == 2
    assert "not for --gateway emulated" in asked.err


Answering = Callable[[str], tuple[int, str]]


@contextlib.contextmanager
def guid_service(answer: Answering) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A GUID service: its address, and the paths and tokens that it was asked with."""
    asked: list[tuple[str, str | None]] = []

    class Service(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append((self.path, self.headers["X-Token"]))
            status, body = answer(self.path.rpartition("/")[2])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # as many as may connect at once

    with Server(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/guids/{{agentid}}", asked
        finally:
            server.shutdown()
            thread.join()


def test_the_sites_service_is_asked_once_for_each_agent(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-150") as gateway:
        guids = without_guids(gateway)
        with guid_service(lambda agent: (200, json.dumps({"guid": guids[agent]}))) as (url, asked):
            ended = bulkagent(
                tmp_path,
                *("apply", "r.csv", "--flag", 0, "--gateway", gateway.url, "--yes", "--json"),
                *("--ca-file", "ca.pem", "--guid-url", url, "--log-file", "log"),
                surroundings={"BULKAGENT_GUID_HEADER": "X-Token: synthetic-token"},
            )
        assert (ended.code, ended.json["totals"]["applied"]) == (0, 50), ended.err
        assert gateway.set_to(0) == list(guids)
    assert sorted(asked) == sorted((f"/guids/{agent}", "synthetic-token") for agent in guids)
    nothing_shows(tmp_path, ended, *guids.values(), "synthetic-token")


def test_a_refused_guid_is_asked_for_once_more_and_that_is_no_retry(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        guids = without_guids(gateway)
        times: dict[str, int] = {}

        def answer(agent: str) -> tuple[int, str]:
            times[agent] = times.get(agent, 0) + 1
            fresh = times[agent] > 1 and agent != "103"
            return 200, json.dumps({"guid": guids[agent] if fresh else STALE})

        with guid_service(answer) as (url, _):
            ended = applied_to(gateway, "--guid-url", url, "--yes", "--json", "--log-file", "log")
        assert (ended.code, ended.json["causes"]) == (3, {"guid_refused": 1}), ended.err
        assert ended.json["requests"] == 19, "all twice, but the one who has nothing newer"
        assert set(times.values()) == {2}
        assert gateway.judge("stats")["answered"] == {"000-003": 10, "0": 9}
        (line,) = [one for one in report_of(tmp_path, ended.json) if one["status"] != "applied"]
        assert (line["agent_id"], line["attempts"]) == ("103", "1")


@pytest.mark.matrix
def test_a_service_that_is_down_is_not_the_gateways_fault(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-160") as gateway:
        guids = without_guids(gateway)
        with guid_service(lambda _agent: (500, "down")) as (url, asked):
            limits = ["--max-attempts", 2, "--retry-for", "none", "--yes", "--json"]
            ended = applied_to(gateway, "--guid-url", url, *limits)
        assert (ended.code, ended.json["causes"]) == (3, {"guid_source": 60}), ended.err
        assert len(asked) == 120
        assert gateway.judge("stats")["requests"] == ended.json["requests"] == 0
        assert (ended.json["retries"], ended.json["not_sent"]) == (0, 120)
        lines = report_of(tmp_path, ended.json)
        assert {line["attempts"] + line["first_sent_at"] for line in lines} == {"0"}
        shown = bulkagent(tmp_path, "show", "last", "--json")
        assert (shown.json["requests"], shown.json["not_sent"]) == (0, 120)
        past = bulkagent(tmp_path, "runs", "--agent", 101, "--json")
        assert past.json["runs"][0]["attempts"] == 0
        assert {line["message"] for line in report_of(tmp_path, ended.json)} == {
            "the GUID service answered HTTP 500"
        }
        with guid_service(lambda agent: (200, json.dumps({"guid": guids[agent]}))) as (url, _):
            again = bulkagent(tmp_path, "resume", "last", "--guid-url", url, "--yes")
        assert again.code == 0, again.err
        assert gateway.set_to(0) == list(guids)


@pytest.mark.matrix
def test_some_who_cannot_be_looked_up_at_first_do_not_hold_up_the_others(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-200") as gateway:
        guids = without_guids(gateway)
        failed: set[str] = set()

        def answer(agent: str) -> tuple[int, str]:
            if int(agent) % 2 and agent not in failed:
                failed.add(agent)
                return 503, ""
            return (404, "") if agent == "104" else (200, guids[agent])

        with guid_service(answer) as (url, _):
            ended = applied_to(gateway, "--guid-url", url, "--yes", "--json")
        assert (ended.code, ended.json["causes"]) == (3, {"no_guid": 1}), ended.err
        assert ended.json["totals"]["applied"] == 99
        assert ended.json["requests"] == gateway.judge("stats")["requests"] == 99
        # The first attempt of those who had to be looked up again sent nothing: no retries.
        assert (ended.json["retries"], ended.json["not_sent"]) == (0, 51)


def test_the_doctor_asks_the_service_for_one_agent(tmp_path: Path) -> None:
    """`doctor --guid-url --agent`: the service's GUID is asked about at the gateway; one source."""
    with emulated(tmp_path, "101-103") as gateway:
        guids = without_guids(gateway)
        given = ("--gateway", gateway.url, "--ca-file", "ca.pem", "--agent", 102, "--json")
        with guid_service(lambda agent: (200, guids[agent])) as (url, asked):
            ended = inside(tmp_path, "doctor", *given, "--guid-url", url)
        seen = {each["check"]: each["seen"] for each in ended.json["findings"]}
        assert seen["GUID from --guid-url"] == "agent 102 is idle, so the GUID is good", ended.out
        assert [path for path, _ in asked] == ["/guids/102"]
        both = inside(tmp_path, "doctor", *given, "--guid-url", url, "--sessions", gateway.roster)
    assert both.code == 2
    assert "give one of the two" in both.json["error"]
