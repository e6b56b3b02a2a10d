from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator.faults.kinds import FAULTS
from bulkagent.emulator.faults.scenario import FaultKind
from bulkagent.emulator.protocol.response import Response
from bulkagent.emulator.protocol.routes import Call, Interface, flag_of, is_json, resolve

ROOM = Path(__file__).parents[2] / "bulkagent" / "emulator"
FOUNDATION = {
    "bulkagent.blocking",
    "bulkagent.errors",
    "bulkagent.files.atomic_file",
    "bulkagent.text.msgspec_words",
    "bulkagent.text.toml_lines",
}
"""Of files, words and threads, below every room: none knows the client or a gateway."""
ONLINE = "/agentgateway/resource/onlineagent"


@pytest.mark.parametrize(
    ("method", "target", "call"),
    [
        (
            "POST",
            f"{ONLINE}/101/settalkright?flag=0",
            Call(Interface.SET_TALK_RIGHT, "101", "flag=0"),
        ),
        ("POST", f"{ONLINE}//settalkright", Call(Interface.SET_TALK_RIGHT, "", "")),
        ("POST", f"{ONLINE}/%2e%2F/settalkright", Call(Interface.SET_TALK_RIGHT, "./", "")),
        ("PUT", f"{ONLINE}/101", Call(Interface.SIGN_IN, "101")),
        ("GET", f"{ONLINE}/101/agentstatus", Call(Interface.AGENT_STATUS, "101")),
        (
            "GET",
            "/agentgateway/resource/agentgroup/101/agentbyskill/7",
            Call(Interface.AGENTS_BY_SKILL, "101", argument="7"),
        ),
        ("DELETE", f"{ONLINE}/101/logout", Call(Interface.SIGN_OUT, "101")),
        ("PUT", f"{ONLINE}/101/forcelogin", Call(Interface.FORCED_SIGN_IN, "101")),
        (
            "DELETE",
            f"{ONLINE}/101/forcelogoutwithreason/7",
            Call(Interface.FORCED_SIGN_OUT_WITH_REASON, "101", argument="7"),
        ),
        (
            "POST",
            "/agentgateway/resource/qualitycontrol/101/forcelogout/102",
            Call(Interface.INSPECTOR_SIGN_OUT, "101", argument="102"),
        ),
        (
            "GET",
            "/agentgateway/resource/agentevent/101?calldata=x",
            Call(Interface.POLL, "101", "calldata=x"),
        ),
        ("GET", "/emulator/stats", Call(Interface.JUDGE_STATS)),
    ],
)
def test_a_request_line_is_understood(method: str, target: str, call: Call) -> None:
    assert resolve(method, target) == call


@pytest.mark.parametrize(
    ("method", "target", "status", "retcode"),
    [
        ("POST", f"{ONLINE}/101", 405, ""),
        ("GET", f"{ONLINE}/101/settalkright?flag=0", 405, ""),
        ("POST", "/emulator/stats", 405, ""),
        ("POST", f"{ONLINE}/101/settalkright/", 404, "000-002"),
        ("PUT", f"{ONLINE}/101/", 404, "000-002"),
        ("POST", f"{ONLINE}/101/saybusy", 404, "000-002"),
        ("GET", "/agentgateway/resource/agentevent/101/x", 404, "000-002"),
        ("POST", "/agentgateway/resource/agentevent/101", 405, ""),
        ("DELETE", f"{ONLINE}/101/forcelogoutwithreason", 404, "000-002"),
        ("POST", "/agentgateway/resource/qualitycontrol/101/forcelogout", 404, "000-002"),
        ("DELETE", "/agentgateway/resource/qualitycontrol/101/forcelogout/102", 405, ""),
        ("GET", "/", 404, ""),
        ("GET", "/emulator/", 404, ""),
    ],
)
def test_a_path_or_method_that_there_is_not_is_refused(
    method: str, target: str, status: int, retcode: str
) -> None:
    reply = resolve(method, target)
    assert isinstance(reply, Response)
    assert (reply.status, reply.retcode) == (status, retcode)


@given(st.text(), st.text())
def test_any_request_line_is_understood_or_refused(method: str, target: str) -> None:
    assert isinstance(resolve(method, target), (Call, Response))
    assert isinstance(resolve("POST", f"{ONLINE}/{target}"), (Call, Response))


@pytest.mark.parametrize(
    ("query", "flag"),
    [
        ("flag=0", 0),
        ("flag=1", 1),
        ("x=2&flag=1", 1),
        ("flag=%31", 1),
        ("", None),
        ("flag", None),
        ("flag=", None),
        ("flag=2", None),
        ("flag=01", None),
        ("flag=true", None),
        ("flag= 1", None),
        ("Flag=1", None),
        ("flag=0&flag=1", None),
        ("flag=1&flag=1", None),
        ("flag=0&x=1&flag", None),
    ],
)
def test_a_flag_is_exactly_0_or_1(query: str, flag: int | None) -> None:
    assert flag_of(query) == flag


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("application/json; charset=UTF-8", True),
        ("application/json", True),
        ("Application/JSON;charset=gbk", True),
        (None, False),
        ("", False),
        ("text/plain", False),
        ("application/jsonp", False),
    ],
)
def test_the_content_type_is_json(header: str | None, accepted: bool) -> None:
    assert is_json(header) is accepted


def test_every_kind_of_fault_has_a_row() -> None:
    assert set(FAULTS) == set(FaultKind)


def test_the_room_imports_nothing_of_the_client_and_aiohttp_once() -> None:
    for path in ROOM.rglob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
        own = {name for name in imported if name.startswith("bulkagent")}
        theirs = {name for name in own if not name.startswith("bulkagent.emulator")}
        assert theirs <= FOUNDATION
        assert ("aiohttp" in imported) is (path.name == "server.py")
