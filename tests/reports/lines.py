"""Lines to report on: one plain line, any line at all, and what a writer makes of them.

What may live here: made-up lines and the way to a writer's bytes. What this module must not
know: what any test expects of them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from bulkagent.model import Cause, Line, Status
from bulkagent.reports import FORMATS
from tests.examples import examples

# The same examples each time: a test that fails today failed yesterday.
PROPERTY = settings(derandomize=True, max_examples=examples(60))

NOVEMBER = 1_795_327_200_123  # 2026-11-22T06:00:00.123Z

APPLIED = Line(
    row=2,
    agent_id="1001",
    gateway="east",
    flag="1",
    status=Status.APPLIED,
    cause=None,
    retcode="0",
    message="success",
    http_status=200,
    attempts=1,
    latency_ms=12.34,
    first_sent_at=NOVEMBER,
    finished_at=NOVEMBER + 877,
)

INVALID = Line(
    row=3,
    agent_id="",
    gateway="",
    flag="",
    status=Status.INVALID,
    cause=Cause.BAD_ROW,
    retcode="",
    message="",
    http_status=None,
    attempts=0,
    latency_ms=None,
    first_sent_at=None,
    finished_at=None,
)


def line(**changes: object) -> Line:
    """The plain line with other facts."""
    return msgspec.structs.replace(APPLIED, **changes)


def encoded(
    suffix: str,
    lines: Sequence[Line],
    extra_columns: Sequence[str] = (),
    run: Mapping[str, object] | None = None,
) -> bytes:
    """What the format of the suffix makes of the lines."""
    out = io.BytesIO()
    assert FORMATS[suffix](out, iter(lines), extra_columns, run or {}) == len(lines)
    return out.getvalue()


# Any text at all; what does harm comes up far more often than it would by chance.
HOSTILE = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from(
            "=+-@\uff1d\uff0b\uff0d\uff20 \t\r\n'\",;\\\x00\x1b\x7f\x85\x9b\u2028\u202e"
        ),
        st.sampled_from("\ud800\udc80\udfff\ufeff\u200b\u00a0\u3000\u2066\u061c"),
    ),
    max_size=12,
)

# Nothing in it that a spreadsheet, a terminal or an encoder minds.
PLAIN = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")), max_size=12
).filter(lambda text: text[:1] not in {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"})

_moments = st.none() | st.integers(0, 4_000_000_000_000)


def any_line(text: st.SearchStrategy[str], width: int) -> st.SearchStrategy[Line]:
    """Lines of any facts, with that kind of text and so many cells of the roster's own."""
    return st.builds(
        Line,
        row=st.integers(2, 10_000_000),
        agent_id=text,
        gateway=text,
        flag=text,
        status=st.sampled_from(Status),
        cause=st.none() | st.sampled_from(Cause),
        retcode=text,
        message=text,
        http_status=st.none() | st.integers(100, 599),
        attempts=st.integers(0, 99),
        latency_ms=st.none() | st.floats(0, 1e7),
        first_sent_at=_moments,
        finished_at=_moments,
        extra=st.tuples(*[text] * width),
    )
