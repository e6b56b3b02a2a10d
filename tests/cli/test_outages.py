"""Connections and gateways that go away: told as they are, waited out, or resumed.

Proves --timeout, --connect-timeout, --retry-for, --max-attempts, and --port of emulate; guide
"Retries", "The circuit breaker".
"""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.command import Emulated, Ended, bulkagent, emulated, report_of
from tests.cli.sockets import (
    changing_certificate,
    configure,
    hang_up,
    meanwhile,
    mute,
    nobody_at,
    served,
)
from tests.gateway.raw import Say, Then, http, raw_gateway, server_context

SAME_GUIDS = "seed = 11\n"


def apply_to(gateway: Emulated, *more: object) -> Ended:
    address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file]
    return bulkagent(
        gateway.folder,
        *("apply", gateway.roster, "--flag", 0, *address, "--yes", "--json"),
        *("--rate", "none", *more),
    )


def resume(folder: Path, *more: object) -> Ended:
    return bulkagent(folder, "resume", "last", "--yes", "--json", *more)


def ends(folder: Path, ended: Ended) -> Counter[tuple[str, str, str]]:
    """How many rows have which status, cause and number of attempts."""
    return Counter(
        (line["status"], line["cause"], line["attempts"]) for line in report_of(folder, ended.json)
    )


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


@pytest.mark.matrix
def test_a_gateway_that_was_down_is_resumed_when_it_is_back(tmp_path: Path) -> None:
    """Refused connections: some find out, the others are spared; then all are set."""
    (tmp_path / "same.toml").write_text(SAME_GUIDS)
    scenario = ["--scenario", "same.toml"]
    with emulated(tmp_path, "101-140", *scenario) as before:
        port = urlsplit(before.url).port
        roster = before.roster.read_text()
    assert port is not None
    with nobody_at(port):
        down = apply_to(before, "--give-up-after", "1s")
        again = resume(tmp_path)
    for ended in (down, again):
        assert ended.code == ended.json["exit_code"] == 5, ended.err
        assert ended.json["state"] == "interrupted"
        failed, untouched = ended.json["totals"]["failed"], ended.json["totals"]["not_attempted"]
        assert ended.json["causes"] == {"connect": failed, "breaker_open": untouched}
        assert failed + untouched == 40
        assert ended.json["next"] == f"bulkagent resume {down.json['run_id']}"
        assert ended.json["next"] in ended.err
        assert "there was no answer at all" in ended.err
    assert 10 <= down.json["totals"]["failed"] <= again.json["totals"]["failed"]
    with emulated(tmp_path, "101-140", *scenario, "--port", port) as back:
        assert back.url == before.url
        assert back.roster.read_text() == roster, "the same seed gives the same GUIDs"
        up = resume(tmp_path)
        assert sorted(back.set_to(0)) == numbers(101, 140)
        assert back.judge("stats")["requests"] == 40
    assert up.code == 0, up.err
    assert up.json["run_id"] == again.json["run_id"] == down.json["run_id"]
    assert up.json["totals"]["applied"] == 40
    assert up.json["next"] is None
    assert {(status, cause) for status, cause, _ in ends(tmp_path, up)} == {("applied", "")}


def test_one_bad_node_of_four_leaves_nobody_behind(tmp_path: Path) -> None:
    (tmp_path / "bad_node.toml").write_text(
        """
        [latency]
        distribution = "fixed"
        milliseconds = 5
        [cluster]
        nodes = 4
        [[faults]]
        kind = "reset_before"
        share = 1
        node = 2
        """
    )
    with emulated(tmp_path, "101-250", "--scenario", "bad_node.toml") as gateway:
        ended = apply_to(gateway)
        assert gateway.set_to(0) == numbers(101, 250)
        stats = gateway.judge("stats")
    assert ended.code == 0, ended.err
    assert ended.json["totals"]["applied"] == 150
    assert ended.json["retries"] == stats["faults"]["reset_before"] >= 4
    assert ended.json["requests"] == stats["requests"]


