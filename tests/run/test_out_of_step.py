"""A stray reply on a keep-alive connection: nobody who was refused is `applied` in the end.

The gateway here sends one reply too many, a "0", at moments of its own choosing. Its replies say
nothing of whom they are about, so what it truly said is kept beside it.

Proves guide "Replies out of step".
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import bulkagent
from bulkagent import Outcome, Request, RunResult, Settings, Status
from bulkagent.gateway import connection_pool
from bulkagent.run import Consent, Run
from tests.gateway.raw import GUID, SUCCESS, ca_pem, http, server_context

REFUSED = b'{"retcode":"100-006","message":"agent not login"}'
HIDDEN = 100
When = Callable[[int, int], float | None]
"""After which seconds a reply too many comes, by connection and request; None: none comes."""


class Straying:
    """A gateway that refuses some agents, and sends replies too many.

    On connections up to the number `late` every reply waits for the next request, and for the
    hundredth it does not; a "0" too many answers the first.
    """

    def __init__(self, refused: range, when: When, late: int) -> None:
        self.url = ""
        self.connections = 0
        self.requests: list[int] = []
        self.set: set[int] = set()
        self._refused = refused
        self._when = when
        self._late = late
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        self._writers.append(writer)
        request = 0
        held = b""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                request += 1
                agent = int(head.partition(b"/onlineagent/")[2].partition(b"/")[0])
                self.requests.append(agent)
                refused = agent in self._refused
                if not refused:
                    self.set.add(agent)
                after_s = self._when(connection, request)
                reply = http(REFUSED if refused else SUCCESS).reply
                if connection <= self._late:
                    writer.write(held or http().reply)
                    held = reply
                    if request == HIDDEN:
                        loop.call_later(0.03, writer.write, held)
                    continue
                writer.write(reply + http().reply if after_s == 0 else reply)
                if after_s:
                    loop.call_later(after_s, self._stray, writer)

    def _stray(self, writer: asyncio.StreamWriter) -> None:
        if not writer.transport.is_closing():
            writer.write(http().reply)

    def end(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def straying(
    refused: range, when: When = lambda _connection, _request: None, *, late: int = 0
) -> AsyncIterator[Straying]:
    async with listening(Straying(refused, when, late)) as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def listening(gateway: Straying) -> AsyncIterator[Straying]:
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", ssl=server_context())
    gateway.url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        server.close()
        gateway.end()
        for _ in range(3):
            await asyncio.sleep(0)


def asked(gateway: Straying, folder: Path, roster: str, **more: Any) -> Request:
    path = folder / "roster.csv"
    path.write_text(roster)
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(ca_pem())
    given: dict[str, Any] = {
        "concurrency": 16,
        "per_second": None,
        "halt_first": 0,
        "retry_for_s": 0.0,
    }
    given |= {"ledger": folder / "ledger.sqlite3", "connect_timeout_s": 30.0, "timeout_s": 60.0}
    return Request(
        roster=str(path),
        gateway=gateway.url,
        flag=None if "flag" in roster else 0,
        ca_file=ca_file,
        reports=(folder / "report.csv",),
        events=folder / "events.jsonl",
        log_file=folder / "log.jsonl",
        settings=Settings(**{**given, **more}),
    )


async def applied(
    gateway: Straying,
    folder: Path,
    roster: str,
    settled: Callable[[Outcome], None] | None = None,
    **more: Any,
) -> RunResult:
    request = asked(gateway, folder, roster, **more)
    return await bulkagent.apply(
        request.roster, gateway=gateway.url, request=request, agree=True, settled=settled
    )


def of(agents: range) -> str:
    return "agent,guid\n" + "".join(f"{agent},{GUID}\n" for agent in agents)


def statuses(folder: Path) -> dict[int, str]:
    with (folder / "report.csv").open(encoding="utf-8-sig") as report:
        return {int(line["agent_id"]): line["status"] for line in csv.DictReader(report)}


AGENTS = range(1001, 1101)
DELAYS: dict[str, When] = {
    "0": lambda _connection, _request: 0,
    "0.2 ms": lambda _connection, _request: 0.0002,
    "1 ms": lambda _connection, _request: 0.001,
    "5 ms": lambda _connection, _request: 0.005,
    "0 to 10 ms": lambda connection, request: (
        random.Random(connection * 1_000 + request).random() / 100
    ),
}


@pytest.mark.matrix
@pytest.mark.parametrize("delay", DELAYS)
async def test_nobody_who_was_refused_is_applied_when_every_reply_brings_a_stray_one(
    tmp_path: Path, delay: str
) -> None:
    told: list[Outcome] = []
    async with straying(AGENTS, DELAYS[delay]) as gateway:
        result = await applied(gateway, tmp_path, of(AGENTS), told.append)
    assert result.totals[Status.APPLIED] == 0
    assert "applied" not in statuses(tmp_path).values()
    latest = {outcome.row: outcome.status for outcome in told}
    assert len(latest) == len(AGENTS), result
    assert Status.APPLIED not in latest.values()


@pytest.mark.parametrize("concurrency", [2, pytest.param(12, marks=pytest.mark.matrix)])
@pytest.mark.parametrize("close", [False, True])
async def test_nobody_who_was_refused_is_applied_when_a_stray_reply_comes_before_each_true_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concurrency: int, *, close: bool
) -> None:
    """The true one comes later than a stray answer took, also after `Connection: close`."""
    monkeypatch.setattr(connection_pool, "_LEAST_AT_UNSOUND_S", 0.4)
    late_s = 0.05 if close or concurrency > 2 else 0.15
    agents = range(1001, 1013)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = [b"Connection: close"] if close else []
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(http(SUCCESS, *headers).reply)
                await asyncio.sleep(late_s)
                writer.write(http(REFUSED, *headers).reply)

    gateway = Straying(agents, DELAYS["0"], 0)
    monkeypatch.setattr(gateway, "serve", serve)
    async with listening(gateway):
        result = await applied(gateway, tmp_path, of(agents), concurrency=concurrency)
    assert result.totals[Status.APPLIED] == 0
    assert "applied" not in statuses(tmp_path).values()


async def test_one_stray_reply_that_hides_for_a_hundred_requests_puts_all_of_them_in_doubt(
    tmp_path: Path,
) -> None:
    """It comes early on one connection, which then answers each request with what was said before.

    Each reply comes just after the next request is written, so that nothing ever lies about.
    """
    refused = range(1050, 1101)
    told: list[Outcome] = []
    async with straying(refused, late=2) as gateway:
        result = await applied(gateway, tmp_path, of(range(1001, 1101)), told.append, concurrency=1)
    found = statuses(tmp_path)
    assert [agent for agent in refused if found[agent] == "applied"] == []
    assert all(found[agent] == "applied" for agent in range(1001, 1050))
    assert gateway.set == set(range(1001, 1050))
    assert result.totals[Status.APPLIED] == 49
    assert Counter(outcome.row for outcome in told) == dict.fromkeys(range(2, 102), 2)
    assert result.requests == len(gateway.requests) == 200
    assert result.retries == 100
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert Counter(event["row"] for event in events) == dict.fromkeys(range(2, 102), 2)
    assert [event["status"] for event in events if event["agent_id"] == "1050"] == [
        "applied",
        "unknown",
    ]
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    (found_out,) = [line for line in log if line["event"] == "gateway.out_of_step"]
    assert found_out["agents"] == 100


async def test_the_summary_says_what_was_done_about_a_stray_reply(tmp_path: Path) -> None:
    async with straying(
        range(0), lambda _connection, request: 0 if request == 3 else None
    ) as gateway:
        run = Run(asked(gateway, tmp_path, of(range(1001, 1007)), concurrency=1))
        with run:
            prepared = await asyncio.to_thread(run.prepare)
            finished = await prepared.execute(Consent.PROGRAM)
    assert finished.result_or_defect().exit_code == 0
    assert "belonged to no request. The answers to 3 agents were put in doubt" in finished.note
    assert "each connection has carried one request since" in finished.note
    # Three on the first connection and once more, three by themselves; one more looked ahead.
    assert gateway.connections == 1 + 1 + 3 + 3


async def test_a_handover_with_stray_replies_ends_with_nobody_set_who_was_refused(
    tmp_path: Path,
) -> None:
    """Gate and floor, events, the log and the summary go by what is known in the end."""
    refused = range(1030, 1060)
    roster = "agent,guid,flag\n" + "".join(
        f"{agent},{GUID},{int(agent < 1050)}\n" for agent in range(1001, 1101)
    )
    told: list[Outcome] = []
    async with straying(refused, DELAYS["1 ms"]) as gateway:
        await applied(gateway, tmp_path, roster, told.append, gate=0.5, floor=0.5, concurrency=4)
    found = statuses(tmp_path)
    assert [agent for agent in refused if found[agent] == "applied"] == []
    assert {agent for agent, status in found.items() if status == "applied"} <= gateway.set
    assert {agent: found[agent] for agent in range(1001, 1030)} == dict.fromkeys(
        range(1001, 1030), "applied"
    )
    latest = {outcome.row: outcome.status.value for outcome in told}
    assert latest == {
        agent - 999: status for agent, status in found.items() if agent - 999 in latest
    }
