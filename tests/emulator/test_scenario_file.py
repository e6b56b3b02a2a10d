"""Scenario files: every key that there is, and the refusals of all others.

Proves --scenario; guide "Every key of a scenario".
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator import (
    AgentIds,
    AgentRules,
    Capacity,
    Cluster,
    ColdStart,
    Distribution,
    FaultKind,
    Latency,
    Outage,
    OverloadRefusal,
    Scenario,
    ScenarioFault,
    SignInRules,
    SwitchOver,
    load_scenario,
)
from bulkagent.emulator.faults.scenario_file import read_scenario
from bulkagent.errors import SettingsRefused

SAMPLES = Path(__file__).parents[2] / "samples" / "scenarios"

EVERYTHING = """
seed = 7
[latency]
distribution = "uniform"
low_milliseconds = 1
high_milliseconds = 2.5
[capacity]
in_flight = 50
exponent = 1.5
refuse_over = 3
refusal = "too_many"
retry_after = "1"
[cold_start]
seconds = 10
factor = 5
[agents]
signed_out = "120-130,200"
[sign_in]
password = "synthetic"
[cluster]
nodes = 4
[[faults]]
kind = "retcode"
share = 0.06
retcode = "000-004"
message = "agent is being switched over"
agents = "101-200,305"
per_agent = 1
[[faults]]
kind = "unavailable"
share = 0.02
status = 502
retry_after = "2"
from_seconds = 1.5
to_seconds = 3
from_request = 5
to_request = 500
node = 4
[[switch_overs]]
from_request = 100
seconds = 30
keeps_talk_rights = false
[[switch_overs]]
from_seconds = 2
seconds = 0.5
[[outages]]
from_request = 300
[[outages]]
from_seconds = 60
seconds = 10
"""


def test_every_key_is_read() -> None:
    assert read_scenario(EVERYTHING) == Scenario(
        seed=7,
        latency=Latency(
            distribution=Distribution.UNIFORM, low_milliseconds=1.0, high_milliseconds=2.5
        ),
        capacity=Capacity(
            in_flight=50,
            exponent=1.5,
            refuse_over=3.0,
            refusal=OverloadRefusal.TOO_MANY,
            retry_after="1",
        ),
        cold_start=ColdStart(seconds=10.0, factor=5.0),
        agents=AgentRules(signed_out=AgentIds("120-130,200")),
        sign_in=SignInRules(password="synthetic"),
        cluster=Cluster(nodes=4),
        faults=(
            ScenarioFault(
                kind=FaultKind.RETCODE,
                share=0.06,
                retcode="000-004",
                message="agent is being switched over",
                agents=AgentIds("101-200,305"),
                per_agent=1,
            ),
            ScenarioFault(
                kind=FaultKind.UNAVAILABLE,
                share=0.02,
                status=502,
                retry_after="2",
                from_seconds=1.5,
                to_seconds=3.0,
                from_request=5,
                to_request=500,
                node=4,
            ),
        ),
        switch_overs=(
            SwitchOver(from_request=100, seconds=30.0, keeps_talk_rights=False),
            SwitchOver(from_seconds=2.0, seconds=0.5),
        ),
        outages=(Outage(from_request=300), Outage(from_seconds=60.0, seconds=10.0)),
    )


def test_an_empty_file_is_a_gateway_at_its_best() -> None:
    assert read_scenario("") == Scenario()


FAULT = '[[faults]]\nshare = 0.1\nkind = "slow"\nmilliseconds = 1\n'

REFUSALS = [
    ("sead = 7", "unknown key `sead`: did you mean `seed`?"),
    ("[latency]\nmiliseconds = 5", "unknown key `miliseconds` in [latency]: did you mean `milli"),
    (FAULT + "per_agents = 1", "unknown key `per_agents` in [[faults]]: did you mean `per_agent`?"),
    ("[agents]\nsigned_in = '5'", "unknown key `signed_in` in [agents]: did you mean `signed_out`"),
    ('seed = "7"', "key `seed`: takes a whole number, not a text. Give a whole number."),
    (
        "[latency]\nmilliseconds = -1",
        "[latency] key `milliseconds`: takes a number from 0 on. Give",
    ),
    ("[latency]\nmilliseconds = nan", "[latency] key `milliseconds`"),
    ("[latency]\nmilliseconds = inf", "[latency] key `milliseconds`"),
    (
        "[latency]\nmilliseconds = 5\nsigma = 1",
        "the key `sigma` means nothing to `fixed`: leave it out.",
    ),
    ("[latency]\ndistribution = 'uniform'", "`uniform` needs the key `low_milliseconds`: add it."),
    ("[latency]\ndistribution = 'normal'", "Give fixed, uniform, lognormal or exponential."),
    (
        "[latency]\ndistribution = 'uniform'\nlow_milliseconds = 2\nhigh_milliseconds = 1",
        "`low_milliseconds` is above `high_milliseconds`",
    ),
    (
        "[latency]\ndistribution = 'lognormal'\nmilliseconds = 0\nsigma = 1",
        "a lognormal median of 0 has no spread",
    ),
    ("[agents]\nsigned_out = '5-4'", "[agents] key `signed_out`: '5-4' is neither an agent ID nor"),
    ("[agents]\nsigned_out = ''", "a text with at least one agent ID. Give agent IDs and ranges"),
    ("[agents]\nsigned_out = 5", "a text with at least one agent ID"),
    (
        "[sign_in]\npassword = ''",
        "[sign_in] key `password`: takes a text of at least 1 characters. Give 1",
    ),
    ("faults = 3", "[[faults]]: takes a list, not a whole number."),
    ("faults = [3]", "[[faults]] number 1: takes a table, not a whole number."),
    ("[[faults]]\nkind = 'html'", "[[faults]] number 1: the key `share` is missing: add it."),
    (FAULT + "status = 503", "[[faults]] number 1: the key `status` means nothing to `slow`"),
    (FAULT + "[[faults]]\nshare = 2\nkind = 'html'", "[[faults]] number 2 key `share`: takes"),
    (FAULT + "agents = '1,x'", "[[faults]] number 1 key `agents`: 'x' is neither an agent ID nor"),
    ("[[faults]]\nshare = 1\nkind = 'htm'", "Give one of retcode, reset_before, reset_after,"),
    ("[[faults]]\nshare = 1\nkind = 'slow'", "`slow` needs the key `milliseconds`"),
    ("[[faults]]\nshare = 1\nkind = 'retcode'", "`retcode` needs the key `retcode`"),
    ("[[faults]]\nshare = 1\nkind = 'retcode'\nretcode = '0'", 'a failure: "000-004".'),
    ("[[faults]]\nshare = 1\nkind = 'retcode'\nretcode = \"000-004\\n\"", "key `retcode`"),
    ("[[faults]]\nshare = 1\nkind = 'unavailable'\nstatus = 200", "`status` is 200: give one of"),
    (
        "[[faults]]\nshare = 1\nkind = 'too_many'\nretry_after = \"2\\r\\nGuid: x\"",
        "key `retry_after`",
    ),
    (
        "[[faults]]\nshare = 1\nkind = 'gbk'\nmessage = '\N{GRINNING FACE}'",
        "that GBK does not have",
    ),
    (FAULT * 11, "the shares of all [[faults]] add up to 1.1: make it at most 1."),
    (
        "[cluster]\nnodes = 4\n"
        + (FAULT + "agents = '101-103,200'\nfrom_seconds = 2\n") * 6
        + (FAULT + "agents = '103-105'\nto_seconds = 9.5\nnode = 3\n") * 5,
        "the shares of all [[faults]] for agent 103 from second 2 on node 3 add up to 1.1: make",
    ),
    (FAULT + "from_seconds = 2\nto_seconds = 2", "`to_seconds` is not above `from_seconds`: make"),
    (
        FAULT + "from_seconds = -1",
        "[[faults]] number 1 key `from_seconds`: takes a number from 0 on",
    ),
    (FAULT + "to_seconds = 86401", "key `to_seconds`: takes a number up to 86400. Give seconds,"),
    (FAULT + "to_seconds = nan", "key `to_seconds`"),
    (
        FAULT + "node = 0",
        "[[faults]] number 1 key `node`: takes a whole number from 1 on. Give a node, from",
    ),
    (
        FAULT * 2 + "node = 2",
        "`node = 2` of [[faults]] number 2 is above `nodes = 1` of [cluster]: lower the one or",
    ),
    (
        "[cluster]\nnodes = 65",
        "[cluster] key `nodes`: takes a whole number up to 64. Give the number of",
    ),
    ("[cluster]\nnode = 4", "unknown key `node` in [cluster]: did you mean `nodes`?"),
    (
        FAULT + "from_request = 0",
        "key `from_request`: takes a whole number from 1 on. Give the number of a",
    ),
    (FAULT + "to_request = 1", "`to_request` is not above `from_request`: make it later."),
    (
        (FAULT + "from_request = 300\n") * 6 + (FAULT + "to_request = 301\n") * 5,
        "the shares of all [[faults]] from request 300 add up to 1.1: make it at most 1.",
    ),
    ("[capasity]\nin_flight = 5", "unknown key `capasity`: did you mean `capacity`?"),
    ("[capacity]\nin_fligth = 5", "unknown key `in_fligth` in [capacity]: did you mean `in_fl"),
    ("[capacity]\nrefuse_over = 3", "[capacity]: the key `in_flight` is missing: add it."),
    (
        "[capacity]\nin_flight = 0",
        "[capacity] key `in_flight`: takes a whole number from 1 on. Give a number",
    ),
    ("[capacity]\nin_flight = 10001", "Give a number of requests, from 1 to 10000."),
    ("[capacity]\nin_flight = 5\nrefuse_over = 0.9", "Give a multiple of the capacity, from 1"),
    (
        "[capacity]\nin_flight = 5\nexponent = -1",
        "[capacity] key `exponent`: takes a number from 0",
    ),
    ("[capacity]\nin_flight = 5\nrefusal = 'html'", "Give unavailable or too_many."),
    ("[capacity]\nin_flight = 5\nretry_after = ''", "[capacity] key `retry_after`: takes"),
    ("[cold_start]\nseconds = 5\nfactor = 1", "[cold_start] key `factor`: takes a number above 1."),
    ("[cold_start]\nseconds = 0\nfactor = 2", "[cold_start] key `seconds`: takes a number above 0"),
    ("[cold_start]\nfactor = 2", "[cold_start]: the key `seconds` is missing: add it."),
    ("[cold_start]\nsecond = 2", "unknown key `second` in [cold_start]: did you mean `seconds`?"),
    ("[[switch_overs]]\nfrom_request = 1", "[[switch_overs]] number 1: the key `seconds` is miss"),
    ("[[switch_overs]]\nseconds = 1", "give exactly one of the keys `from_request` and `from_sec"),
    (
        "[[switch_overs]]\nseconds = 1\nfrom_seconds = 1\nfrom_request = 1",
        "[[switch_overs]] number 1: give exactly one of the keys",
    ),
    (
        "[[switch_overs]]\nseconds = 1\nfrom_seconds = 1\nkeep_talk_rights = true",
        "unknown key `keep_talk_rights` in [[switch_overs]]: did you mean `keeps_talk_rights`?",
    ),
    ("[[outages]]\nseconds = 5", "[[outages]] number 1: give exactly one of the keys"),
    (
        "[[outages]]\nfrom_request = 1\n[[outages]]\nfrom_second = 5",
        "unknown key `from_second` in [[outages]]: did you mean `from_seconds`?",
    ),
    (
        "[[outages]]\nfrom_request = true",
        "[[outages]] number 1 key `from_request`: takes a whole number",
    ),
    ("seed = ", "is not TOML"),
    ("seed = " + "9" * 5000, "is not TOML"),
    ("seed = " + "[" * 5000, "is not TOML"),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSALS)
def test_a_refusal_names_the_key_and_what_to_do(text: str, sentence: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_scenario(text, source="x.toml")
    assert str(refused.value).startswith("x.toml")
    assert sentence in str(refused.value)
    assert "Expected" not in str(refused.value)


def test_a_refusal_names_the_line() -> None:
    for text, line in ((f"# a\n\n{FAULT}per_agents = 1\n", 7), (f"{FAULT}share = 2\n", 0)):
        with pytest.raises(SettingsRefused) as refused:
            read_scenario(text, source="x.toml")
        assert str(refused.value).startswith(f"x.toml, line {line}: " if line else "x.toml is not")
    with pytest.raises(
        SettingsRefused, match=r"^x.toml, line 6: \[\[faults\]\] number 2 key `share`"
    ):
        read_scenario(f"{FAULT}[[faults]]\nshare = 2\nkind = 'html'\n", source="x.toml")


def test_ten_shares_of_a_tenth_are_all_requests() -> None:
    assert len(read_scenario(FAULT * 10).faults) == 10


def read_or_refusal(text: str) -> Scenario | SettingsRefused:
    try:
        return read_scenario(text)
    except SettingsRefused as refused:
        return refused


WORDS = [
    "seed", "latency", "agents", "sign_in", "faults", "kind", "share", "milliseconds", "sigma",
    "signed_out", "password", "retcode", "status", "=", "[", "]", "[[", "]]", "\n", '"', "'", "7",
    "0.5", "nan", "inf", "true", "1979-05-27", "{", "}", ",", "slow", '"101-200"', ".", "#", "-1",
    "capacity", "outages", "switch_overs", "from_request", "seconds", "in_flight",
]  # fmt: skip


@given(st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_a_scenario_or_refused(text: str) -> None:
    assert isinstance(read_or_refusal(text), Scenario | SettingsRefused)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(ScenarioFault.__struct_fields__)


@given(st.dictionaries(KEYS, VALUES.filter(lambda value: value is not None)))
def test_any_fault_is_a_scenario_or_refused(fault: dict[str, object]) -> None:
    lines = [f"{key} = {_toml(value)}" for key, value in fault.items()]
    read = read_or_refusal("[[faults]]\n" + "\n".join(lines))
    assert isinstance(read, Scenario | SettingsRefused)


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
        case list():
            return "[" + ", ".join(_toml(item) for item in value if item is not None) + "]"
        case _:
            return str(value)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(EVERYTHING)
    assert load_scenario(path).seed == 7


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"none\.toml cannot be read \(No such file"):
        load_scenario(tmp_path / "none.toml")


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsRefused, match=r"x\.toml is not UTF-8"):
        load_scenario(path)


@pytest.mark.parametrize(
    "name",
    sorted(path.stem for path in SAMPLES.glob("*.toml")),
)
def test_every_sample_is_a_scenario_and_says_what_it_shows(name: str) -> None:
    path = SAMPLES / f"{name}.toml"
    load_scenario(path)
    first, second = path.read_text().splitlines()[:2]
    assert first.startswith("# ")
    assert second.startswith("# Shows ")


def test_one_request_in_ten_meets_a_transient_fault_in_the_sample() -> None:
    faults = load_scenario(SAMPLES / "transient_faults.toml").faults
    assert sum(fault.share for fault in faults) == pytest.approx(0.1)


def test_the_sample_of_an_outage_is_one_of_everything_for_a_second_and_a_half() -> None:
    (fault,) = load_scenario(SAMPLES / "outage.toml").faults
    assert (fault.kind, fault.share) == (FaultKind.RESET_BEFORE, 1)
    assert (fault.from_seconds, fault.to_seconds) == (0, 1.5)


def test_one_node_of_four_answers_with_503_pages_in_the_sample() -> None:
    scenario = load_scenario(SAMPLES / "bad_node.toml")
    (fault,) = scenario.faults
    assert (scenario.cluster.nodes, fault.node) == (4, 3)
    assert (fault.kind, fault.share, fault.status) == (FaultKind.UNAVAILABLE, 1, 503)


def test_no_password_is_in_a_repr() -> None:
    assert "synthetic" not in repr(read_scenario(EVERYTHING))