def test_an_outage_of_a_moment_is_bridged_by_retries(tmp_path: Path) -> None:
    """Some in each of the ways in which a gateway goes away, and all of them come through."""
    # By turns, so that the first requests of all meet all of them.
    kinds = ("unavailable", "too_many", "reset_before")
    agents = {kind: ",".join(numbers(101, 130)[at::3]) for at, kind in enumerate(kinds)}
    (tmp_path / "outage.toml").write_text(
        "\n".join(
            f'[[faults]]\nkind = "{kind}"\nagents = "{some}"\nshare = 1\nto_seconds = 0.15\n'
            for kind, some in agents.items()
        )
    )
    with emulated(tmp_path, "101-130", "--scenario", "outage.toml") as gateway:
        ended = apply_to(gateway, "--concurrency", 8)
        assert gateway.set_to(0) == numbers(101, 130)
        stats = gateway.judge("stats")
    assert ended.code == 0, ended.err
    assert ended.json["totals"]["applied"] == 30
    assert set(stats["faults"]) == set(kinds)
    assert ended.json["retries"] == sum(stats["faults"].values()) >= len(kinds)


@pytest.mark.matrix
async def test_every_broken_connection_ends_as_the_table_says(tmp_path: Path) -> None:
    """Never sent is `failed`, and whatever may have arrived is `unknown`."""
    half = http().reply[:-20]
    expected = {
        "refused": ("failed", "connect", "0"),
        "mute": ("failed", "connect", "0"),
        "no_handshake": ("failed", "connect", "0"),
        "changed": ("failed", "tls", "0"),
        "hung_up": ("unknown", "reset", "2"),
        "reset": ("unknown", "reset", "2"),
        "closed": ("unknown", "reset", "2"),
        "silent": ("unknown", "timeout", "2"),
        "stuck": ("unknown", "timeout", "2"),
        "truncated": ("unknown", "bad_reply", "2"),
        "foreign": ("unknown", "bad_reply", "2"),
    }
    scripts = {
        "reset": Say(b"", Then.ABORT),
        "closed": Say(b"", Then.CLOSE),
        "silent": Say(b"", Then.HANG),
        "stuck": Say(half, Then.HANG),
        "truncated": Say(half, Then.CLOSE),
        "foreign": Say(b"SSH-2.0-OpenSSH_9.9\r\n", Then.CLOSE),
    }
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ports = {
            "refused": stack.enter_context(nobody_at()),
            "mute": stack.enter_context(mute()).getsockname()[1],
            "no_handshake": await enter(served(hang_up)),
            "hung_up": await enter(served(hang_up, server_context())),
        }
        changed = await enter(raw_gateway(context=changing_certificate()))
        for name, step in scripts.items():
            ports[name] = (await enter(raw_gateway(step))).port
        urls = {name: f"https://127.0.0.1:{port}" for name, port in ports.items()}
        configure(tmp_path, urls | {"changed": changed.url})
        rows = [f"{agent},guid-{agent},{name}" for name in expected for agent in (101, 102)]
        (tmp_path / "r.csv").write_text("\n".join(["agent_id,guid,gateway", *rows]))
        limits = [
            "--connect-timeout",
            "1200ms",
            "--timeout",
            "1800ms",
            "--max-attempts",
            2,
            "--retry-for",
            "1ms",
        ]
        ended = await meanwhile(
            tmp_path,
            *("apply", "r.csv", "--flag", 1, "--gateway", "refused", "--yes", "--json"),
            *(*limits, "--rate", "none", "--halt-first", 0),
        )
        assert changed.requests == []
    lines = report_of(tmp_path, ended.json)
    found = {
        (line["gateway"], line["agent_id"]): (line["status"], line["cause"], line["attempts"])
        for line in lines
    }
    assert found == {(name, n): end for name, end in expected.items() for n in ("101", "102")}
    assert {line["retcode"] for line in lines} == {""}
    for line in lines:
        sent = line["status"] == "unknown"
        assert (line["first_sent_at"] != "", line["latency_ms"] != "") == (sent, sent), line
    # `requests` is what the gateways could have seen; what sent nothing is `not_sent`.
    told = {name: ended.json[name] for name in ("requests", "retries", "not_sent")}
    assert told == {"requests": 2 * 2 * 7, "retries": 2 * 7, "not_sent": 2 * (2 * 3 + 1)}
    assert "28 requests, 14 of them retries; 14 attempts sent nothing" in ended.err
    assert ended.code == 3, ended.err
    assert ended.json["totals"]["failed"] == 8
    assert ended.json["totals"]["unknown"] == 14


