"""Skill queues: agents that a query lists and that may ask, and how a site's queues are told."""

from __future__ import annotations

import json

import pytest

from bulkagent.emulator import AgentIds, AgentRules, EmulatedGateway, Scenario
from bulkagent.emulator.faults.scenario_file import read_scenario
from bulkagent.errors import SettingsRefused
from tests.emulator.wire import JSON_TYPE, Received, ask, request, settalkright

GROUP = "/agentgateway/resource/agentgroup"


async def listed(
    gateway: EmulatedGateway, skill: str = "1", observer: str = "101", **body: object
) -> Received:
    guid = gateway.sign_in(observer) or "none"
    headers = {"Content-Type": JSON_TYPE, "Guid": guid}
    sent = json.dumps(body).encode() if body else b""
    return await ask(
        gateway, request("GET", f"{GROUP}/{observer}/agentbyskill/{skill}", headers, sent)
    )


def ids(received: Received) -> list[str]:
    assert received.retcode == "0"
    return [agent["workno"] for agent in received.json["result"]]


async def test_who_refuses_calls_or_is_signed_out_is_left_out(gateway: EmulatedGateway) -> None:
    """Page 0414; without queues of its own, a site has one, with everybody in it."""
    for agent_id in ("103", "102", "110"):
        gateway.sign_in(agent_id)
    received = await listed(gateway)
    assert ids(received) == ["101", "102", "103", "110"]
    assert received.json["result"][0] == {
        "workno": "101",
        "name": "agent101",
        "status": "4",
        "mediatype": "TTF",
    }
    await ask(gateway, settalkright("103", gateway.guid("103")))
    assert ids(await listed(gateway)) == ["101", "102", "110"]


async def test_the_observer_must_be_signed_in_and_take_calls(gateway: EmulatedGateway) -> None:
    headers = {"Content-Type": JSON_TYPE, "Guid": "none"}
    unknown = request("GET", f"{GROUP}/101/agentbyskill/1", headers)
    assert (await ask(gateway, unknown)).retcode == "100-006"
    guid = gateway.sign_in("101")
    assert (await ask(gateway, unknown)).retcode == "000-003"
    await ask(gateway, settalkright("101", guid))
    assert (await listed(gateway)).retcode == "000-003"


async def test_queues_have_the_agents_that_the_scenario_says() -> None:
    rules = AgentRules(in_call=AgentIds("105"), skills={"7": AgentIds("103-105"), "8": AgentIds()})
    async with EmulatedGateway(Scenario(agents=rules), agent_ids=range(101, 111)) as gateway:
        for number in range(101, 111):
            gateway.sign_in(str(number))
        assert ids(await listed(gateway, "7")) == ["103", "104", "105"]
        assert ids(await listed(gateway, "8")) == []
        assert (await listed(gateway, "1")).retcode == "100-019"
        # Both fields or none; a limit beyond the page's is an illegal parameter.
        assert ids(await listed(gateway, "7", agentLimit=1)) == ["103", "104", "105"]
        assert ids(await listed(gateway, "7", agentLimit=1, agentStatus=[4, 7])) == ["103"]
        assert ids(await listed(gateway, "7", agentLimit=9, agentStatus=[7])) == ["105"]
        refused = await listed(gateway, "7", agentLimit=501, agentStatus=[4])
        assert refused.retcode == "100-019"


async def test_a_list_ends_after_500_agents() -> None:
    async with EmulatedGateway(agent_ids=range(101, 621)) as gateway:
        for number in range(101, 621):
            gateway.sign_in(str(number))
        assert len(ids(await listed(gateway))) == 500


def test_a_scenario_file_says_who_is_in_which_queue() -> None:
    scenario = read_scenario('[agents]\nskills = { "7" = "101-103,105" }')
    assert scenario.agents.skills == {"7": AgentIds("101-103,105")}


@pytest.mark.parametrize(
    ("skills", "refusal"),
    [
        ('{ "x" = "101" }', r"scenario, line 1: \[agents\]: 'x' is no number of a skill queue"),
        ('{ "7" = "many" }', r"scenario, line 2: \[agents\] key `skills`: 'many' is neither"),
        ('{ "7" = 5 }', r"scenario, line 2: \[agents\] key `skills`: expected a text"),
        ('"7"', r"scenario, line 2: \[agents\] key `skills`: takes a table, not a text"),
    ],
)
def test_queues_that_are_none_are_refused(skills: str, refusal: str) -> None:
    with pytest.raises(SettingsRefused, match=refusal):
        read_scenario(f"[agents]\nskills = {skills}")
