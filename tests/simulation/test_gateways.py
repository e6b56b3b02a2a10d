"""The simulated gateways and the wire to them: each kind of fault does what its docstring says."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from yarl import URL

from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange import Reply
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.faults import Fault as Ended
from tests.jumping import run
from tests.simulation.disk import Disk
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Process
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.surroundings.interface import NotTheInterface
from tests.simulation.surroundings.wire import SimulatedNetwork, SimulatedTransport
from tests.simulation.world import Fault, FaultKind, GatewayModel, SourceKind, World, url_of

EAST = GatewayModel("east", latency_s=0.1, spread=0.0)
ENDPOINT = Endpoint(name="east", url=url_of("east"))
TIMEOUT_S = 2.0


CONTENT = {"Content-Type": "application/json; charset=UTF-8"}


def world_of(model: GatewayModel, *faults: Fault, source_faults: tuple[Fault, ...] = ()) -> World:
    return World(
        seed=7,
        profile="calm",
        rosters=(),
        gateways=(model,),
        faults=faults,
        source=SourceKind.SERVICE,
        source_faults=source_faults,
        settings={},
        events=(),
        ends_s=100.0,
    )


class Morning:
    """One process at one gateway."""

    def __init__(
        self, model: GatewayModel, faults: tuple[Fault, ...], source_faults: tuple[Fault, ...]
    ) -> None:
        self.log: list[str] = []
        self.strays: list[tuple[int, ...]] = []
        world = world_of(model, *faults, source_faults=source_faults)
        self.gateways = Gateways(world, asyncio.get_running_loop(), self.log.append)
        self.network = SimulatedNetwork(self.gateways, 3)
        self.transport = self.open()

    def open(self, **options: Any) -> SimulatedTransport:
        return self.network.trust(ENDPOINT).transport(
            connect_timeout_s=1.0,
            timeout_s=TIMEOUT_S,
            out_of_step=self.strays.append,
            **options,
        )

    async def send(self, agent: str = "101", flag: str = "1", **options: Any) -> Reply:
        url = URL(
            f"{ENDPOINT.url}/agentgateway/resource/onlineagent/{agent}/settalkright?flag={flag}"
        )
        guid = options.pop("guid", None) or self.gateways.current_guid_of("east", agent)
        headers = {**CONTENT, "Guid": guid or "none"}
        return await self.transport.exchange("POST", url, headers, **options)

    async def ask(self, path: str, guid: str) -> Reply:
        headers = {**CONTENT, "Guid": guid}
        url = URL(f"{ENDPOINT.url}/agentgateway/resource/{path}")
        return await self.transport.exchange("GET", url, headers)


def live(
    story: Callable[[Morning], Awaitable[None]],
    *faults: Fault,
    model: GatewayModel = EAST,
    source_faults: tuple[Fault, ...] = (),
    **options: Any,
) -> Morning:
    async def main() -> Morning:
        morning = Morning(model, faults, source_faults)
        morning.transport = morning.open(**options)
        async with morning.transport:
            await story(morning)
        await asyncio.sleep(30.0)
        return morning

    return run(main())


def fault(kind: FaultKind, **fields: Any) -> Fault:
    return Fault(kind, **{"gateway": "east", "begins_s": 0.0, "ends_s": 50.0, **fields})


async def failure(sending: Awaitable[Reply]) -> Ended:
    with pytest.raises(ExchangeFailed) as caught:
        await sending
    return caught.value.fault


def test_a_talk_right_is_set_and_the_history_has_it() -> None:
    async def story(at: Morning) -> None:
        reply = await at.send()
        assert (reply.status, reply.body) == (
            200,
            b'{"message": "success", "retcode": "0", "result": {}}',
        )
        assert at.gateways.right_of("east", "101") == "1"

    (handled,) = live(story).gateways.handled
    assert (handled.process, handled.agent, handled.flag, handled.answer) == (3, "101", "1", "0")
    assert handled.accepted
    assert handled.effect_s is not None
    assert handled.ended_s is not None
    assert handled.arrived_s < handled.effect_s < handled.ended_s


def test_sessions_begin_and_end_and_each_has_a_guid_of_its_own() -> None:
    model = GatewayModel(
        *("east", 0.1, 0.0),
        on=frozenset({"103"}),
        absent={"101": 5.0},
        leaves={"102": 5.0},
        newer={"103": 5.0},
    )

    async def story(at: Morning) -> None:
        guids = {agent: at.gateways.current_guid_of("east", agent) for agent in ("102", "103")}
        assert at.gateways.current_guid_of("east", "101") == ""
        assert b"100-006" in (await at.send("101")).body
        assert b'"0"' in (await at.send("102")).body
        assert b'"0"' in (await at.send("103", "0")).body
        await asyncio.sleep(6.0)
        assert b'"0"' in (await at.send("101")).body
        assert b"100-006" in (await at.send("102", guid=guids["102"])).body
        assert at.gateways.right_of("east", "103") == "1"
        assert b"100-006" in (await at.send("103", "0", guid=guids["103"])).body
        assert b'"0"' in (await at.send("103", "0")).body

    morning = live(story, model=model)
    assert [change.number for change in morning.gateways.rights if change.agent == "103"] == [
        3,
        -1,
        7,
    ]


def test_a_failover_answers_so_and_takes_rights_back() -> None:
    model = GatewayModel("east", 0.1, 0.0, failovers=((1.0, 2.0, 1.0),))

    async def story(at: Morning) -> None:
        await at.send()
        await asyncio.sleep(1.5)
        await at.send()
        await asyncio.sleep(2.0)
        assert at.gateways.right_of("east", "101") == "0"

    morning = live(story, model=model)
    assert morning.gateways.handled[1].answer in {"000-004", "105-002"}
    assert [(change.right, change.number) for change in morning.gateways.rights] == [
        ("1", 1),
        ("0", 0),
    ]


ANSWERED = {
    FaultKind.REFUSES: ("100-007", 0.0, 200, b"100-007"),
    FaultKind.STATUS: ("429", 7.0, 429, b"429"),
    FaultKind.GARBAGE: ("<html>", 0.0, 200, b"<html>"),
}


@pytest.mark.parametrize("kind", ANSWERED)
def test_an_answer_of_another_kind(kind: FaultKind) -> None:
    code, seconds, status, within = ANSWERED[kind]

    async def story(at: Morning) -> None:
        reply = await at.send()
        assert reply.status == status
        assert within in reply.body
        assert reply.headers.get("Retry-After") == ("7" if seconds else None)

    morning = live(story, fault(kind, code=code, seconds=seconds))
    (handled,) = morning.gateways.handled
    assert handled.accepted == bool(morning.gateways.rights)
    assert kind is FaultKind.GARBAGE or not handled.accepted


@pytest.mark.parametrize(
    ("kind", "code", "every_other"),
    [
        (FaultKind.GARBAGE, "<html>", True),
        (FaultKind.STATUS, "502", True),
        (FaultKind.STATUS, "429", False),
    ],
)
def test_what_is_no_answer_of_the_gateway_may_hide_an_effect(
    kind: FaultKind, code: str, every_other: bool
) -> None:
    async def story(at: Morning) -> None:
        await asyncio.gather(*(at.send(str(agent)) for agent in range(200, 300)))

    effects = len(live(story, fault(kind, code=code)).gateways.rights)
    assert 30 < effects < 70 if every_other else not effects


UNANSWERED = {
    FaultKind.RESET_BEFORE: (Ended.RESET, False),
    FaultKind.RESET_AFTER: (Ended.RESET, True),
    FaultKind.LOST_REQUEST: (Ended.READ_TIMEOUT, False),
    FaultKind.LOST_ANSWER: (Ended.READ_TIMEOUT, True),
}


@pytest.mark.parametrize("kind", UNANSWERED)
def test_no_answer(kind: FaultKind) -> None:
    expected, effect = UNANSWERED[kind]

    async def story(at: Morning) -> None:
        assert await failure(at.send()) is expected
        assert len(at.gateways.rights) == (effect and kind is not FaultKind.RESET_AFTER)

    morning = live(story, fault(kind, seconds=3.0))
    (handled,) = morning.gateways.handled
    assert handled.answer == ("reset" if expected is Ended.RESET else "nothing")
    assert handled.accepted == effect
    if kind is FaultKind.RESET_AFTER:
        assert handled.effect_s == pytest.approx(handled.arrived_s + 3.1)


CONNECTING = {
    FaultKind.REFUSED: (Ended.REFUSED, ConnectionRefusedError),
    FaultKind.BLACKHOLE: (Ended.CONNECT_TIMEOUT, TimeoutError),
    FaultKind.NO_NAME: (Ended.DNS, socket.gaierror),
    FaultKind.TLS: (Ended.TLS, ssl.SSLError),
}


@pytest.mark.parametrize("kind", CONNECTING)
def test_no_connection(kind: FaultKind) -> None:
    expected, raised = CONNECTING[kind]

    async def story(at: Morning) -> None:
        with pytest.raises(raised):
            async with asyncio.timeout(1.0):
                await at.network.trust(ENDPOINT).connect()
        assert await failure(at.send()) is expected
        await asyncio.sleep(10.0)
        assert await at.network.trust(ENDPOINT).connect() is not None
        await at.send()

    assert len(live(story, fault(kind, ends_s=5.0)).gateways.handled) == 1


@pytest.mark.parametrize("kind", CONNECTING)
def test_a_connection_that_is_there_already(kind: FaultKind) -> None:
    """Of a server that is gone it is closed; what is sent into a hole is lost."""
    expected = {FaultKind.REFUSED: Ended.REFUSED, FaultKind.BLACKHOLE: Ended.READ_TIMEOUT}

    async def story(at: Morning) -> None:
        await at.send()
        await asyncio.sleep(5.0)
        if kind in expected:
            assert await failure(at.send()) is expected[kind]
        else:
            await at.send()

    arrived = live(story, fault(kind, begins_s=1.0)).gateways.handled
    assert len(arrived) == (1 if kind in expected else 2)


def test_a_late_answer_is_read_after_its_time_was_over() -> None:
    told: list[str] = []

    async def story(at: Morning) -> None:
        assert b'"0"' in (await at.send(overdue=lambda: told.append("overdue"))).body
        assert told == ["overdue"]
        assert await failure(at.send("102")) is Ended.READ_TIMEOUT

    morning = live(story, fault(FaultKind.SLOW, seconds=3.0))
    assert [handled.accepted for handled in morning.gateways.handled] == [True, True]


def test_a_gateway_goes_on_when_its_client_is_gone() -> None:
    async def story(at: Morning) -> None:
        sending = asyncio.ensure_future(at.send())
        await asyncio.sleep(0.05)
        sending.cancel()

    (handled,) = live(story).gateways.handled
    assert handled.accepted


@pytest.mark.parametrize("killed_at_s", [0.05, 0.5])
def test_a_kill_ends_nothing_at_the_gateway_and_nothing_comes_back(
    tmp_path: Path, killed_at_s: float
) -> None:
    """In the middle of a request, and while a stray reply to it is under way."""
    loop = VirtualLoop(Random(1))
    disk = Disk(tmp_path / "some.sqlite3", Random(1), loop.time, loses_power=False)
    process = Process(3, loop, disk, Random(1), ahead_s=0.0)
    gateways = Gateways(world_of(EAST, fault(FaultKind.STRAY, seconds=1.0)), loop, print)
    heard: list[object] = []

    async def story() -> None:
        transport = (
            SimulatedNetwork(gateways, 3)
            .trust(ENDPOINT)
            .transport(connect_timeout_s=1.0, timeout_s=TIMEOUT_S, out_of_step=heard.append)
        )
        async with transport:
            headers = {**CONTENT, "Guid": gateways.current_guid_of("east", "101")}
            url = URL(f"{ENDPOINT.url}/agentgateway/resource/onlineagent/101/settalkright?flag=1")
            heard.append((await transport.exchange("POST", url, headers, name=2)).status)
            await asyncio.sleep(10.0)

    process.begin(story())
    loop.call_at(killed_at_s, process.kill)
    loop.run_to_end(asyncio.sleep(20.0), most_s=100.0)
    loop.close()
    assert heard == ([200] if killed_at_s > 0.1 else [])
    (handled,) = gateways.handled
    assert (handled.process, handled.accepted, handled.answer) == (3, True, "0")


def test_a_fault_hits_a_share_and_the_agents_that_it_is_about() -> None:
    async def story(at: Morning) -> None:
        await asyncio.gather(*(at.send(str(agent)) for agent in range(200, 300)))

    def hit(**fields: Any) -> set[str]:
        morning = live(story, fault(FaultKind.REFUSES, code="100-007", **fields))
        return {each.agent for each in morning.gateways.handled if not each.accepted}

    assert 20 < len(hit(share=0.3)) < 40
    assert hit(agents=frozenset({"222"})) == {"222"}


def test_the_luck_of_an_agent_is_the_same_without_the_others() -> None:
    async def all_of_them(at: Morning) -> None:
        await asyncio.gather(*(at.send(str(agent)) for agent in range(200, 250)))

    async def one(at: Morning) -> None:
        await at.send("217")

    model = GatewayModel("east", 0.1, 0.5)

    def took(story: Callable[[Morning], Awaitable[None]]) -> float:
        (handled,) = (
            each for each in live(story, model=model).gateways.handled if each.agent == "217"
        )
        return (handled.ended_s or 0.0) - handled.arrived_s

    assert took(one) == pytest.approx(took(all_of_them))


class TestStray:
    def test_on_an_idle_connection_it_is_found(self) -> None:
        async def story(at: Morning) -> None:
            await at.send("101", name=1)
            await asyncio.sleep(1.0)
            assert at.strays == [(1,)]
            assert at.transport.singly
            await at.send("102", name=2)
            await asyncio.sleep(1.0)

        # The only request of a connection may be answered twice in the same words.
        assert live(story, fault(FaultKind.STRAY, seconds=0.5), wary=True).strays == [(1,)]

    def test_it_is_taken_for_the_answer_of_the_next(self) -> None:
        refused = fault(FaultKind.REFUSES, code="100-007", agents=frozenset({"102"}))

        async def story(at: Morning) -> None:
            await at.send("101", name=1)
            assert b'"0"' in (await at.send("102", name=2)).body
            await at.transport.await_strays()
            assert at.strays == [(1, 2)]

        morning = live(story, fault(FaultKind.STRAY, seconds=0.03, ends_s=0.15), refused, wary=True)
        assert [handled.answer for handled in morning.gateways.handled] == ["0", "100-007"]

    def test_a_server_reads_the_next_request_when_it_is_done_with_the_last(self) -> None:
        async def story(at: Morning) -> None:
            for row, agent in enumerate(("101", "102", "103")):
                await at.send(agent, name=row)
            await at.transport.await_strays()

        morning = live(story, fault(FaultKind.STRAY, seconds=0.03, ends_s=0.15), wary=True)
        first, second, third = morning.gateways.handled
        assert second.arrived_s < (first.ended_s or 0.0) + 0.03
        assert third.arrived_s == second.ended_s
        assert first.strayed_s is None, "it was done before the reply too many"
        assert second.strayed_s == pytest.approx((first.ended_s or 0.0) + 0.03)
        assert third.strayed_s == third.arrived_s
        assert morning.strays == [(0, 1, 2)]

    def test_a_connection_of_one_request_tells_of_another_answer(self) -> None:
        refused = fault(FaultKind.REFUSES, code="100-007")

        async def story(at: Morning) -> None:
            await at.send("101", name=1)
            await at.transport.await_strays()
            assert at.strays == [(1,)]

        live(story, refused, fault(FaultKind.STRAY, seconds=0.5), singly=True, wary=True)

    def test_in_the_same_breath_no_answer_is_sure(self) -> None:
        async def story(at: Morning) -> None:
            assert await failure(at.send("101", name=1)) is Ended.OUT_OF_STEP
            assert at.strays == [(1,)]

        live(story, fault(FaultKind.STRAY, seconds=0.0))


def test_queries_see_who_takes_calls() -> None:
    model = GatewayModel("east", 0.1, 0.0, on=frozenset({"901", "101"}), leaves={"101": 50.0})

    async def story(at: Morning) -> None:
        guid = at.gateways.current_guid_of("east", "901")
        await at.send("102")
        state = await at.ask("onlineagent/901/agentstatus", guid)
        assert b'"agentState": 4' in state.body
        queue = await at.ask("agentgroup/901/agentbyskill/7", guid)
        assert queue.body.count(b"workno") == 3
        assert at.gateways.listed("east") == ["101", "102", "901"]

    live(story, model=model)


def test_the_service_of_guids_knows_them() -> None:
    async def story(at: Morning) -> None:
        headers = {"Accept": "application/json, text/plain"}
        for agent, status in (("101", 200), ("102", 404)):
            url = URL(f"https://guids.sim/east/{agent}")
            reply = await at.transport.exchange("GET", url, headers)
            assert reply.status == status
            assert at.gateways.current_guid_of("east", agent).encode() in reply.body
        await asyncio.sleep(5.0)
        with pytest.raises(ExchangeFailed):
            await at.transport.exchange("GET", URL("https://guids.sim/east/101"), headers)

    model = GatewayModel("east", 0.1, 0.0, absent={"102": 60.0})
    lost = Fault(FaultKind.LOST_REQUEST, "", 5.0, 9.0)
    live(story, model=model, source_faults=(lost,))


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("PUT", "101/settalkright?flag=1"),
        ("POST", "101/settalkright?flag=2"),
        ("POST", "101/settalkright"),
        ("POST", "0101/settalkright?flag=1"),
        ("GET", "101/settalkright?flag=1"),
    ],
)
def test_what_is_not_the_interface_ends_the_morning(method: str, tail: str) -> None:
    async def story(at: Morning) -> None:
        headers = {**CONTENT, "Guid": "x"}
        url = URL(f"{ENDPOINT.url}/agentgateway/resource/onlineagent/{tail}")
        with pytest.raises(NotTheInterface):
            await at.transport.exchange(method, url, headers)

    assert len(live(story).gateways.violations) == 1
