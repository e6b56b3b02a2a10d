"""What each sight means: the same facts, the same verdict, and always what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.diagnostics import CheckStatus, findings
from bulkagent.diagnostics.findings import Certificate, Finding, Handshake
from bulkagent.gateway.query_requests import AgentState
from tests import prose

NOW = 1_795_327_200.0
DAY = 86_400.0


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (findings.of_handshake(Handshake("TLSv1.3", NOW + 90 * DAY), NOW), CheckStatus.OK),
        (findings.of_handshake(Handshake("TLSv1.2", NOW + 29 * DAY), NOW), CheckStatus.WARNING),
        (
            findings.of_handshake(Handshake("TLSv1.3", None, insecure=True), NOW),
            CheckStatus.WARNING,
        ),
        (findings.of_certificate(Certificate("c.pem", NOW + 90 * DAY), NOW), CheckStatus.OK),
        (findings.of_certificate(Certificate("c.pem", NOW + DAY), NOW), CheckStatus.WARNING),
        (findings.of_certificate(Certificate("c.pem", NOW - DAY), NOW), CheckStatus.FAILED),
        (findings.of_clock(NOW + 1, NOW), CheckStatus.OK),
        (findings.of_clock(NOW - 90, NOW), CheckStatus.WARNING),
        (findings.of_state("roster", "101", AgentState.IDLE, "", ""), CheckStatus.OK),
        (findings.of_state("roster", "101", None, "100-006", "100-006"), CheckStatus.WARNING),
        (findings.of_state("roster", "101", None, "000-002", "000-002"), CheckStatus.FAILED),
        (findings.of_state("--guid-url", "101", None, "no GUID", ""), CheckStatus.FAILED),
        (findings.of_open_files(64, 1_024), CheckStatus.OK),
        (findings.of_open_files(64, -1), CheckStatus.OK),
        (findings.of_open_files(5_000, 1_024), CheckStatus.FAILED),
        (findings.of_disk("/x", 10**10), CheckStatus.OK),
        (findings.of_disk("/x", 10**8), CheckStatus.WARNING),
        (findings.of_disk("/x", 10**6), CheckStatus.FAILED),
        (findings.unchecked("clock", "TLS failed"), CheckStatus.NOT_CHECKED),
    ],
)
def test_each_fact_has_its_verdict_and_what_to_do(found: Finding, verdict: CheckStatus) -> None:
    assert found.verdict is verdict
    assert found.seen
    assert bool(found.fix) == (verdict in {CheckStatus.WARNING, CheckStatus.FAILED})
    said = prose.of_text(found.fix)
    assert len(said) <= 2
    assert all(each.whole and each.words <= 20 for each in said), prose.worst(said)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_clock_is_wrong_the_same_way_in_both_directions(theirs: float, ours: float) -> None:
    one, other = findings.of_clock(theirs, ours), findings.of_clock(ours, theirs)
    assert one.verdict is other.verdict


@given(st.floats(0, 1e10))
def test_a_later_end_is_never_worse(left: float) -> None:
    order = [CheckStatus.OK, CheckStatus.WARNING, CheckStatus.FAILED]
    sooner = findings.of_certificate(Certificate("c", NOW + left), NOW)
    later = findings.of_certificate(Certificate("c", NOW + left + DAY), NOW)
    assert order.index(later.verdict) <= order.index(sooner.verdict)
