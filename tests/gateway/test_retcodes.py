"""The table of retcodes against a literal copy of the documents' table."""

from __future__ import annotations

import pytest

from bulkagent.gateway.retcodes import MEANINGS, RETCODES, disposition_of
from bulkagent.model import Cause, Delivery, Evidence, Health, LimitSignal, Status

# Result code table, pages 0580, 1430 and 1328, with the ranges spelled out.
TABLE = """
0
000-000 000-001 000-002 000-003 000-004 000-005 000-006 000-007
100-001 100-002 100-003 100-004 100-005 100-006 100-007 100-008 100-009 100-010 100-011 100-012
100-013 100-014 100-015 100-016 100-017 100-018 100-019 100-020 100-021
110-016
101-001 101-002 101-003 101-004 101-005 101-006 101-007
104-001 104-002 104-003 104-004 104-005 104-006 104-007 104-008 104-009 104-010 104-011 104-012
105-001 105-002 105-003 105-004 105-005 105-006 105-007
106-001 106-002 106-003 106-004
107-000 107-001 107-002 107-003 107-004 107-005 107-006 107-007 107-008 107-009 107-010 107-011
107-012 107-013 107-014 107-015 107-016 107-017 107-018 107-019 107-020 107-021 107-022 107-023
107-024 107-025 107-026 107-027 107-028 107-029 107-030 107-031 107-032 107-033 107-034 107-035
107-036 107-037 107-038 107-039 107-040 107-041 107-042 107-043 107-044 107-045 107-046 107-047
107-048 107-049 107-050 107-051 107-052 107-053 107-054 107-055 107-056 107-057 107-058 107-059
107-060 107-061 107-062 107-063 107-064 107-065 107-066 107-067
200-001 200-002 200-025 200-037 200-038 200-039 200-040
900-001 900-002 900-003
"""
DOCUMENTED = TABLE.split()

# What may pass by itself, and how often the same answer is worth another request; None: as
# often as the run's policy allows. Everything else is asked once.
REPEATED: dict[str, int | None] = {
    "000-000": 1,
    "000-004": None,
    "000-007": None,
    "100-003": None,
    "100-007": 3,
    "100-021": None,
    "105-002": None,
    "105-003": 1,
    "105-004": None,
}

# A later run may help, this one cannot: somebody has to sign in, or to get a GUID.
LATER = {"000-003", "100-006", "100-008", "105-001", "105-005", "105-006", "105-007"}

CAUSES: dict[str, Cause] = {
    "000-000": Cause.GATEWAY_ERROR,
    "000-002": Cause.BAD_PARAMETER,
    "000-003": Cause.GUID_REFUSED,
    "000-004": Cause.SWITCH_OVER,
    "000-006": Cause.BAD_PARAMETER,
    "000-007": Cause.GATEWAY_ERROR,
    "100-003": Cause.GATEWAY_ERROR,
    "100-006": Cause.NOT_SIGNED_IN,
    "100-007": Cause.GATEWAY_ERROR,
    "100-008": Cause.NOT_SIGNED_IN,
    "100-009": Cause.NOT_PERMITTED,
    "100-010": Cause.NOT_PERMITTED,
    "100-021": Cause.GATEWAY_ERROR,
    "105-001": Cause.SWITCH_OVER,
    "105-002": Cause.SWITCH_OVER,
    "105-003": Cause.SWITCH_OVER,
    "105-004": Cause.SWITCH_OVER,
    "105-005": Cause.SWITCH_OVER,
    "105-006": Cause.SWITCH_OVER,
    "105-007": Cause.SWITCH_OVER,
    "900-001": Cause.NOT_PERMITTED,
    "900-002": Cause.NOT_PERMITTED,
    "900-003": Cause.NOT_PERMITTED,
}

# What one agent's answer says about the others; every other code says nothing.
EVIDENCE: dict[str, Evidence] = {
    "000-002": Evidence.SETUP,
    "000-003": Evidence.SETUP,
    "100-007": Evidence.SETUP,
    "100-006": Evidence.PERSONAL,
    "100-008": Evidence.PERSONAL,
}

# What a code says of the gateway as a whole; every other is the answer of a well one.
HEALTH: dict[str, Health] = {
    "000-000": Health.NEUTRAL,
    "000-004": Health.UNWELL,
    "000-007": Health.NEUTRAL,
    "100-003": Health.NEUTRAL,
    "100-007": Health.NEUTRAL,
    "105-002": Health.UNWELL,
    "105-003": Health.UNWELL,
    "105-004": Health.UNWELL,
}


def test_every_documented_code_is_listed_and_no_other() -> None:
    assert list(RETCODES) == list(MEANINGS)
    assert len(DOCUMENTED) == len(set(DOCUMENTED)) == 139
    assert set(RETCODES) == set(DOCUMENTED)


@pytest.mark.parametrize("code", DOCUMENTED)
def test_a_code_means_what_the_documents_make_of_it(code: str) -> None:
    disposition = RETCODES[code]
    assert disposition.name == code
    assert disposition.delivery is Delivery.ANSWERED
    assert disposition.retries == REPEATED.get(code, 0)
    assert disposition.at_once is (code == "105-003")
    assert disposition.evidence is EVIDENCE.get(code, Evidence.ORDINARY)
    assert disposition.lasting is (Cause.NOT_PERMITTED if code == "100-007" else None)
    if code == "0":
        assert (disposition.status, disposition.cause) == (Status.APPLIED, None)
        return
    later = code in LATER or code in REPEATED
    assert disposition.status is (Status.FAILED if later else Status.REJECTED)
    assert disposition.cause is CAUSES.get(code, Cause.REFUSED)


@pytest.mark.parametrize("code", DOCUMENTED)
def test_a_code_says_how_the_gateway_is_and_only_good_answers_are_timed(code: str) -> None:
    health = HEALTH.get(code, Health.GOOD)
    assert RETCODES[code].health is health
    assert RETCODES[code].signal is (
        LimitSignal.SUCCESS if health is Health.GOOD else LimitSignal.IGNORE
    )


@pytest.mark.parametrize("code", DOCUMENTED)
def test_every_code_can_be_explained(code: str) -> None:
    row = MEANINGS[code]
    assert row.code == code
    assert row.disposition is RETCODES[code]
    assert row.meaning
    assert row.advice.endswith(".")


@pytest.mark.parametrize("code", ["999-001", "Unknown ERROR._10021", "1", "00", "", "100-006 "])
def test_an_unlisted_code_is_kept_and_never_repeated_on_a_guess(code: str) -> None:
    disposition = disposition_of(code)
    assert disposition.name == code
    assert disposition.delivery is Delivery.ANSWERED
    assert disposition.status is Status.REJECTED
    assert disposition.cause is Cause.UNLISTED_RETCODE
    assert disposition.retries == 0
    assert disposition.evidence is Evidence.ORDINARY
    # A gateway that gives retcodes is there and works, also where we do not know the word.
    assert disposition.health is Health.GOOD


def test_an_operation_may_have_a_table_of_its_own() -> None:
    assert disposition_of("100-006", {}).cause is Cause.UNLISTED_RETCODE
    assert disposition_of("100-006", RETCODES) is RETCODES["100-006"]
