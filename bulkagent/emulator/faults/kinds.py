"""The effect of each kind of fault on a settalkright request.

| kind | processed | the client gets |
| --- | --- | --- |
| `retcode` | no | a documented refusal with the given `retcode` and `message` |
| `reset_before` | no | a reset connection |
| `reset_after` | yes | a reset connection |
| `lost_answer` | yes | a reset connection; the agent's next request is answered with `retcode` |
|  |  | without being processed, where a `retcode` is given |
| `unavailable` | no | an HTML page with HTTP 503 or the given `status` |
| `slow` | yes | the right answer, `milliseconds` later than others |
| `truncated` | yes | half of the announced body, then the end of the connection |
| `oversized` | yes | the right answer in more than 64 KiB of valid JSON |
| `not_json` | no | HTTP 200, text/plain, `OK` |
| `html` | no | HTTP 200 and a login page, as from a portal in front of the gateway |
| `redirect` | no | HTTP 302 to another host, which must not get to see the GUID |
| `too_many` | no | HTTP 429 |
| `no_retcode` | no | `{"message":"success","result":{}}`, which says nothing |
| `gbk` | no | a refusal whose message is Chinese in GBK, not UTF-8 |
| `loose` | yes | the right answer in chunks, with a number for a zero `retcode`, `msg` in the |
|  |  | place of `message`, and no `result` (types are loose: pages 1026, 1224, 4023) |
| `no_effect` | no | success, although nothing was set |

Processed means: checked and carried out as without a fault. A processed request may be refused,
for an agent who is not signed in, say; "the right answer" is that refusal then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from bulkagent.emulator.faults.latency import Capacity
from bulkagent.emulator.faults.scenario import FaultKind, ScenarioFault
from bulkagent.emulator.protocol.response import Framing, Response, ResultCode, page, reply_to, say

MORE_THAN_64_KIB = 64 * 1024 + 1

ABORTED = Response(framing=Framing.ABORTED)

BAD_REQUESTS: Mapping[int, str] = MappingProxyType(
    {
        429: "429 Too Many Requests",
        500: "500 Internal Server Error",
        502: "502 Bad Gateway",
        503: "503 Service Unavailable",
        504: "504 Gateway Timeout",
    }
)


class FaultRule(msgspec.Struct, frozen=True):
    """One row of the table."""

    processed: bool
    """Whether the request is carried out all the same."""
    answer: Callable[[ScenarioFault, Response], Response]
    """From the fault and the right answer (of a processed request) to what the client gets."""


def owed_reply(fault: ScenarioFault) -> Response:
    """The reply to the request after a lost answer; the fault has a `retcode`."""
    return say(fault.retcode or ResultCode.OPERATION_EXCEPTION, fault.message)


def over_capacity(capacity: Capacity) -> Response:
    """The reply to a request over the capacity: that of the fault of the same name."""
    fault = ScenarioFault(
        kind=FaultKind(capacity.refusal.value), share=1, retry_after=capacity.retry_after
    )
    return FAULTS[fault.kind].answer(fault, Response())


def _refusal(fault: ScenarioFault, _right: Response) -> Response:
    return owed_reply(fault)


def _reset(_fault: ScenarioFault, _right: Response) -> Response:
    return ABORTED


def _unavailable(fault: ScenarioFault, _right: Response) -> Response:
    status = fault.status or 503
    return page(status, BAD_REQUESTS[status], _retry_after(fault))


def _too_many(fault: ScenarioFault, _right: Response) -> Response:
    return page(429, BAD_REQUESTS[429], _retry_after(fault))


def _retry_after(fault: ScenarioFault) -> tuple[tuple[str, str], ...]:
    return () if fault.retry_after is None else (("Retry-After", fault.retry_after),)


def _unchanged(_fault: ScenarioFault, right: Response) -> Response:
    return right


def _success(_fault: ScenarioFault, _right: Response) -> Response:
    return reply_to(ResultCode.SUCCESS)


def _truncated(_fault: ScenarioFault, right: Response) -> Response:
    return msgspec.structs.replace(right, framing=Framing.TRUNCATED, retcode="")


def _oversized(_fault: ScenarioFault, right: Response) -> Response:
    return say(right.retcode, result={"padding": "x" * MORE_THAN_64_KIB})


def _not_json(_fault: ScenarioFault, _right: Response) -> Response:
    return Response(headers=(("Content-Type", "text/plain; charset=UTF-8"),), body=b"OK")


def _html(_fault: ScenarioFault, _right: Response) -> Response:
    return page(200, "Please sign in")


def _redirect(_fault: ScenarioFault, _right: Response) -> Response:
    # .invalid never resolves (RFC 2606): a client that follows goes nowhere.
    return page(302, "Moved", (("Location", "https://elsewhere.invalid/sign-in"),))


def _no_retcode(_fault: ScenarioFault, _right: Response) -> Response:
    return Response(body=b'{"message":"success","result":{}}')


def _gbk(fault: ScenarioFault, _right: Response) -> Response:
    # "The agent state cannot be set". Clients in the field accept GBK beside UTF-8, and the
    # charset is declared, because nobody wrote down whether the real gateway declares it.
    message = "座席状态无法设置" if fault.message is None else fault.message
    refusal = say(fault.retcode or ResultCode.CANNOT_SET_STATE, message)
    return msgspec.structs.replace(
        refusal,
        headers=(("Content-Type", "application/json; charset=GBK"),),
        body=refusal.body.decode().encode("gbk"),
    )


def _loose(_fault: ScenarioFault, right: Response) -> Response:
    strict = msgspec.json.decode(right.body, type=dict[str, object])
    retcode = 0 if right.retcode == ResultCode.SUCCESS else right.retcode
    body = msgspec.json.encode({"retcode": retcode, "msg": strict["message"]})
    return msgspec.structs.replace(right, body=body, framing=Framing.CHUNKED)


FAULTS: Mapping[FaultKind, FaultRule] = MappingProxyType(
    {
        FaultKind.RETCODE: FaultRule(processed=False, answer=_refusal),
        FaultKind.RESET_BEFORE: FaultRule(processed=False, answer=_reset),
        FaultKind.RESET_AFTER: FaultRule(processed=True, answer=_reset),
        FaultKind.LOST_ANSWER: FaultRule(processed=True, answer=_reset),
        FaultKind.UNAVAILABLE: FaultRule(processed=False, answer=_unavailable),
        FaultKind.SLOW: FaultRule(processed=True, answer=_unchanged),
        FaultKind.TRUNCATED: FaultRule(processed=True, answer=_truncated),
        FaultKind.OVERSIZED: FaultRule(processed=True, answer=_oversized),
        FaultKind.NOT_JSON: FaultRule(processed=False, answer=_not_json),
        FaultKind.HTML: FaultRule(processed=False, answer=_html),
        FaultKind.REDIRECT: FaultRule(processed=False, answer=_redirect),
        FaultKind.TOO_MANY: FaultRule(processed=False, answer=_too_many),
        FaultKind.NO_RETCODE: FaultRule(processed=False, answer=_no_retcode),
        FaultKind.GBK: FaultRule(processed=False, answer=_gbk),
        FaultKind.LOOSE: FaultRule(processed=True, answer=_loose),
        FaultKind.NO_EFFECT: FaultRule(processed=False, answer=_success),
    }
)
"""Every kind of fault has a row; a test holds it to that."""
