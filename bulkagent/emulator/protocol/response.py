"""Responses as data: result codes, their messages, and replies ready to send."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

Headers = tuple[tuple[str, str], ...]

JSON: Headers = (("Content-Type", "application/json; charset=UTF-8"),)
HTML: Headers = (("Content-Type", "text/html; charset=UTF-8"),)


class ResultCode(enum.StrEnum):
    """The result codes that the emulated gateway gives of its own accord (page 0580)."""

    SUCCESS = "0"
    WRONG_EVENT_MODE = "000-001"
    BAD_PARAMETER = "000-002"
    NO_RIGHT = "000-003"
    SWITCHED_OVER = "000-004"
    OWN_INSPECTOR = "000-005"
    ILLEGAL_SIGN_IN = "100-001"
    ALREADY_SIGNED_IN = "100-002"
    WRONG_PASSWORD = "100-004"  # noqa: S105 - a result code
    ILLEGAL_SIGN_OUT = "100-005"
    NOT_SIGNED_IN = "100-006"
    OPERATION_EXCEPTION = "100-007"
    ALREADY_SIGNED_OUT = "100-008"
    CANNOT_SET_STATE = "100-009"
    WRONG_STATE_FOR_SIGN_OUT = "100-010"
    INVALID_PHONE = "100-013"
    CANNOT_BE_FORCED_OUT = "100-015"
    INVALID_IP = "100-016"
    ILLEGAL_QUERY = "100-019"
    SIGN_IN_UNDER_WAY = "100-021"
    NO_CACHED_DATA = "105-001"
    BEING_RECOVERED = "105-002"
    RECOVERED = "105-003"
    GUID_MISMATCH = "105-006"
    ACCOUNT_LOCKED = "110-016"


MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        ResultCode.SUCCESS: "success",
        ResultCode.WRONG_EVENT_MODE: "the mode of obtaining agent events is wrong",
        ResultCode.BAD_PARAMETER: "invalid url, address or parameter",
        # The next message and that of 100-006 were seen at a real gateway, "resouce" included.
        ResultCode.NO_RIGHT: "no right to invite resouce",
        ResultCode.SWITCHED_OVER: "agent is being switched over",
        ResultCode.OWN_INSPECTOR: "the inspected agent is the inspector",
        "000-007": "the interface is called repeatedly",
        ResultCode.ILLEGAL_SIGN_IN: "sign-in parameter is empty or illegal",
        ResultCode.ALREADY_SIGNED_IN: "agent has signed in already",
        ResultCode.WRONG_PASSWORD: "user name or password is wrong",
        ResultCode.ILLEGAL_SIGN_OUT: "sign-out parameter is illegal",
        ResultCode.NOT_SIGNED_IN: "agent not login",
        ResultCode.OPERATION_EXCEPTION: "exception during the operation",
        ResultCode.ALREADY_SIGNED_OUT: "agent has signed out already",
        ResultCode.CANNOT_SET_STATE: "the state cannot be set",
        ResultCode.WRONG_STATE_FOR_SIGN_OUT: "agent cannot sign out in this state",
        ResultCode.INVALID_PHONE: "the phone to be bound is invalid",
        ResultCode.CANNOT_BE_FORCED_OUT: "agent has signed in and cannot be forced out",
        ResultCode.INVALID_IP: "the IP address is invalid",
        ResultCode.ILLEGAL_QUERY: "illegal parameter in the query of a skill queue",
        ResultCode.SIGN_IN_UNDER_WAY: "agent is signing in, do not repeat the request",
        ResultCode.NO_CACHED_DATA: "no agent data is cached in Redis",
        ResultCode.BEING_RECOVERED: "agent is being recovered",
        ResultCode.RECOVERED: "the recovery of the agent is finished",
        ResultCode.GUID_MISMATCH: "GUID mismatch during the recovery, sign in again",
        ResultCode.ACCOUNT_LOCKED: "the account is locked",
    }
)
"""The usual message of a result code; the words are ours unless noted."""


class Framing(enum.Enum):
    """How a reply gets onto the connection."""

    WHOLE = enum.auto()  # with its length announced
    CHUNKED = enum.auto()  # in chunks, its length not announced
    TRUNCATED = enum.auto()  # all of it announced, half of it sent, then closed
    ABORTED = enum.auto()  # not at all: the connection is reset


class Response(msgspec.Struct, frozen=True, gc=False):
    """One reply: its content, and how it gets onto the connection."""

    status: int = 200
    headers: Headers = JSON
    body: bytes = b""
    framing: Framing = Framing.WHOLE
    retcode: str = ""
    """The result code that a tolerant reader finds in it, for the judges' counts; "" for none."""


Result = Mapping[str, object] | Sequence[object]
"""The field `result`: an object, or a list where a page says so."""


class _Body(msgspec.Struct, frozen=True):
    # The order of the fields is that of the example on page 1223.
    result: Result
    message: str
    retcode: str


def encode(
    retcode: str,
    message: str | None = None,
    result: Result | None = None,
) -> bytes:
    """The JSON body of one reply; a message of None stands for the code's usual one."""
    words = MESSAGES.get(retcode, "emulated failure") if message is None else message
    found: Result = {} if result is None else result
    return msgspec.json.encode(_Body(result=found, message=words, retcode=retcode))


def say(
    retcode: str,
    message: str | None = None,
    *,
    status: int = 200,
    result: Result | None = None,
    headers: Headers = (),
) -> Response:
    """A documented reply: HTTP 200 and a result code, which is the gateway's way of refusing too.

    `headers` come on top of the content type.
    """
    body = encode(retcode, message, result)
    return Response(status=status, headers=JSON + headers, body=body, retcode=str(retcode))


def page(status: int, title: str, headers: Headers = ()) -> Response:
    """An HTML page, such as a load balancer or container puts in front of the gateway."""
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Response(status=status, headers=HTML + headers, body=text.encode())


_READY: Mapping[ResultCode, Response] = MappingProxyType(
    {retcode: say(retcode) for retcode in ResultCode}
)


def reply_to(retcode: ResultCode) -> Response:
    """The usual reply with that code, encoded once: settalkright answers nothing else."""
    return _READY[retcode]
