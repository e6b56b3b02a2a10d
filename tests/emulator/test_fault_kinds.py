"""Each kind of fault over HTTPS: what the client gets, and whether the agent was set.

Proves guide "Kinds of faults".
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkagent.emulator import EmulatedGateway, FaultKind, Latency, Scenario, ScenarioFault
from bulkagent.emulator.faults.kinds import FAULTS
from bulkagent.emulator.faults.scenario_file import load_scenario
from tests.emulator.conftest import FakeTime
from tests.emulator.wire import Received, ask, connected, settalkright

SAMPLES = Path(__file__).parents[2] / "samples" / "scenarios"


async def strike(fault: ScenarioFault, requests: int = 1) -> tuple[list[Received], EmulatedGateway]:
    """What comes of requests that meet the fault, and the gateway afterwards."""
    fake_time = FakeTime()
    async with EmulatedGateway(
        Scenario(seed=7, faults=(fault,)),
        agent_ids=[101],
        clock=fake_time.clock,
        sleep=fake_time.sleep,
    ) as gateway:
        guid = gateway.sign_in("101")
        received = [await ask(gateway, settalkright("101", guid)) for _ in range(requests)]
    return received, gateway


KEYS: dict[FaultKind, dict[str, str | float]] = {
    FaultKind.RETCODE: {"retcode": "000-004"},
    FaultKind.SLOW: {"milliseconds": 2000.0},
}


def plain(kind: FaultKind) -> ScenarioFault:
    keys = KEYS.get(kind, {})
    return ScenarioFault(
        kind=kind,
        share=1,
        retcode=str(keys["retcode"]) if "retcode" in keys else None,
        milliseconds=float(keys["milliseconds"]) if "milliseconds" in keys else None,
    )


@pytest.mark.parametrize("kind", FaultKind)
async def test_a_request_is_processed_as_the_table_says(kind: FaultKind) -> None:
    _, gateway = await strike(plain(kind))
    assert gateway.agents()[0].times_set == int(FAULTS[kind].processed)
    stats = gateway.stats()
    assert stats.faults == {kind: 1}
    assert (stats.requests, stats.in_flight) == (1, 0)


async def test_retcode() -> None:
    fault = ScenarioFault(
        kind=FaultKind.RETCODE, share=1, retcode="000-004", message="switching \x1b[2J"
    )
    (received,), gateway = await strike(fault)
    assert received.status == 200
    assert received.json == {"result": {}, "message": "switching \x1b[2J", "retcode": "000-004"}
    assert gateway.stats().answered == {"000-004": 1}


@pytest.mark.parametrize(
    "kind", [FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.LOST_ANSWER]
)
async def test_resets(kind: FaultKind) -> None:
    (received,), gateway = await strike(plain(kind))
    assert received.status == 0
    assert gateway.stats().answered == {}


async def test_no_effect_is_told_as_a_success() -> None:
    (received,), gateway = await strike(plain(FaultKind.NO_EFFECT))
    assert received.json == {"result": {}, "message": "success", "retcode": "0"}
    assert gateway.agents()[0].talk_right == 1


async def test_lost_answer_owes_its_retcode_to_the_next_request() -> None:
    fault = ScenarioFault(kind=FaultKind.LOST_ANSWER, share=1, retcode="000-007", per_agent=1)
    (lost, owed, right), gateway = await strike(fault, requests=3)
    assert lost.status == 0
    assert owed.json["message"] == "the interface is called repeatedly"
    assert (owed.retcode, right.retcode) == ("000-007", "0")
    assert gateway.agents()[0].times_set == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_unavailable(status: int) -> None:
    fault = ScenarioFault(kind=FaultKind.UNAVAILABLE, share=1, status=status, retry_after="2")
    (received,), _ = await strike(fault)
    assert (received.status, received.headers["retry-after"]) == (status, "2")
    assert received.headers["content-type"].startswith("text/html")
    (received,), _ = await strike(ScenarioFault(kind=FaultKind.UNAVAILABLE, share=1))
    assert received.status == 503
    assert "retry-after" not in received.headers


async def test_slow() -> None:
    fake_time = FakeTime()
    scenario = Scenario(latency=Latency(milliseconds=5), faults=(plain(FaultKind.SLOW),))
    async with EmulatedGateway(scenario, clock=fake_time.clock, sleep=fake_time.sleep) as gateway:
        guid = gateway.sign_in("101")
        assert (await ask(gateway, settalkright("101", guid))).retcode == "0"
    assert fake_time.slept == [2.005]


async def test_truncated() -> None:
    (received,), gateway = await strike(plain(FaultKind.TRUNCATED))
    assert received.status == 200
    assert not received.whole
    assert received.body == b'{"result":{},"message":'
    assert int(received.headers["content-length"]) == 47
    assert gateway.stats().answered == {}


async def test_oversized() -> None:
    (received,), _ = await strike(plain(FaultKind.OVERSIZED))
    assert received.whole
    assert received.retcode == "0"
    assert len(received.body) > 64 * 1024


async def test_not_json() -> None:
    (received,), _ = await strike(plain(FaultKind.NOT_JSON))
    assert (received.status, received.body) == (200, b"OK")
    assert received.headers["content-type"].startswith("text/plain")


async def test_html() -> None:
    (received,), _ = await strike(plain(FaultKind.HTML))
    assert received.status == 200
    assert received.headers["content-type"].startswith("text/html")
    assert b"sign in" in received.body


async def test_redirect() -> None:
    (received,), _ = await strike(plain(FaultKind.REDIRECT))
    assert received.status == 302
    assert received.headers["location"] == "https://elsewhere.invalid/sign-in"


async def test_too_many() -> None:
    fault = ScenarioFault(
        kind=FaultKind.TOO_MANY, share=1, retry_after="Fri, 31 Dec 1999 23:59:59 GMT"
    )
    (received,), _ = await strike(fault)
    assert received.status == 429
    assert received.headers["retry-after"] == "Fri, 31 Dec 1999 23:59:59 GMT"


async def test_no_retcode() -> None:
    (received,), _ = await strike(plain(FaultKind.NO_RETCODE))
    assert received.json == {"message": "success", "result": {}}


async def test_gbk() -> None:
    (received,), gateway = await strike(plain(FaultKind.GBK))
    assert received.headers["content-type"] == "application/json; charset=GBK"
    with pytest.raises(UnicodeDecodeError):
        received.body.decode()
    said = json.loads(received.body.decode("gbk"))
    assert said == {"result": {}, "message": "座席状态无法设置", "retcode": "100-009"}
    assert gateway.stats().answered == {"100-009": 1}


async def test_loose() -> None:
    (received,), _ = await strike(plain(FaultKind.LOOSE))
    assert received.headers["transfer-encoding"] == "chunked"
    assert received.json == {"retcode": 0, "msg": "success"}


async def test_loose_without_chunks_for_http_1_0() -> None:
    async with EmulatedGateway(Scenario(faults=(plain(FaultKind.LOOSE),))) as gateway:
        post = settalkright("101", gateway.sign_in("101")).replace(b"HTTP/1.1", b"HTTP/1.0")
        async with connected(gateway) as wire:
            await wire.send(post)
            assert (await wire.reader.read()).endswith(b'\r\n\r\n{"retcode":0,"msg":"success"}')


async def test_a_processed_request_may_be_refused_under_a_fault() -> None:
    async with EmulatedGateway(Scenario(faults=(plain(FaultKind.LOOSE),))) as gateway:
        received = await ask(gateway, settalkright("101", "any"))
        assert received.json == {"retcode": "100-006", "msg": "agent not login"}


async def test_a_request_for_no_agent_meets_no_fault() -> None:
    async with EmulatedGateway(Scenario(faults=(plain(FaultKind.RESET_BEFORE),))) as gateway:
        assert (await ask(gateway, settalkright("60000", "any"))).retcode == "000-002"
        assert gateway.stats().faults == {}


async def rough_morning() -> tuple[list[object], list[tuple[str, str]]]:
    fake_time = FakeTime()
    seen: list[object] = []
    async with EmulatedGateway(
        load_scenario(SAMPLES / "rough_morning.toml"),
        agent_ids=range(1001, 1041),
        clock=fake_time.clock,
        sleep=fake_time.sleep,
    ) as gateway:
        roster = list(gateway.roster())
        for agent_id, guid in roster * 3:
            received = await ask(gateway, settalkright(agent_id, guid))
            seen.append((agent_id, received.status, received.whole, received.body))
    return seen, roster


async def test_a_seeded_scenario_repeats_itself_to_the_byte() -> None:
    first = await rough_morning()
    assert first == await rough_morning()
    statuses = {row[1] for row in first[0] if isinstance(row, tuple)}
    assert {0, 200} < statuses


async def test_a_connection_lives_on_after_faults_that_spare_it() -> None:
    faults = (ScenarioFault(kind=FaultKind.TOO_MANY, share=1, per_agent=2),)
    async with EmulatedGateway(Scenario(faults=faults)) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as wire:
            statuses = [(await wire.exchange(post)).status for _ in range(3)]
    assert statuses == [429, 429, 200]
