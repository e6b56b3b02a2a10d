"""The requests that a gateway takes, to the letter, and its answers.

Page 1223 is the setting of a talk right, 0355 an agent's own state, and 0414 the agents of a queue.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from tests.simulation.world import cookie_of

SUCCESS = "0"
SWITCHING = ("000-004", "105-002")
"""The answers while a gateway fails over."""
NOT_SIGNED_IN = "100-006"
NOT_ALLOWED = "000-003"

IDLE = 4
"""The state of an agent who waits for a call (page 0581)."""

_PREFIX = "/agentgateway/resource"
_AGENT = r"([1-9][0-9]{2,5})"
_SETTING = re.compile(rf"{_PREFIX}/onlineagent/{_AGENT}/settalkright")
_STATE = re.compile(rf"{_PREFIX}/onlineagent/{_AGENT}/agentstatus")
_QUEUE = re.compile(rf"{_PREFIX}/agentgroup/{_AGENT}/agentbyskill/([0-9]+)")
_FLAGS = {"flag=0": "0", "flag=1": "1"}
_CONTENT_TYPE = "application/json; charset=UTF-8"

_MESSAGES = {
    SUCCESS: "success",
    NOT_SIGNED_IN: "agent not login",
    NOT_ALLOWED: "no right to invite resouce",
}


class NotTheInterface(AssertionError):
    """A request that the gateway's documents do not have."""


class Sent(NamedTuple):
    """A request as it stands on the wire."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None


class Asked(NamedTuple):
    """What a request asks for."""

    agent: str
    """The agent that it is about, who asks."""
    guid: str
    flag: str = ""
    """The talk right that is to be set; "": it is a question."""
    skill: str = ""
    """The queue that is asked for; "": the agent's own state is."""
    gateway: str = ""
    """Of a question to the service of GUIDs."""


class Answer(NamedTuple):
    """A whole reply."""

    told: str
    """What the history calls it."""
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


def headers(more: Mapping[str, str] = {}) -> CIMultiDictProxy[str]:
    """The headers of an answer."""
    return CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json;charset=UTF-8", **more}))


_HEADERS = headers()


def read_request(sent: Sent) -> Asked:
    """What a request to a gateway asks for.

    Raises:
        NotTheInterface: It is none of the interface's.
    """
    if sent.headers.keys() - {"Cookie"} != {"Content-Type", "Guid"}:
        raise NotTheInterface(f"{sent.path} has the headers {sorted(sent.headers)}")
    if sent.headers["Content-Type"] != _CONTENT_TYPE or sent.body is not None:
        raise NotTheInterface(f"{sent.path} has a body, or another Content-Type")
    guid = sent.headers["Guid"]
    if sent.headers.get("Cookie", cookie_of(guid)) != cookie_of(guid):
        raise NotTheInterface(f"{sent.path} has another session's cookie")
    if sent.method == "POST" and sent.query in _FLAGS and (found := _SETTING.fullmatch(sent.path)):
        return Asked(found[1], guid, flag=_FLAGS[sent.query])
    if sent.method == "GET" and not sent.query:
        if found := _STATE.fullmatch(sent.path):
            return Asked(found[1], guid)
        if found := _QUEUE.fullmatch(sent.path):
            return Asked(found[1], guid, skill=found[2])
    raise NotTheInterface(f"{sent.method} {sent.path}?{sent.query}")


@functools.cache
def retcode(code: str) -> Answer:
    """An answer with a retcode and nothing else."""
    said = {"message": _MESSAGES.get(code, "failed"), "retcode": code, "result": {}}
    return Answer(code, 200, _HEADERS, json.dumps(said).encode())


def result(found: object) -> Answer:
    """A success with a result."""
    said = {"message": _MESSAGES[SUCCESS], "retcode": SUCCESS, "result": found}
    return Answer(SUCCESS, 200, _HEADERS, json.dumps(said).encode())


def page(status: int, told: str, body: bytes, more: Mapping[str, str] = {}) -> Answer:
    """An answer that is not the interface's."""
    return Answer(told, status, headers(more), body)
