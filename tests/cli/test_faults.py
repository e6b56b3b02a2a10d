"""Every fault of a gateway ends as the documented table says, and as its own record has it.

README: A lost answer is `unknown`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from bulkagent.emulator.faults.scenario import FaultKind
from bulkagent.gateway.retcodes import MEANINGS
from tests.cli.command import bulkagent, emulated, report_of
from tests.cli.sockets import configure, expired, meanwhile, served, speak_plainly, write_ca
from tests.gateway.raw import authority, raw_gateway, server_context

MOST = 4  # --max-attempts: one more than what is tried twice more
SLOWER_MS = 400


class End(NamedTuple):
    """What the report has to say of an agent, and whether the gateway has set it."""

    status: str
    cause: str
    retcode: str
    http_status: str
    attempts: int
    set: bool


class Case(NamedTuple):
    kind: str
    more: dict[str, object]
    end: End


def applied(after: int) -> End:
    return End("applied", "", "0", "200", after, True)


def refused(status: str, cause: str, retcode: str, attempts: int) -> End:
    return End(status, cause, retcode, "200", attempts, False)


def in_doubt(
    cause: str, attempts: int, *, http_status: str = "", retcode: str = "", done: bool = False
) -> End:
    return End("unknown", cause, retcode, http_status, attempts, done)


FAULTS = [
    Case("reset_before", {}, in_doubt("reset", MOST)),
    Case("reset_before", {"per_agent": 2}, applied(3)),
    Case("reset_after", {}, in_doubt("reset", MOST, done=True)),
    Case("reset_after", {"per_agent": 1}, applied(2)),
    Case("lost_answer", {}, in_doubt("reset", MOST, done=True)),
    Case("lost_answer", {"per_agent": 1}, applied(2)),
    Case(  # the agent is set, and a gateway that has let go of the GUID says no to the retry
        "lost_answer",
        {"retcode": "000-003"},
        in_doubt("reset", 2, http_status="200", retcode="000-003", done=True),
    ),
    Case(
        "lost_answer",
        {"retcode": "100-009"},
        in_doubt("reset", 2, http_status="200", retcode="100-009", done=True),
    ),
    Case("lost_answer", {"retcode": "105-003", "per_agent": 1}, applied(3)),
    Case("unavailable", {}, in_doubt("overloaded", MOST, http_status="503")),
    Case("unavailable", {"retry_after": "soon"}, in_doubt("overloaded", MOST, http_status="503")),
    Case("unavailable", {"per_agent": 1, "retry_after": "0"}, applied(2)),
    Case("unavailable", {"status": 500}, in_doubt("gateway_error", MOST, http_status="500")),
    Case("unavailable", {"status": 502}, in_doubt("gateway_error", MOST, http_status="502")),
    Case("unavailable", {"status": 504, "per_agent": 1}, applied(2)),
    Case("too_many", {}, End("failed", "overloaded", "", "429", MOST, False)),
    Case("too_many", {"per_agent": 2}, applied(3)),
    Case("slow", {"milliseconds": SLOWER_MS}, applied(1)),
    Case("truncated", {}, in_doubt("bad_reply", MOST, done=True)),
    Case("truncated", {"per_agent": 1}, applied(2)),
    Case("oversized", {}, in_doubt("bad_reply", 3, http_status="200", done=True)),
    Case("oversized", {"per_agent": 1}, applied(2)),
    Case("not_json", {}, in_doubt("bad_reply", 3, http_status="200")),
    Case("html", {}, in_doubt("bad_reply", 3, http_status="200")),
    Case("html", {"per_agent": 2}, applied(3)),
    Case("no_retcode", {}, in_doubt("bad_reply", 3, http_status="200")),
    Case("redirect", {}, in_doubt("bad_reply", 1, http_status="302")),
    Case("gbk", {}, refused("rejected", "not_permitted", "100-009", 1)),
    Case("gbk", {"retcode": "000-004", "per_agent": 1}, applied(2)),
    Case("loose", {}, applied(1)),
    Case("no_effect", {}, applied(1)._replace(set=False)),
    Case("retcode", {"retcode": "000-004", "per_agent": 1}, applied(2)),
    Case("retcode", {"retcode": "100-007", "per_agent": 3}, applied(4)),
    Case("retcode", {"retcode": "999-999"}, refused("rejected", "unlisted_retcode", "999-999", 1)),
    Case("retcode", {"retcode": "000-999"}, refused("rejected", "unlisted_retcode", "000-999", 1)),
]

# By hand, from the documents; what is not here must be as the product's own table has it.
RETCODES = {
    "000-000": ("failed", "gateway_error", 2),
    "000-002": ("rejected", "bad_parameter", 1),
    "000-003": ("failed", "guid_refused", 1),
    "000-004": ("failed", "switch_over", MOST),
    "000-006": ("rejected", "bad_parameter", 1),
    "100-004": ("rejected", "refused", 1),
    "100-006": ("failed", "not_signed_in", 1),
    "100-007": ("failed", "gateway_error", MOST),
    "100-008": ("failed", "not_signed_in", 1),
    "100-009": ("rejected", "not_permitted", 1),
    "105-001": ("failed", "switch_over", 1),
    "105-002": ("failed", "switch_over", MOST),
    "105-003": ("failed", "switch_over", 2),
    "105-004": ("failed", "switch_over", MOST),
    "105-005": ("failed", "switch_over", 1),
    "105-006": ("failed", "switch_over", 1),
    "105-007": ("failed", "switch_over", 1),
}
WELL = range(101, 121)
SIGNED_OUT = range(121, 124)
# Two well agents after each other one, and more at the end, at a rate: a gateway that gives nothing
# but faults for a while is one that is down, and is probed ever more seldom.
EACH = 3
WELL_AFTERWARDS = 300
RATE = "80/s"


def by_the_product(code: str) -> tuple[str, str, int]:
    known = MEANINGS[code].disposition
    attempts = MOST if known.retries is None else min(MOST, known.retries + 1)
    return known.status, known.cause or "", attempts


def planned() -> tuple[str, dict[str, End]]:
    """The scenario, and each agent's end in it."""
    cases = list(FAULTS)
    for code in MEANINGS:
        if code != "0":
            status, cause, attempts = RETCODES.get(code) or by_the_product(code)
            end = refused(status, cause, code, attempts)
            cases.append(Case("retcode", {"retcode": code}, end))
    text = [f'[agents]\nsigned_out = "{SIGNED_OUT[0]}-{SIGNED_OUT[-1]}"\n']
    ends = {str(agent): applied(1) for agent in WELL}
    ends |= {str(n): refused("failed", "not_signed_in", "100-006", 1) for n in SIGNED_OUT}
    last = SIGNED_OUT.stop + EACH * len(cases)
    ends |= {str(agent): applied(1) for agent in range(SIGNED_OUT.stop, last + WELL_AFTERWARDS)}
    for agent, case in zip(range(SIGNED_OUT.stop, last, EACH), cases, strict=True):
        ends[str(agent)] = case.end
        keys = {"kind": case.kind, "share": 1, "agents": str(agent), **case.more}
        told = (f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        text.append("[[faults]]\n" + "".join(told))
    return "".join(text), ends


@pytest.mark.matrix
def test_every_fault_and_every_retcode_ends_as_the_table_says(tmp_path: Path) -> None:
    """Also where the gateway's own record of whom it has set says what a report could not know."""
    scenario, ends = planned()
    (tmp_path / "faults.toml").write_text(scenario)
    agents = f"{WELL[0]}-{WELL[0] + len(ends) - 1}"
    with emulated(tmp_path, agents, "--scenario", "faults.toml") as gateway:
        limits = [
            "--max-attempts",
            MOST,
            "--retry-for",
            "1ms",
            "--rate",
            RATE,
            "--concurrency",
            64,
        ]
        address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file]
        ended = bulkagent(
            tmp_path, "apply", "r.csv", "--flag", 0, *address, *limits, "--yes", "--json"
        )
        stats = gateway.judge("stats")
        judged = {agent["agent_id"]: agent for agent in gateway.judge("agents")}
    assert set(stats["faults"]) == set(FaultKind), "the table of this test has every kind"
    lines = {line["agent_id"]: line for line in report_of(tmp_path, ended.json)}
    found = {
        agent: End(
            line["status"],
            line["cause"],
            line["retcode"],
            line["http_status"],
            int(line["attempts"]),
            bool(judged[agent]["times_set"]),
        )
        for agent, line in lines.items()
    }
    wrong = {agent: (found[agent], ends[agent]) for agent in ends if found[agent] != ends[agent]}
    assert not wrong
    assert found.keys() == ends.keys()
    for agent, end in found.items():
        assert end.status != "applied" or judged[agent]["talk_right"] == (0 if end.set else 1)
        assert end.status in {"applied", "unknown"} or judged[agent]["talk_right"] in {1, None}
    assert all(line["message"] for agent, line in lines.items())
    (held,) = (end for end in FAULTS if end.kind == "slow")
    slow = lines[str(SIGNED_OUT.stop + EACH * FAULTS.index(held))]
    assert float(slow["latency_ms"]) >= SLOWER_MS
    assert "座席状态无法设置" in {line["message"] for line in lines.values()}
    assert ended.code == ended.json["exit_code"] == 3, ended.err
    totals = {status: count for status, count in ended.json["totals"].items() if count}
    assert totals == Counter(end.status for end in ends.values())
    assert ended.json["causes"] == Counter(end.cause for end in ends.values() if end.cause)
    requests = sum(end.attempts for end in ends.values())
    assert ended.json["requests"] == stats["requests"] == requests
    assert ended.json["retries"] == requests - len(ends)


