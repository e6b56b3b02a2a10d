from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator.protocol.sign_in_body import SignInBody, read_sign_in

LEAST: dict[str, object] = {"password": "synthetic", "phonenum": "70001"}


def read(**fields: object) -> SignInBody | None:
    return read_sign_in(json.dumps(LEAST | fields).encode())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": 3},
        {"status": 5},
        {"autoanswer": False, "agenttype": 11, "ip": "10.0.0.255"},
        {"password": "x" * 32, "phonenum": "7" * 24, "vcPhoneNumber": "7" * 24},
        {"callBackUri": "https://desk.example/events"},
        {"callBackUri": "https://desk.example/events", "serviceToken": "a" * 50},
        {"signInMode": 1},
        {"signInMode": {"any": ["thing"]}},
    ],
)
def test_page_1202_fields_are_taken(fields: dict[str, object]) -> None:
    assert read(**fields) is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"password": ""},
        {"password": "x" * 33},
        {"password": 12345},
        {"password": None},
        {"phonenum": ""},
        {"phonenum": "7" * 25},
        {"status": 0},
        {"status": "4"},
        {"autoanswer": 1},
        {"agenttype": "4"},
        {"ip": "2001:db8::1:2:3:4"},
        {"callBackUri": "x" * 201},
        {"serviceToken": "a" * 51},
        {"serviceToken": "a b"},
        {"serviceToken": "a\n"},
        {"ctiserver": "not on the page"},
    ],
)
def test_page_1202_wrong_fields_are_refused(fields: dict[str, object]) -> None:
    assert read(**fields) is None


@pytest.mark.parametrize("missing", ["password", "phonenum"])
def test_page_1202_mandatory_fields_are_demanded(missing: str) -> None:
    body = {name: value for name, value in LEAST.items() if name != missing}
    assert read_sign_in(json.dumps(body).encode()) is None


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert isinstance(read_sign_in(body), SignInBody | None)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"[" * 100_000, b'{"password":"\xff"}'])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert read_sign_in(body) is None


def test_no_password_is_in_the_repr() -> None:
    assert repr(read()) == "<SignInBody with status 4>"
