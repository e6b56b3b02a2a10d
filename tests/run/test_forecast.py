"""Whether a run can be done by a time: arithmetic that can be done by hand.

Proves --finish-by; guide "Whether it will be done in time".
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bulkagent.instants import Instant, parse_instant
from bulkagent.ledger import GatewayLatency
from bulkagent.run.schedule.forecast import (
    Bottleneck,
    Feasibility,
    GatewayLoad,
    forecast_of,
    help_for,
    need_of,
)

EIGHT = 8 * 3_600_000
AT_RATE = GatewayLoad(gateway="east", agents=14_000, per_second=100, in_flight=(16, 16))
QUICK = GatewayLatency(agents=5_000, latency_s=0.05)
SLOW = GatewayLatency(agents=5_000, latency_s=0.4)


@pytest.mark.parametrize(
    ("load", "least_s", "most_s", "bound"),
    [
        (AT_RATE, 139.99, 139.99, Bottleneck.RATE),
        (replace(AT_RATE, pace=QUICK), 140.04, 140.04, Bottleneck.RATE),
        (replace(AT_RATE, burst=4_000), 100, 100, Bottleneck.RATE),
        # 14,000 requests of 0.4 s, 16 at a time: 40 a second, whatever the rate.
        (replace(AT_RATE, pace=SLOW), 350.4, 350.4, Bottleneck.IN_FLIGHT),
        (replace(AT_RATE, pace=SLOW, in_flight=(16, 160)), 140.39, 350.4, Bottleneck.IN_FLIGHT),
        (replace(AT_RATE, per_second=None, pace=QUICK), 43.8, 43.8, Bottleneck.IN_FLIGHT),
        # A tenth of them was sent a second time.
        (replace(AT_RATE, pace=replace(QUICK, retry_share=0.1)), 154.04, 154.04, Bottleneck.RATE),
        (replace(AT_RATE, agents=1, pace=QUICK), 0.053125, 0.053125, Bottleneck.IN_FLIGHT),
    ],
)
def test_how_long_a_gateway_takes(
    load: GatewayLoad, least_s: float, most_s: float, bound: Bottleneck
) -> None:
    need = need_of(load)
    assert need is not None
    assert need.least_s == pytest.approx(least_s)
    assert need.most_s == pytest.approx(most_s)
    assert need.bound is bound


def test_the_slowest_gateway_counts() -> None:
    west = replace(AT_RATE, gateway="west", agents=20_000)
    forecast = forecast_of([AT_RATE, west], finish_by=Instant(EIGHT), begins_ms=EIGHT - 900_000)
    assert forecast.slowest is not None
    assert forecast.slowest.load is west
    assert forecast.spare_s == pytest.approx(900 - 199.99)
    assert (forecast.feasibility, forecast.unknown) == (Feasibility.FITS, ("east", "west"))


@pytest.mark.parametrize(
    ("load", "available_s", "feasibility", "advice"),
    [
        (AT_RATE, 140, Feasibility.FITS, ()),
        (AT_RATE, 110, Feasibility.LATE, ("--rate 140/s", "--start-at 1970-01-01T07:57")),
        (replace(AT_RATE, pace=QUICK), 20, Feasibility.LATE, None),
        (replace(AT_RATE, pace=SLOW), 220.4, Feasibility.LATE, None),
        (replace(AT_RATE, pace=SLOW, in_flight=(16, 160)), 220.4, Feasibility.TIGHT, None),
        (replace(AT_RATE, per_second=None), 1, Feasibility.UNKNOWN, ()),
        (replace(AT_RATE, per_second=None, agents=0), 1, Feasibility.FITS, ()),
    ],
)
def test_what_is_to_be_expected(
    load: GatewayLoad, available_s: float, feasibility: Feasibility, advice: tuple[str, ...] | None
) -> None:
    begins_ms = EIGHT - round(available_s * 1000)
    forecast = forecast_of([load], finish_by=Instant(EIGHT, "UTC"), begins_ms=begins_ms)
    assert forecast.feasibility is feasibility
    found = help_for(forecast, start_at=Instant(begins_ms, "UTC"), now_ms=0)
    assert advice is None or found == advice


def test_the_advice_names_what_holds_it_back() -> None:
    def advice(load: GatewayLoad, available_s: float) -> tuple[str, ...]:
        begins_ms = EIGHT - round(available_s * 1000)
        forecast = forecast_of([load], finish_by=Instant(EIGHT), begins_ms=begins_ms)
        return help_for(forecast, start_at=None, now_ms=begins_ms)

    # 14,000 x 1.1 in 220 s are 70 a second, 0.4 s each: 28 at a time.
    assert advice(replace(AT_RATE, pace=SLOW), 220.4) == ("--concurrency 28",)
    assert advice(replace(AT_RATE, pace=SLOW), 77.4) == ("--rate 200/s --concurrency 80",)
    # Even the reply to one would come too late.
    assert advice(replace(AT_RATE, pace=SLOW), 0.3) == ()


LOADS = st.builds(
    GatewayLoad,
    gateway=st.just("east"),
    agents=st.integers(1, 1_000_000),
    per_second=st.none() | st.floats(0.01, 10_000),
    burst=st.integers(1, 1_000),
    in_flight=st.tuples(st.integers(1, 64), st.integers(64, 10_000)),
    pace=st.none()
    | st.builds(
        GatewayLatency,
        agents=st.just(1),
        latency_s=st.floats(0.0001, 100),
        retry_share=st.floats(0, 5),
    ),
)


@given(load=LOADS, available_s=st.integers(1, 86_400))
def test_who_takes_the_advice_is_in_time(load: GatewayLoad, available_s: int) -> None:
    finish = Instant(1_000_000_000, "UTC")
    begins_ms = finish.at_ms - available_s * 1000
    forecast = forecast_of([load], finish_by=finish, begins_ms=begins_ms)
    start = Instant(begins_ms, "UTC")
    for way in help_for(forecast, start_at=start, now_ms=begins_ms - 500_000_000):
        options = dict(zip(way.split()[::2], way.split()[1::2], strict=True))
        rate, many, at = map(options.get, ("--rate", "--concurrency", "--start-at"))
        other = replace(
            load,
            per_second=float(rate.removesuffix("/s")) if rate else load.per_second,
            in_flight=(int(many), int(many)) if many else load.in_flight,
        )
        if at:
            begins_ms = parse_instant(at, now_ms=begins_ms - 500_000_000, zone="UTC").at_ms
        better = forecast_of([other], finish_by=finish, begins_ms=begins_ms)
        assert better.feasibility is Feasibility.FITS