@pytest.mark.matrix
async def test_connections_that_are_closed_under_us_cost_nobody_anything(tmp_path: Path) -> None:
    """Announced, unannounced, or with a request on the way: everyone is applied in the end."""
    agents = range(101, 113)
    drops = 3
    every_other = [http(), Say(b"", Then.ABORT)] * drops + [http()]
    async with (
        raw_gateway(http(then=Then.CLOSE)) as unannounced,
        raw_gateway(http(b'{"retcode":"0"}', b"Connection: close", then=Then.CLOSE)) as announced,
        raw_gateway(http(b'{"retcode":"0"}', b"Keep-Alive: timeout=60", then=Then.CLOSE)) as broken,
        raw_gateway(*every_other) as dropping,
    ):
        gateways = {
            "unannounced": unannounced,
            "announced": announced,
            "broken": broken,
            "dropping": dropping,
        }
        configure(tmp_path, {name: far.url for name, far in gateways.items()})
        rows = [f"{n},guid-{n},{name}" for name in gateways for n in agents]
        (tmp_path / "r.csv").write_text("\n".join(["agent_id,guid,gateway", *rows]))
        ended = await meanwhile(
            tmp_path,
            *("apply", "r.csv", "--flag", 1, "--gateway", "announced", "--yes", "--json"),
            *("--concurrency", 1, "--rate", "none"),
        )
        arrived = {name: len(far.requests) for name, far in gateways.items()}
    assert ended.code == 0, ended.err
    assert ended.json["totals"]["applied"] == len(rows)
    attempts: Counter[str] = Counter()
    for line in report_of(tmp_path, ended.json):
        attempts[line["gateway"]] += int(line["attempts"])
    assert attempts["announced"] == arrived["announced"] == len(agents)
    assert attempts["dropping"] == arrived["dropping"] == len(agents) + drops
    for name in ("unannounced", "broken"):  # what was cut off on its way need not have arrived
        assert attempts[name] >= arrived[name] == len(agents)


def test_the_gateways_are_named_that_a_connection_was_refused_by(tmp_path: Path) -> None:
    """Guide "codes": `connect`. JSON has the keys that programs were promised."""
    (tmp_path / "bulkagent.toml").write_text(
        '[gateways.east]\nurl = "https://localhost:1"\n'
        '[gateways.west]\nurl = "https://localhost:2"\n'
    )
    (tmp_path / "r.csv").write_text(
        "agent_id,guid,gateway\n1001,aaaaaaaa,east\n1002,aaaaaaab,west\n1003,aaaaaaac,west\n"
    )
    limits = ("--yes", "--max-attempts", 1, "--give-up-after", 2)
    ended = bulkagent(tmp_path, "apply", "r.csv", "--flag", 0, *limits, "--report", "r.html")
    assert ended.code == 5
    said = "connection refused by east and west"
    assert f"failed 3 x connect ({said}): 1001, 1002, 1003" in ended.err
    assert f"({said})." in (tmp_path / "r.html").read_text()
    shown = bulkagent(tmp_path, "show", "last", "--json").json
    assert shown["clusters"] == [
        {
            "status": "failed",
            "cause": "connect",
            "count": 3,
            "agents": ["1001", "1002", "1003"],
            "reason": "connection refused",
        }
    ]
