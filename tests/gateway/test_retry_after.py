"""For how long a reply asks to be left alone: the header, and what the client makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.gateway.retry_after import retry_after_s
from tests.gateway.raw import SUCCESS, TO_AGENT_101, client_of, http, raw_gateway

NOON_MS = 1_700_000_000_000  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("2", 2.0),
        (" 120 ", 120.0),
        ("999999999", 999_999_999.0),
        # The three forms of RFC 9110, section 5.6.7.
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30.0),
        ("Tue Nov 14 22:13:50 2023", 30.0),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 0.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("-1", 0.0),
        ("1.5", 0.0),
        ("1e3", 0.0),
        ("soon", 0.0),
        ("2 seconds", 0.0),
        ("", 0.0),
        ("٣", 0.0),
        ("1" * 400, 0.0),
        ("Tue, 99 Nov 2023 22:13:50 GMT", 0.0),
    ],
)
def test_seconds_and_dates_are_read_and_garbage_is_not(header: str, seconds: float) -> None:
    assert retry_after_s(header, NOON_MS) == seconds


@given(st.text(max_size=60))
def test_whatever_it_says_it_is_a_number_of_seconds(header: str) -> None:
    assert 0.0 <= retry_after_s(header, NOON_MS) < float("inf")


@pytest.mark.parametrize(
    ("status", "header", "pause_s"),
    [
        (b"429 Too Many Requests", b"Retry-After: 7", 7.0),
        (b"503 Service Unavailable", b"retry-after:  7 ", 7.0),
        (b"503 Service Unavailable", b"Retry-After: in a moment", 0.0),
        (b"503 Service Unavailable", b"Age: 7", 0.0),
        # It carried the request out, so there is nothing to try again later.
        (b"200 OK", b"Retry-After: 7", 0.0),
    ],
)
async def test_a_reply_says_for_how_long(status: bytes, header: bytes, pause_s: float) -> None:
    reply = http(b"" if not status.startswith(b"200") else SUCCESS, header, status=status)
    async with raw_gateway(reply) as gateway, client_of(gateway) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.pause_s == pause_s
