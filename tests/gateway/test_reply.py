"""Reading replies: success is retcode "0" and nothing else, and nothing makes reading fail.

README: `applied` means that the gateway answered retcode "0" with HTTP 200.

README: A "0" under another HTTP status.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.reply import MAX_REPLY_BYTES, Reading, read_reply, without_secrets
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import Cause, Delivery, Disposition, Status

UUID = "01234567-89ab-cdef-0123-456789abcdef"


def read(status: int, body: bytes, *secrets: str) -> Reading:
    return read_reply(status, body, RETCODES, *secrets)


@pytest.mark.parametrize(
    "body",
    [
        b'{"result":{},"message":"success","retcode":"0"}',
        b'{"retcode":"0","message":"success"}',
        b'{"retcode":0,"message":"success"}',
        b'{"retcode":"0","msg":"success"}',
        b'{"retcode":"0","message":null,"msg":"success"}',
        b'\xef\xbb\xbf{"retcode":"0","message":"success"}',
        b' \r\n{"retcode":"0","message":"success"}\r\n',
        b'{"retcode":"0","message":"success","result":[1,null],"more":{"retcode":"100-007"}}',
    ],
)
def test_retcode_0_is_success_whatever_else_is_loose(body: bytes) -> None:
    reading = read(200, body)
    assert reading == Reading(RETCODES["0"], "0", "success")
    assert reading.disposition.status is Status.APPLIED


@pytest.mark.parametrize("body", [b'{"retcode":"0","message":"ok"}', b'{"retcode":0,"msg":"ok"}'])
def test_a_0_under_any_http_status_but_200_is_in_doubt_and_never_applied(body: bytes) -> None:
    """HTTP 401, 404, 429, 5xx with a "0": the sender of the answer may not have set the agent."""
    for status in (*range(100, 200), *range(201, 600)):
        reading = read(status, body)
        assert (reading.retcode, reading.message) == ("0", "ok")
        assert reading.disposition.delivery is Delivery.IN_DOUBT
        assert reading.disposition.status is Status.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        '{"retcode":"100-006","retcode":"0"}',
        '{"retcode":"0","retcode":"100-006"}',
        '{"retcode":"0","retcode":"0"}',
        '{"retcode":"0","message":"a","message":"b"}',
        '{"retcode":"0","result":{"a":1,"b":[{"c":1,"c":1}]}}',
        '{"retcode":"100-006","retc\\u006fde":"0"}',
        '{"retcode":"0" , "retcode"\n\t:"0"}',
        '{"message":"a \\": b","retcode":"0","retcode":"0"}',
        '{"message":"bare\nbreak","retcode":"100-006","retcode":"0"}',
        '{"retcode":"0","message":":","message":"\\"x\\":"}',
    ],
)
def test_duplicate_keys_in_a_reply_are_a_bad_reply(body: str) -> None:
    reading = read(200, body.encode())
    assert reading == Reading(FAULTS[Fault.NOT_A_GATEWAY])
    assert reading.disposition.cause is Cause.BAD_REPLY


@pytest.mark.parametrize(
    "body",
    [
        '{"retcode":"0","message":"\\"a\\": \\"a\\":","result":{"retcode":"1"}}',
        '{"retcode":"0","result":[{"a":1},{"a":1}],"message":"::"}',
        '{"retcode":"0","message":"tab\t","result":{"retcode":"0","message":":"}}',
    ],
)
def test_what_only_looks_like_a_name_that_comes_twice_is_read(body: str) -> None:
    assert read(200, body.encode()).disposition.status is Status.APPLIED


@pytest.mark.parametrize("status", [200, 202, 404, 500, 502, 503, 504])
@pytest.mark.parametrize("retcode", ["000-002", "000-003", "100-006", "100-007"])
def test_a_refusal_is_the_gateways_word_whatever_the_http_status(status: int, retcode: str) -> None:
    body = json.dumps({"retcode": retcode, "message": "no", "result": {}}).encode()
    assert read(status, body) == Reading(RETCODES[retcode], retcode, "no")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"success",
        b"0",
        b'"0"',
        b'["0"]',
        b"null",
        b"<html><body>Please sign in</body></html>",
        b'{"message":"success","result":{}}',
        b'{"message":"success","retcode":null}',
        b'{"message":"success","retcode":false}',
        b'{"message":"success","retcode":true}',
        b'{"message":"success","retcode":["0"]}',
        b'{"message":"success","retcode":{"0":"0"}}',
        b'{"message":"success","retcode":""}',
        b'{"message":"success","Retcode":"0"}',
        b'{"message":"bare\nbreak","retcode":false}',
        b'{"message":"bare\nbreak","retcode":["0"]}',
        b'["bare\nbreak","0"]',
        b'{"result":{"retcode":"0"}}',
        b'{"retcode":"0","message":"suc',
        b'{"retcode":"0"} {"retcode":"0"}',
        b'{"retcode":' + b"9" * 5_000 + b"}",
        b"\xff\xfe\xff",
        b"\x00" * 20,
        b"[" * 30_000,
        b'{"retcode":"0","message":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
)
@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, Fault.NOT_A_GATEWAY),
        (204, Fault.NOT_A_GATEWAY),
        (302, Fault.REDIRECT),
        (307, Fault.REDIRECT),
        (401, Fault.NOT_A_GATEWAY),
        (404, Fault.NOT_A_GATEWAY),
        (429, Fault.TOO_MANY),
        (500, Fault.SERVER_ERROR),
        (502, Fault.SERVER_ERROR),
        (503, Fault.UNAVAILABLE),
        (504, Fault.SERVER_ERROR),
    ],
)
def test_a_reply_without_a_retcode_is_a_fault_by_its_status(
    body: bytes, status: int, fault: Fault
) -> None:
    assert read(status, body) == Reading(FAULTS[fault])


@pytest.mark.parametrize(
    "retcode",
    [
        *("0.0", "-0", "-0.0", "0e0", "0E9", "1e-400", "-1e-999"),
        *('"00"', '" 0"', '"0 "', '"0.0"', '"-0"', '"+0"', '"\uff10"', '"1e-400"', '"0\\n"'),
    ],
)
def test_what_only_resembles_0_is_neither_success_nor_refusal_but_in_doubt(retcode: str) -> None:
    """A retcode of 1e-400, 0.0, -0 or "0 ": its writer may have meant that it was done."""
    reading = read(200, f'{{"retcode":{retcode}}}'.encode())
    assert reading.disposition == FAULTS[Fault.NOT_A_GATEWAY]
    assert reading.retcode == json.loads(f"[{retcode}]", parse_int=str, parse_float=str)[0]


@pytest.mark.parametrize("retcode", ["O", "success", "1", "-1", "nan", "o0"])
def test_a_code_that_nobody_knows_is_no_success(retcode: str) -> None:
    body = json.dumps({"retcode": retcode}, ensure_ascii=False).encode()
    reading = read(200, body)
    assert reading.disposition.status is Status.REJECTED
    assert reading.disposition.cause is Cause.UNLISTED_RETCODE
    assert reading.retcode == retcode


@pytest.mark.parametrize(
    ("number", "said"), [("7", "7"), ("7.0", "7"), ("7.5", "7.5"), ("-1", "-1")]
)
def test_a_number_is_shown_as_the_gateway_meant_it(number: str, said: str) -> None:
    assert read(200, b'{"retcode":%s}' % number.encode()).retcode == said


@pytest.mark.parametrize("retcode", ["100-007", "999-123"])
@pytest.mark.parametrize(
    ("status", "fault"),
    [(301, Fault.REDIRECT), (302, Fault.REDIRECT), (399, Fault.REDIRECT), (429, Fault.TOO_MANY)],
)
def test_a_request_that_was_turned_away_is_no_success_whatever_its_body_claims(
    status: int, fault: Fault, retcode: str
) -> None:
    body = json.dumps({"retcode": retcode, "message": "flow control"}).encode()
    assert read(status, body) == Reading(FAULTS[fault], retcode, "flow control")


def test_gbk_is_read_where_utf_8_is_not_it() -> None:
    body = '{"retcode":"100-009","message":"座席状态无法设置"}'
    for encoding in ("gbk", "gb18030", "utf-8", "utf-8-sig"):
        reading = read(200, body.encode(encoding))
        assert reading == Reading(RETCODES["100-009"], "100-009", "座席状态无法设置")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (b'"a\tb\nc\x00d"', "a\tb\nc\x00d"),
        (b'"\\u001b[2J"', "\x1b[2J"),
        (b'"\\ud800 alone"', "\\ud800 alone"),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'{"code":1}', '{"code": 1}'),
        (b"[1,2]", "[1, 2]"),
        (b"7", "7"),
        (b"true", "true"),
        (b"null", ""),
        (b'""', ""),
        (b'"' + b"x" * 501 + b'"', "x" * 500),
    ],
)
def test_a_message_of_any_kind_leaves_the_retcode_readable(message: bytes, shown: str) -> None:
    reading = read(200, b'{"retcode":"100-006","message":' + message + b"}")
    assert reading == Reading(RETCODES["100-006"], "100-006", shown)


def test_an_unlisted_retcode_is_kept_word_for_word_up_to_forty_characters() -> None:
    assert read(200, b'{"retcode":"Unknown ERROR._10021"}').retcode == "Unknown ERROR._10021"
    assert read(200, b'{"retcode":"' + b"x" * 41 + b'"}').retcode == "x" * 40


def test_64_kib_is_read_and_one_byte_more_is_not() -> None:
    body = b'{"retcode":"0"}'.ljust(MAX_REPLY_BYTES)
    assert MAX_REPLY_BYTES == 64 * 1024
    assert read(200, body).disposition.status is Status.APPLIED
    assert read(200, body + b" ") == Reading(FAULTS[Fault.OVERSIZED])


def test_no_depth_of_nesting_escapes_as_an_exception() -> None:
    """Reading and spelling out a message give up at different depths."""
    for depth in range(1, 1_500):
        body = b'{"retcode":"100-006","message":' + b"[" * depth + b"]" * depth + b"}"
        reading = read(200, body)
        assert reading.retcode in {"100-006", ""}


class TestSecrets:
    @pytest.mark.parametrize(
        "secret", [f"{UUID}.AgentGateway1", "plain-Secret-" * 4, "x1y2z3" * 20]
    )
    @pytest.mark.parametrize("before", [0, 1, 7, 460, 470, 480, 490, 499])
    def test_a_guid_in_a_reply_is_in_no_part_of_the_reading(self, secret: str, before: int) -> None:
        text = "-" * before + secret + "."
        for fields in (
            {"retcode": "100-006", "message": text},
            {"retcode": text, "message": ""},
            {"retcode": "1", "msg": {"deep": [text]}},
            {"retcode": text.upper(), "message": text.lower()},
        ):
            for status in (200, 302, 429):
                shown = repr(read(status, json.dumps(fields).encode(), secret)).lower()
                parts = (secret.lower()[n : n + 8] for n in range(len(secret) - 7))
                assert not any(part in shown for part in parts)

    def test_another_agents_guid_is_taken_out_by_its_looks(self) -> None:
        assert without_secrets(f"JSESSIONID={UUID}.AgentGateway12!") == "JSESSIONID=(redacted)!"
        assert without_secrets(UUID.upper()) == "(redacted)"

    def test_a_text_without_secrets_stays_as_it_is(self) -> None:
        text = "no right to invite resouce 0123-4567"
        assert without_secrets(text, "", "absent") == text

    def test_a_secret_that_looks_like_a_pattern_is_taken_literally(self) -> None:
        assert without_secrets("a.c abc A.C", "a.c") == "(redacted) abc (redacted)"

    def test_a_secret_that_is_part_of_a_retcode_does_not_change_what_the_retcode_means(
        self,
    ) -> None:
        assert read(200, b'{"retcode":"0"}', "0").disposition.status is Status.APPLIED
        assert read(200, b'{"retcode":"100-006"}', "100") == Reading(RETCODES["100-006"], "100-006")


def success_by_another_reader(body: bytes) -> bool:
    """Whether a JSON object with retcode "0" or 0 is what these bytes are."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            said = json.loads(body.decode(encoding), strict=False)
        except UnicodeDecodeError:
            continue
        except (ValueError, RecursionError):
            return False
        retcode = said.get("retcode") if isinstance(said, dict) else None
        return retcode == "0" or (type(retcode) is int and not retcode)
    return False


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
RETCODE_VALUES = st.sampled_from(["0", 0, 0.0, False, None, "", "000-002", "00"]) | JSON_VALUES
OBJECTS = st.fixed_dictionaries(
    {}, optional={"retcode": RETCODE_VALUES, "message": JSON_VALUES, "msg": JSON_VALUES}
)
BODIES = st.binary(max_size=200) | st.builds(
    lambda said, escaped, encoding: json.dumps(said, ensure_ascii=escaped).encode(
        encoding, "replace"
    ),
    OBJECTS | JSON_VALUES,
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)


@given(status=st.just(200) | st.integers(100, 599), body=BODIES)
@example(status=200, body=b'{"retcode":1e400}')
@example(status=200, body=b'{"retcode":NaN}')
@example(status=200, body=b'{"retcode":-Infinity}')
def test_any_bytes_give_a_reading_and_only_retcode_0_is_applied(status: int, body: bytes) -> None:
    reading = read(status, body)
    assert isinstance(reading.disposition, Disposition)
    assert f"{reading.retcode}{reading.message}".encode() is not None  # no lone surrogates
    applied = reading.disposition.status is Status.APPLIED
    assert applied is (success_by_another_reader(body) and status == 200)
    if reading.disposition.delivery is Delivery.NEVER_SENT:
        pytest.fail("a reply to a request that was never sent")
