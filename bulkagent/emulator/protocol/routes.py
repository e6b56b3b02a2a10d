"""The routes: the interface of each method and path, and the reading of parameters."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote

import msgspec

from bulkagent.emulator.protocol.response import Response, ResultCode, page, say

GATEWAY_PREFIX = "/agentgateway/resource/"
AGENT_PATH = f"{GATEWAY_PREFIX}onlineagent/"
EVENT_PATH = f"{GATEWAY_PREFIX}agentevent/"
GROUP_PATH = f"{GATEWAY_PREFIX}agentgroup/"
QUALITY_PATH = f"{GATEWAY_PREFIX}qualitycontrol/"


class Interface(enum.Enum):
    """The interfaces of the emulated gateway."""

    SET_TALK_RIGHT = enum.auto()  # page 1223
    SIGN_IN = enum.auto()  # page 1202
    AGENT_STATUS = enum.auto()  # page 1222
    SIGN_OUT = enum.auto()  # page 1219
    FORCED_SIGN_IN = enum.auto()  # page 1203
    VOICE_SIGN_IN = enum.auto()  # page 1224
    FORCED_SIGN_OUT = enum.auto()  # page 1220
    FORCED_SIGN_OUT_WITH_REASON = enum.auto()  # page 1221
    INSPECTOR_SIGN_OUT = enum.auto()  # page 2407
    POLL = enum.auto()  # page 1274
    HANDSHAKE = enum.auto()  # page 1204
    UPDATE_GUID = enum.auto()  # page 1225
    SYNC_AGENT_INFO = enum.auto()  # page 0359
    AGENTS_BY_SKILL = enum.auto()  # pages 0414, 1025
    # Those of the judges are ours: no gateway has them, and none asks for a GUID.
    JUDGE_AGENTS = enum.auto()
    JUDGE_STATS = enum.auto()
    JUDGE_HISTORY = enum.auto()


AGENT_INTERFACES: Mapping[str, tuple[str, Interface]] = MappingProxyType(
    {
        "/settalkright": ("POST", Interface.SET_TALK_RIGHT),
        "": ("PUT", Interface.SIGN_IN),
        "/agentstatus": ("GET", Interface.AGENT_STATUS),
        "/logout": ("DELETE", Interface.SIGN_OUT),
        "/forcelogin": ("PUT", Interface.FORCED_SIGN_IN),
        "/loginex": ("PUT", Interface.VOICE_SIGN_IN),
        "/forcelogout": ("DELETE", Interface.FORCED_SIGN_OUT),
        "/handshake": ("POST", Interface.HANDSHAKE),
        "/updateGuid": ("PUT", Interface.UPDATE_GUID),
        "/syncagentinfo": ("POST", Interface.SYNC_AGENT_INFO),
    }
)
"""The path after `/onlineagent/{agentid}` -> its only method, and its interface."""

EVENT_INTERFACES: Mapping[str, tuple[str, Interface]] = MappingProxyType(
    {"": ("GET", Interface.POLL)}
)
"""The same of `/agentevent/{agentid}`."""

WITH_ARGUMENT: Mapping[str, Mapping[str, tuple[str, Interface]]] = MappingProxyType(
    {
        AGENT_PATH: {
            "/forcelogoutwithreason/": ("DELETE", Interface.FORCED_SIGN_OUT_WITH_REASON),
        },
        GROUP_PATH: {"/agentbyskill/": ("GET", Interface.AGENTS_BY_SKILL)},
        QUALITY_PATH: {"/forcelogout/": ("POST", Interface.INSPECTOR_SIGN_OUT)},
    }
)
"""Interfaces whose path ends in an argument, by what stands between the agent and that."""

JUDGE_INTERFACES: Mapping[str, tuple[str, Interface]] = MappingProxyType(
    {
        "/emulator/agents": ("GET", Interface.JUDGE_AGENTS),
        "/emulator/stats": ("GET", Interface.JUDGE_STATS),
        "/emulator/history": ("GET", Interface.JUDGE_HISTORY),
    }
)


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request, understood as far as its path goes."""

    interface: Interface
    agent_id: str = ""
    """As sent, percent-encoding undone; it need not be an agent ID."""
    query: str = ""
    """As sent, after the question mark."""
    argument: str = ""
    """The end of the path where it has more than an agent: a reason, an agent's ID, a queue."""


# No page mentions an HTTP status: the gateway refuses with 200 and a retcode. A path that it does
# not have is one layer below that, where a container answers 404; the body says 000-002 ("bad URL")
# all the same, so that a client sees its wrong base path by either.
NO_SUCH_PATH = say(ResultCode.BAD_PARAMETER, status=404)

NOT_HERE = page(404, "404 Not Found")


def resolve(method: str, target: str) -> Call | Response:
    """The call that a request line asks for; the refusal where there is none such."""
    path, _, query = target.partition("?")
    agent_id = argument = ""
    if path.startswith(AGENT_PATH):
        agent_id, slash, tail = path[len(AGENT_PATH) :].partition("/")
        found = AGENT_INTERFACES.get(slash + tail)
        if found is None:
            found, argument = _with_argument(AGENT_PATH, slash + tail)
    elif path.startswith(EVENT_PATH):
        agent_id, slash, tail = path[len(EVENT_PATH) :].partition("/")
        found = EVENT_INTERFACES.get(slash + tail)
    elif path.startswith((QUALITY_PATH, GROUP_PATH)):
        prefix = QUALITY_PATH if path.startswith(QUALITY_PATH) else GROUP_PATH
        agent_id, slash, tail = path[len(prefix) :].partition("/")
        found, argument = _with_argument(prefix, slash + tail)
    else:
        found = JUDGE_INTERFACES.get(path)
    if found is None:
        return NO_SUCH_PATH if path.startswith(GATEWAY_PREFIX) else NOT_HERE
    allowed, interface = found
    if method != allowed:
        return page(405, "405 Method Not Allowed", (("Allow", allowed),))
    if "%" in agent_id:
        agent_id = unquote(agent_id)
    return Call(interface, agent_id, query, unquote(argument) if argument else "")


def _with_argument(path: str, tail: str) -> tuple[tuple[str, Interface] | None, str]:
    """The interface whose path goes on like that, and what it ends in."""
    name, slash, argument = tail.rpartition("/")
    return WITH_ARGUMENT[path].get(name + slash), argument


def flag_of(query: str) -> int | None:
    """The `flag` parameter of settalkright; None unless it is there once and is 0 or 1."""
    ready = _FLAGS.get(query)
    if ready is not None:
        return ready
    flags = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "flag"]
    return _FLAGS.get(f"flag={flags[0]}") if len(flags) == 1 else None


_FLAGS: Mapping[str, int] = MappingProxyType({"flag=0": 0, "flag=1": 1})


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type header says application/json, whatever its charset."""
    if content_type is None:
        return False
    return content_type.partition(";")[0].strip().lower() == "application/json"
