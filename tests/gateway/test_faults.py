"""What each fault says about the effect of a request: never more than is known."""

from __future__ import annotations

import pytest

from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.model import Cause, Delivery, Evidence, Health, LimitSignal, Status

NEVER, ANSWERED, DOUBT = Delivery.NEVER_SENT, Delivery.ANSWERED, Delivery.IN_DOUBT

TABLE: list[tuple[Fault, Delivery, Cause, int | None]] = [
    (Fault.NO_GUID, NEVER, Cause.NO_GUID, 0),
    (Fault.DNS, NEVER, Cause.CONNECT, None),
    (Fault.REFUSED, NEVER, Cause.CONNECT, None),
    (Fault.CONNECT_TIMEOUT, NEVER, Cause.CONNECT, None),
    (Fault.TLS, NEVER, Cause.TLS, 0),
    (Fault.RESET, DOUBT, Cause.RESET, None),
    (Fault.READ_TIMEOUT, DOUBT, Cause.TIMEOUT, None),
    (Fault.GUID_SOURCE, NEVER, Cause.GUID_SOURCE, None),
    (Fault.TRUNCATED, DOUBT, Cause.BAD_REPLY, None),
    (Fault.UNAVAILABLE, DOUBT, Cause.OVERLOADED, None),
    (Fault.SERVER_ERROR, DOUBT, Cause.GATEWAY_ERROR, None),
    (Fault.TOO_MANY, ANSWERED, Cause.OVERLOADED, None),
    (Fault.NOT_A_GATEWAY, DOUBT, Cause.BAD_REPLY, 2),
    (Fault.OVERSIZED, DOUBT, Cause.BAD_REPLY, 2),
    (Fault.REDIRECT, DOUBT, Cause.BAD_REPLY, 0),
    (Fault.OUT_OF_STEP, DOUBT, Cause.BAD_REPLY, 1),
]


@pytest.mark.parametrize(("fault", "delivery", "cause", "retries"), TABLE)
def test_a_fault_means_what_the_table_says(
    fault: Fault, delivery: Delivery, cause: Cause, retries: int | None
) -> None:
    disposition = FAULTS[fault]
    assert disposition.name == fault.value
    assert (disposition.delivery, disposition.cause) == (delivery, cause)
    assert disposition.retries == retries
    assert not disposition.at_once


def test_every_fault_has_a_row() -> None:
    assert set(FAULTS) == set(Fault) == {row[0] for row in TABLE}


@pytest.mark.parametrize("fault", Fault)
def test_unknown_is_said_of_what_is_in_doubt_and_of_nothing_else(fault: Fault) -> None:
    disposition = FAULTS[fault]
    in_doubt = disposition.delivery is Delivery.IN_DOUBT
    assert disposition.status is (Status.UNKNOWN if in_doubt else Status.FAILED)


@pytest.mark.parametrize("fault", Fault)
def test_a_reply_that_is_not_a_gateways_speaks_for_all_agents(fault: Fault) -> None:
    somebody_else = fault in {Fault.NOT_A_GATEWAY, Fault.OVERSIZED, Fault.REDIRECT}
    assert FAULTS[fault].evidence is (Evidence.SETUP if somebody_else else Evidence.ORDINARY)


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_says_that_the_gateway_is_unwell_unless_it_asked_for_patience(
    fault: Fault,
) -> None:
    silent = {Fault.TOO_MANY, Fault.NO_GUID, Fault.GUID_SOURCE, Fault.OUT_OF_STEP}
    says_nothing = fault in silent
    assert FAULTS[fault].health is (Health.NEUTRAL if says_nothing else Health.UNWELL)


@pytest.mark.parametrize("fault", Fault)
def test_too_much_was_asked_where_it_said_so_or_did_not_reply_in_time(fault: Fault) -> None:
    dropped = fault in {Fault.TOO_MANY, Fault.UNAVAILABLE, Fault.READ_TIMEOUT}
    assert FAULTS[fault].signal is (LimitSignal.DROPPED if dropped else LimitSignal.IGNORE)