async def test_what_no_retry_would_change_is_refused_and_leaves_no_run(tmp_path: Path) -> None:
    """No trust, no such name, no TLS: exit 2, nothing sent, no report, nothing in the ledger."""
    import trustme

    ca_file = write_ca(tmp_path)
    (tmp_path / "other-ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    (tmp_path / "r.csv").write_text("agent_id,guid\n101,a\n102,b\n103,c\n")
    misnamed = server_context(authority().issue_cert("another.example"))
    async with (
        raw_gateway() as right,
        raw_gateway(context=server_context(expired())) as late,
        raw_gateway(context=misnamed) as other,
        served(speak_plainly) as plain,
    ):
        cases = [
            (right.url, tmp_path / "other-ca.pem", "--ca-file"),
            (late.url, ca_file, "expired"),
            (other.url, ca_file, "--tls-server-name"),
            ("https://gateway.invalid:8043", ca_file, "no address"),
            (f"https://127.0.0.1:{plain}", ca_file, "no TLS connection"),
        ]
        refusals = await asyncio.gather(
            *(
                meanwhile(
                    tmp_path,
                    *("apply", "r.csv", "--flag", 0, "--yes", "--json", "--report", "x.csv"),
                    *("--gateway", url, "--ca-file", trusted),
                )
                for url, trusted, _ in cases
            )
        )
        assert right.requests == late.requests == other.requests == []
    for (url, _, words), ended in zip(cases, refusals, strict=True):
        assert ended.code == 2, (url, ended.err)
        assert "nothing was sent" in ended.err
        assert words in ended.json["error"]
        assert (ended.json["state"], ended.json["exit_code"]) == ("refused", 2)
        assert ended.json["requests"] == 0
        assert ended.json["reports"] == []
    assert (tmp_path / "x.csv").read_text().startswith("REFUSED,")
    assert not list(tmp_path.glob(".bulkagent-*"))
    again = bulkagent(tmp_path, "report", "last", "--to", "x.csv")
    assert again.code == 2
    assert "no run" in again.err
    told = [(ended.json["rows"], ended.json["totals"]["not_attempted"]) for ended in refusals]
    assert told == [(3, 3)] * len(cases)


async def test_one_gateway_that_cannot_be_trusted_keeps_all_from_being_sent(
    tmp_path: Path,
) -> None:
    """Half a shift would be set otherwise, and the file would have to be cut in two."""
    misnamed = server_context(authority().issue_cert("another.example"))
    async with raw_gateway() as good, raw_gateway(context=misnamed) as bad:
        configure(tmp_path, {"bad": bad.url, "good": good.url})
        (tmp_path / "r.csv").write_text("agent_id,guid,gateway\n101,a,\n102,b,bad\n")
        ended = await meanwhile(
            tmp_path, "apply", "r.csv", "--flag", 0, "--yes", "--gateway", "good"
        )
        assert good.requests == bad.requests == []
    assert ended.code == 2, ended.err
