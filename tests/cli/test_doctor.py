"""`doctor`: everything between here and a gateway, looked at over real TLS; nobody is set.

Proves --roster, --agent, --pilot; guide "Check what a run needs", "Try a test agent", "Look
before you send".
"""

from __future__ import annotations

import datetime as dt
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.cli.command import Emulated, Ended, bulkagent, emulated, inside, started
from tests.waiting import HANG_S

NETWORK = ["name service", "connection", "TLS", "clock"]
HERE = ["open files", "temporary folder", "ledger", "disk"]


def _found(ended: Ended) -> dict[str, dict[str, Any]]:
    return {each["check"]: each for each in ended.json["findings"]}


def _set_at(gateway: Emulated) -> list[tuple[str, int]]:
    """The agents that were set and their flags, in the gateway's own record."""
    history = gateway.judge("history")
    return [(x["agent_id"], x["flag"]) for x in history if x["event"] == "talk_right"]


def test_all_is_well_at_a_gateway_that_is_well(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        given = ("--gateway", gateway.url, "--ca-file", gateway.ca_file)
        ended = inside(tmp_path, "doctor", *given, "--roster", gateway.roster, "--json")
        assert ended.code == 0, ended.out
        found = _found(ended)
        assert list(found) == [*NETWORK, "GUID from roster", *HERE]
        assert {each["verdict"] for each in found.values()} == {"ok"}
        assert found["GUID from roster"]["seen"] == "agent 101 is idle, so the GUID is good"
        assert "TLSv1.3" in found["TLS"]["seen"]
        both = ("--sessions", gateway.roster, "--agent", 103)
        by_file = _found(inside(tmp_path, "doctor", *given, *both, "--json"))
        assert by_file["GUID from --sessions"]["seen"] == "agent 103 is idle, so the GUID is good"
        nobody = _found(inside(tmp_path, "doctor", *given, "--json"))
        assert nobody["GUID"]["verdict"] == "not checked"
        told = inside(tmp_path, "doctor", *given, "--roster", gateway.roster)
        assert told.out.splitlines()[0].split() == ["check", "seen"]
        assert told.out.splitlines()[1].startswith("ok  name service")
        assert _set_at(gateway) == [], "nobody was set"


def test_the_emulated_gateway_is_examined_too(tmp_path: Path) -> None:
    ended = inside(tmp_path, "doctor", "--gateway", "emulated", "--json")
    assert ended.code == 0
    assert (
        _found(ended)["GUID from the emulator"]["seen"] == "agent 101 is idle, so the GUID is good"
    )


def test_a_certificate_that_is_not_trusted_is_said_with_what_to_give(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        for given, said in (
            ((), "unable to get local issuer certificate"),
            (("--ca-file", gateway.ca_file, "--tls-server-name", "agw.example"), "mismatch"),
        ):
            ended = inside(
                tmp_path, "doctor", "--gateway", gateway.url, *given, "--roster", gateway.roster
            )
            assert ended.code == 2
            assert said in ended.out
            assert "fix     TLS: Check --ca-file and --tls-server-name" in ended.out
            assert ended.out.endswith("\nmore    bulkagent guide configuration\n")
            assert "the gateway was not reached" in ended.out
        loud = inside(tmp_path, "doctor", "--gateway", gateway.url, "--insecure", "--json")
        assert _found(loud)["TLS"]["verdict"] == "warning"


def test_nobody_who_listens_and_no_such_name(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = inside(tmp_path, "doctor", "--gateway", f"https://127.0.0.1:{port}", "--json")
    assert ended.code == 2
    found = _found(ended)
    assert [found[check]["verdict"] for check in NETWORK] == [
        *("ok", "failed", "not checked", "not checked"),
    ]
    assert "firewall" in found["connection"]["fix"]
    ended = inside(tmp_path, "doctor", "--gateway", "https://nobody.invalid", "--json")
    assert _found(ended)["name service"]["verdict"] == "failed"
    assert all(_found(ended)[check]["verdict"] == "ok" for check in HERE)


def test_a_temporary_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By doctor, with who needs one; those who do refuse to begin without."""
    nowhere = str(tmp_path / "nowhere")
    monkeypatch.setattr(tempfile, "tempdir", nowhere)
    guid = "0a1b2c3d-4e5f-4a6b-8c7d-000000000101.AgentGateway1"
    (tmp_path / "r.csv").write_text(f"agent_id,guid\n101,{guid}\n")
    dead = ("--gateway", "https://127.0.0.1:1")
    found = _found(inside(tmp_path, "doctor", *dead, "--json"))["temporary folder"]
    assert found["verdict"] == "warning", "a run does not need it"
    assert nowhere in found["seen"]
    assert "TMPDIR" in found["fix"]
    assert "session hold" in found["fix"]
    for needs, who in (
        (("doctor", *dead, "--pilot", "101", "--roster", "r.csv", "--yes"), "--pilot"),
        (("apply", "r.csv", "--flag", "1", "--gateway", "emulated"), "the emulated gateway"),
        (("emulate",), "the emulated gateway"),
    ):
        refused = inside(tmp_path, *needs)
        assert refused.code == 2, refused.err
        assert f"{who} needs a temporary folder" in refused.err
        assert "set TMPDIR" in refused.err


def test_a_client_certificate_that_has_ended_is_found(tmp_path: Path) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
    authority = trustme.CA()
    leaf = authority.issue_cert("ops.example", not_before=past - dt.timedelta(9), not_after=past)
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    with emulated(tmp_path, "101-110") as gateway:
        given = ("--gateway", gateway.url, "--ca-file", gateway.ca_file)
        ended = inside(tmp_path, "doctor", *given, "--client-cert", "client.pem", "--json")
    found = _found(ended)["client certificate"]
    assert found["verdict"] == "failed"
    assert "ended 3 days ago" in found["seen"]


def test_a_stale_guid_and_a_ledger_that_cannot_be_are_found(tmp_path: Path) -> None:
    roster = tmp_path / "stale.csv"
    roster.write_text("agent,guid\n103,11111111-1111-1111-1111-111111111111.AgentGateway1\n")
    with emulated(tmp_path, "101-110") as gateway:
        given = ("--gateway", gateway.url, "--ca-file", gateway.ca_file, "--roster", roster)
        ended = inside(tmp_path, "doctor", *given, "--ledger", ".", "--json")
    found = _found(ended)
    assert found["GUID from roster"]["verdict"] == "warning"
    assert found["ledger"]["verdict"] == "failed"
    assert ended.code == 2
    assert "11111111" not in ended.out + ended.err


def test_a_pilot_is_asked_for_and_sets_one_agent_twice(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        given = ("--gateway", gateway.url, "--ca-file", gateway.ca_file, "--roster", gateway.roster)
        asked = bulkagent(tmp_path, "doctor", *given, "--pilot", 103)
        assert asked.code == 2
        assert "agent 103 on" in asked.err
        assert "nothing was sent" in asked.err
        assert _set_at(gateway) == []
        flown = bulkagent(tmp_path, "doctor", *given, "--pilot", 103, "--yes", "--json")
        assert flown.code == 0, flown.err
        assert _set_at(gateway) == [("103", 0), ("103", 1)]
        assert flown.json["left_on"]
        assert "000-003" in flown.json["nobodys_guid"]
        assert bulkagent(tmp_path, "runs", "--json").json["runs"][0]["note"] == "doctor --pilot"
        told = bulkagent(tmp_path, "doctor", *given, "--pilot", 103, "--yes")
        assert all(line.startswith("#") for line in told.out.splitlines())
        nobody = bulkagent(tmp_path, "doctor", *given, "--pilot", 999, "--yes")
        assert nobody.code == 2
        assert "has no GUID of agent 999; nothing was sent" in nobody.err


def test_a_pilot_sees_whether_the_skill_queue_follows(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        flown = bulkagent(
            tmp_path,
            *("doctor", "--gateway", gateway.url, "--ca-file", gateway.ca_file, "--pilot", 103),
            *("--sessions", gateway.roster, "--verify-with", "105:1", "--yes", "--json"),
        )
    assert flown.code == 0, flown.err
    assert [step["seen"] for step in flown.json["steps"]] == ["yes", "yes"]
    assert 'verify_with = ["105:1"]\nverify_again_after = "none"' in flown.json["settings"]


def test_a_pilot_that_cannot_be_set_back_is_said_loudly(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        'seed = 1\n[[faults]]\nkind = "retcode"\nretcode = "100-009"\nshare = 1\nagents = "103"\n'
    )
    with emulated(tmp_path, "101-110", "--scenario", "s.toml") as gateway:
        given = ("--gateway", gateway.url, "--ca-file", gateway.ca_file, "--roster", gateway.roster)
        flown = bulkagent(tmp_path, "doctor", *given, "--pilot", 103, "--yes")
    assert flown.code == 4
    assert "WARNING agent 103 may have been LEFT without calls" in flown.err


@pytest.mark.parametrize("given", [(), ("--gateway", "north")])
def test_without_a_gateway_there_is_nothing_to_examine(
    tmp_path: Path, given: tuple[str, ...]
) -> None:
    ended = inside(tmp_path, "doctor", *given)
    assert (ended.code, ended.out) == (2, "")
    assert "gateway" in ended.err


@pytest.mark.matrix
def test_a_pilot_that_is_stopped_in_between_leaves_nobody_off(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        'seed = 1\n[latency]\ndistribution = "fixed"\nmilliseconds = 400\n'
    )
    with emulated(tmp_path, "101-110", "--scenario", "s.toml") as gateway:
        given = ("--gateway", gateway.url, "--ca-file", gateway.ca_file, "--roster", gateway.roster)
        # An agent in doubt waits for twice the timeout before the opposite is asked for.
        quick = ("--timeout", "3s", "--connect-timeout", "2s")
        with started(tmp_path, "doctor", *given, *quick, "--pilot", 103, "--yes") as process:
            while not gateway.judge("stats")["requests"]:
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            pasted, said = process.communicate(timeout=HANG_S)
        assert process.returncode == 143, said
        assert "stopped before the agent was set to 0" in pasted
        assert "stopped; agent 103 has been set to 1" in said
        assert _set_at(gateway) in ([("103", 0), ("103", 1)], [("103", 1)])
        assert {
            agent["agent_id"] for agent in gateway.judge("agents") if not agent["talk_right"]
        } == set()
