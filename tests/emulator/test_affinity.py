"""Nodes with affinity, over HTTPS: a client that loses the cookie lands on the wrong node."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator import Cluster, EmulatedGateway, FaultKind, Scenario, ScenarioFault
from bulkagent.emulator.agents.affinity import cookie_of, named_node
from tests.emulator.wire import JSON_TYPE, PREFIX, ask, connected, request, sign_in


@pytest.fixture
async def four_nodes() -> AsyncIterator[EmulatedGateway]:
    """The third of four nodes is bad for settalkright requests."""
    bad = ScenarioFault(kind=FaultKind.UNAVAILABLE, share=1, node=3)
    scenario = Scenario(cluster=Cluster(nodes=4, affinity=True), faults=(bad,))
    async with EmulatedGateway(scenario) as running:
        yield running


def with_cookie(agent_id: str, guid: str, cookie: str | None, what: str = "settalkright") -> bytes:
    method, query = ("POST", "?flag=0") if what == "settalkright" else ("GET", "")
    headers = {"Content-Type": JSON_TYPE, "Guid": guid}
    if cookie is not None:
        headers["Cookie"] = cookie
    return request(method, f"{PREFIX}/{agent_id}/{what}{query}", headers)


async def test_a_sign_in_names_its_node(four_nodes: EmulatedGateway) -> None:
    for node in (1, 2, 3, 4, 1):
        received = await ask(four_nodes, sign_in(str(100 + node), status=4))
        if received.retcode == "0":
            assert received.headers["set-cookie"] == (
                f"AGWROUTE=node-{node}; Path=/agentgateway; Secure; HttpOnly"
            )
            assert four_nodes.cookie(str(100 + node)) == f"AGWROUTE=node-{node}"


async def test_a_request_without_its_cookie_lands_on_the_wrong_node(
    four_nodes: EmulatedGateway,
) -> None:
    async with connected(four_nodes) as first, connected(four_nodes) as second:
        received = await first.exchange(sign_in("101"))
        guid, cookie = received.headers["guid"], four_nodes.cookie("101")
        for what in ("settalkright", "agentstatus"):
            bare = with_cookie("101", guid, None, what)
            assert (await first.exchange(bare)).retcode == "0"
            assert (await second.exchange(bare)).retcode == "000-003"
            assert (await second.exchange(with_cookie("101", guid, cookie, what))).retcode == "0"
            unknown = with_cookie("101", guid, "AGWROUTE=node-9", what)
            assert (await second.exchange(unknown)).retcode == "000-003"
        # On any node, who is signed out is signed out.
        assert (await second.exchange(with_cookie("102", guid, None))).retcode == "100-006"
    stats = four_nodes.stats()
    assert (stats.requests, stats.connections) == (5, 2)


async def test_desktops_are_dealt_to_the_nodes(four_nodes: EmulatedGateway) -> None:
    rows = dict(four_nodes.roster(range(101, 105)))
    statuses = [
        (await ask(four_nodes, with_cookie(agent_id, guid, four_nodes.cookie(agent_id)))).status
        for agent_id, guid in rows.items()
    ]
    assert statuses == [200, 200, 503, 200]  # the cookie leads to the faults of its node, too
    assert [record.times_set for record in four_nodes.agents()[:4]] == [1, 1, 0, 1]
    assert [live.cookie for live in four_nodes.live_sessions()] == [
        cookie_of(node) for node in (1, 2, 3, 4)
    ]


async def test_without_affinity_there_is_no_cookie(gateway: EmulatedGateway) -> None:
    assert "set-cookie" not in (await ask(gateway, sign_in("101"))).headers
    assert gateway.cookie("101") == ""


async def test_a_snapshot_knows_whose_turn_it_is(four_nodes: EmulatedGateway) -> None:
    before = four_nodes.snapshot()
    for _ in range(2):
        four_nodes.restore(before)
        received = await ask(four_nodes, sign_in("101"))
        assert received.headers["set-cookie"].startswith("AGWROUTE=node-1;")


@pytest.mark.parametrize(
    ("cookie", "node"),
    [
        ("AGWROUTE=node-2", 2),
        ("a=b; AGWROUTE=node-2; c=d", 2),
        ("a=b;AGWROUTE=node-4", 4),
        ("AGWROUTE=node-5", None),
        ("AGWROUTE=node-0", None),
        ("AGWROUTE=2", None),
        ("XAGWROUTE=node-2", None),
        ("AGWROUTE=node-2x", None),
        ("", None),
        (None, None),
    ],
)
def test_a_cookie_names_a_node(cookie: str | None, node: int | None) -> None:
    assert named_node(cookie, 4) == node


@given(st.text())
def test_any_cookie_is_read(cookie: str) -> None:
    assert named_node(cookie, 4) in (None, 1, 2, 3, 4)
