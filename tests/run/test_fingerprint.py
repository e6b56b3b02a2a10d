"""The roster of a run, known again by gateways, agents and flags; fresh GUIDs are welcome.

Proves --roster, --or-resume; guide "A resume without a person", "Resume".
"""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import (
    GuardrailRefused,
    ResumeRefused,
    RosterRefused,
    RunBusy,
    SettingsRefused,
)
from bulkagent.ledger import RunLock, list_runs, open_ledger
from bulkagent.ledger import run_lock as ownership
from bulkagent.run.plan.fingerprint import Fingerprint
from bulkagent.settings import GatewaySection
from tests.run.again import AGENTS, STALE, Shift, shift

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["east", "west", "a,b", "'"]),
        st.text(st.characters(exclude_characters="\n"), max_size=4),
        st.sampled_from(["flag=0", "flag=1", ""]),
    ),
    max_size=8,
    unique=True,
)


def digest(rows: list[tuple[str, str, str]]) -> str:
    fingerprint = Fingerprint()
    for row in rows:
        fingerprint.add(*row)
    return fingerprint.hexdigest()


@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_rosters_have_one_fingerprint_where_they_are_the_same_set_and_else_not(
    one: list[tuple[str, str, str]], other: list[tuple[str, str, str]], chance: random.Random
) -> None:
    assert (digest(one) == digest(other)) == (set(one) == set(other))
    shuffled = chance.sample(one, len(one))
    assert digest(shuffled) == digest(one)


@given(ROWS, st.data())
def test_what_is_taken_back_was_never_there(
    rows: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(rows), unique=True)) if rows else []
    fingerprint = Fingerprint()
    for row in rows:
        fingerprint.add(*row)
    for row in rows:
        if row not in kept:
            fingerprint.take_back(*row)
    assert fingerprint.hexdigest() == digest(kept)


async def _stopped(made: Shift, flags: Mapping[int, int] | None = None) -> set[str]:
    """A run that was stopped after some agents, and those that are left."""
    made.write(AGENTS, flags=flags, team="Cedar")
    await made.apply(stop_after=4, flag=None if flags else 0)
    left = {agent for agent, stands in made.stands().items() if stands != "applied"}
    assert 0 < len(left) < 10
    return left


async def _refused(made: Shift, error: type[Exception], match: str, **more: Any) -> None:
    """A resume that is refused, and nothing is sent or begun."""
    requests = made.requests
    with pytest.raises(error, match=match):
        await made.resume(**more)
    assert made.requests == requests
    assert len(made.legs()) == 1


async def test_fresh_guids_and_other_columns_are_welcome(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _stopped(made)
        made.sign_in_again(AGENTS)
        made.write(AGENTS, team="Oak", more=["", "  "])
        assert (await made.resume()).exit_code == 0
        assert made.times_set() == {str(agent): 1 for agent in AGENTS}


async def test_a_guid_that_has_gone_stale_fails_its_agent_alone(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _stopped(made)
        made.sign_in_again([110])
        result = await made.resume()
        assert result.causes == {"guid_refused": 1}
        made.write(AGENTS)
        assert (await made.resume()).exit_code == 0


async def test_an_agent_whose_guid_is_gone_from_the_roster_is_not_sent(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _stopped(made)
        roster = made.write(AGENTS)
        roster.write_text(roster.read_text().replace(f"110,{made.gateway.sign_in('110')}", "110,"))
        result = await made.resume()
        assert result.causes == {"no_guid": 1}
        assert made.requests == 9


@pytest.mark.parametrize(
    "agents",
    [range(101, 112), range(101, 110)],
    ids=["one more", "one less"],
)
async def test_another_list_of_agents_is_refused(tmp_path: Path, agents: list[int]) -> None:
    async with shift(tmp_path) as made:
        await _stopped(made)
        made.write(agents)
        await _refused(made, ResumeRefused, "--roster")


@pytest.mark.parametrize("again", [pytest.param("resume", marks=pytest.mark.matrix), "--or-resume"])
async def test_another_order_of_rows_is_the_same_roster(tmp_path: Path, again: str) -> None:
    """With fresh GUIDs, which go by agents and not by rows; so is one that names somebody twice."""
    async with shift(tmp_path) as made:
        await _stopped(made)
        made.sign_in_again(AGENTS)
        made.write([110, *range(101, 111)][::-1], team="Oak", more=["total,,"])
        if again == "resume":
            done = await made.resume()
        else:
            done = await made.apply(or_resume=True, skip_invalid=True)
            assert made.plan is not None
            assert made.plan.command == "resume"
        assert (done.exit_code, done.rows) == (0, 10)
        assert made.times_set() == {str(agent): 1 for agent in AGENTS}


@pytest.mark.parametrize("again", ["resume", pytest.param("--or-resume", marks=pytest.mark.matrix)])
async def test_a_run_that_an_older_version_planned_is_known_by_its_assignments(
    tmp_path: Path, again: str
) -> None:
    """Its fingerprint is of an order; --or-resume and `resume` go on with it all the same."""
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=3)
        with open_ledger(made.ledger) as database:
            database.write(("UPDATE runs SET fingerprint = ?", [("0" * 64,)]))
        made.write(range(110, 100, -1))
        done = await (made.resume() if again == "resume" else made.apply(or_resume=True))
        assert (done.run_id, done.exit_code) == (first.run_id, 0)
        assert made.times_set() == {str(agent): 1 for agent in AGENTS}
        back = await made.revert(assume_opposite=True)
        assert back.exit_code == 0


async def test_another_flag_is_refused(tmp_path: Path) -> None:
    """Also that of an agent who is done with."""
    flags = dict.fromkeys(AGENTS, 0)
    async with shift(tmp_path) as made:
        left = await _stopped(made, flags)
        done = next(agent for agent in AGENTS if str(agent) not in left)
        made.write(AGENTS, flags={**flags, done: 1})
        await _refused(made, ResumeRefused, "--roster")


async def test_another_gateway_is_refused(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        guids = {agent: made.gateway.sign_in(str(agent)) for agent in AGENTS}
        rows = [f"{agent},{guid},east" for agent, guid in guids.items()]
        made.roster.write_text("\n".join(["agent,guid,gateway", *rows]))
        sections = {
            "east": GatewaySection(url=made.gateway.url),
            "west": GatewaySection(url="https://localhost:1"),
        }
        await made.apply(stop_after=3, gateway="", gateways=sections)
        made.roster.write_text(
            "\n".join(["agent,guid,gateway", *rows[:-1], rows[-1][:-4] + "west"])
        )
        await _refused(made, ResumeRefused, "--roster")


async def test_a_row_that_was_skipped_for_its_gateway_is_the_same_row_again(tmp_path: Path) -> None:
    """The run has no agent on the gateway that its invalid rows name."""
    async with shift(tmp_path) as made:
        guids = {agent: made.gateway.sign_in(str(agent)) for agent in AGENTS}
        rows = [f"{agent},{guid},,0" for agent, guid in guids.items()]
        odd = ["x,g,west,0", "115,g,west,0", "115,g,west,1", "116,g,nowhere,1", "117,g,,2"]
        made.roster.write_text("\n".join(["agent,guid,gateway,flag", *rows, *odd]))
        sections = {"west": GatewaySection(url="https://localhost:1")}
        await made.apply(stop_after=3, flag=None, skip_invalid=5, handover=False, gateways=sections)
        result = await made.resume()
        assert (result.exit_code, result.totals["applied"]) == (0, 10)


async def test_a_roster_that_is_not_there_any_more_is_said_so(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _stopped(made)
        made.roster.unlink()
        await _refused(made, RosterRefused, "--roster")


async def test_another_roster_will_do_where_it_is_named_and_has_all_who_are_left(
    tmp_path: Path,
) -> None:
    """In any order, among any others, with GUIDs of its own."""
    async with shift(tmp_path) as made:
        left = await _stopped(made)
        made.roster.unlink()
        made.sign_in_again(map(int, left))
        others = [*map(int, left), 111, 112]
        random.Random(3).shuffle(others)
        other = made.write(others, name="other.csv")
        assert (await made.resume(roster=str(other))).exit_code == 0
        assert made.times_set() == {str(agent): 1 for agent in AGENTS}
        assert [line.row for line in made.lines()] == list(range(2, 12))


@pytest.mark.parametrize("flags", [False, True], ids=["lacks one", "gives one another flag"])
async def test_another_roster_that_lacks_one_who_is_left_is_refused_by_name(
    tmp_path: Path, *, flags: bool
) -> None:
    async with shift(tmp_path) as made:
        all_off = dict.fromkeys(AGENTS, 0)
        await _stopped(made, all_off if flags else None)
        if flags:
            other = made.write(AGENTS, flags={**all_off, 109: 1}, name="other.csv")
        else:
            other = made.write([x for x in AGENTS if x != 109], name="other.csv")
        await _refused(made, ResumeRefused, r"lacks 1 .*\b109\b", roster=str(other))


async def test_another_roster_with_one_agent_in_both_flags_is_refused(tmp_path: Path) -> None:
    """Both of its rows are invalid, so none of them says anything."""
    async with shift(tmp_path) as made:
        flags = dict.fromkeys(AGENTS, 0)
        await _stopped(made, flags)
        other = made.write(AGENTS, flags=flags, more=["109,x,,1"], name="other.csv")
        await _refused(made, ResumeRefused, r"lacks 1 .*\b109\b", roster=str(other))


async def test_a_run_from_standard_input_needs_a_roster(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        content = made.roster.read_bytes()
        asked = made.request(Path("-"))
        await made.carried_out(asked, stop_after=3, stdin=io.BytesIO(content))
        await _refused(made, ResumeRefused, "--roster PATH")
        await _refused(made, ResumeRefused, "--roster PATH", stdin=io.BytesIO(content))
        assert (await made.resume(roster=str(made.roster), stop_after=1)).exit_code == 130
        assert (await made.resume(roster="-", stdin=io.BytesIO(content))).exit_code == 0


async def test_or_resume_goes_on_with_the_latest_run_of_the_same_roster(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=3)
        made.sign_in_again(AGENTS)
        made.write(AGENTS, team="Oak")
        again = await made.apply(or_resume=True)
        assert made.plan is not None
        assert (made.plan.command, made.plan.run_id) == ("resume", first.run_id)
        assert (again.run_id, again.exit_code, again.rows) == (first.run_id, 0, 10)
        assert [leg.command for leg in made.legs()] == ["apply", "resume"]
        assert made.times_set() == {str(agent): 1 for agent in AGENTS}
        with open_ledger(made.ledger) as database:
            assert len(list_runs(database, 9)) == 1
        once_more = await made.apply(or_resume=True)
        assert once_more.run_id != first.run_id, "nothing was left of it"
        assert set(made.times_set().values()) == {2}


@pytest.mark.parametrize("what", ["flag", "roster", "age", "gateway"])
async def test_or_resume_begins_a_new_run_where_there_is_none_to_go_on_with(
    tmp_path: Path, what: str
) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=3)
        more: dict[str, Any] = {}
        if what == "flag":
            more["flag"] = 1
        elif what == "roster":
            made.write(range(101, 112))
        elif what == "age":
            made.clock.ahead_ms += 7_300_000
        else:
            more["gateways"] = {"east": GatewaySection(url=made.gateway.url)}
            more["gateway"] = "east"
        again = await made.apply(or_resume=True, **more)
        assert again.run_id != first.run_id
        assert (again.exit_code, again.totals["applied"]) == (0, again.rows)
        assert set(made.rights().values()) == {more.get("flag", 0), None}


async def test_or_resume_leaves_what_a_later_run_has_set_as_superseded(tmp_path: Path) -> None:
    """However many that are, and be it all that was left: no new run is begun instead."""
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=3)
        left = {int(agent) for agent, stands in made.stands().items() if stands != "applied"}
        await made.apply(made.write([101, min(left)], name="two.csv"), flag=1)
        again = await made.apply(or_resume=True)
        assert (again.run_id, again.exit_code) == (first.run_id, 4)
        assert again.causes == {"superseded": 1}
        assert {made.rights()["101"], made.rights()[str(min(left))]} == {1}
        assert sum(made.times_set().values()) == 10 + 1
    (tmp_path / "b").mkdir()
    async with shift(tmp_path / "b") as made:
        first = await made.apply(stop_after=3)
        left = {int(agent) for agent, stands in made.stands().items() if stands != "applied"}
        await made.apply(made.write(left, name="rest.csv"), flag=1)
        requests = made.requests
        again = await made.apply(or_resume=True)
        assert (again.run_id, again.exit_code) == (first.run_id, 4)
        assert made.requests == requests


async def test_or_resume_says_what_the_latest_finished_run_has_set(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply()
        again = await made.apply(or_resume=True)
        assert again.run_id != first.run_id
        assert made.plan is not None
        assert made.plan.earlier.startswith(f"run {first.run_id} of this roster has set 10 of 10")


async def test_or_resume_of_a_run_that_is_under_way_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "_RETRY_S", 0.0)
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=3)
        assert first.run_id is not None
        requests = made.requests
        lock = RunLock(made.ledger, first.run_id)
        with pytest.raises(RunBusy) as refused:
            await made.apply(or_resume=True)
        lock.release()
        assert refused.value.exit_code == 5
        assert made.requests == requests
        with open_ledger(made.ledger) as database:
            assert [run.id for run in list_runs(database, 9)] == [first.run_id]
        assert not made.ledger.with_name("ledger.sqlite3-runs").exists()


async def test_or_resume_of_a_halted_run_wants_an_override(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        made.write(AGENTS, guids=dict.fromkeys(AGENTS, STALE))
        first = await made.apply(halt_first=3)
        made.write(AGENTS)
        with pytest.raises(GuardrailRefused):
            await made.apply(or_resume=True)
        assert made.requests == 3
        again = await made.apply(or_resume=True, override="looked")
        assert (again.run_id, again.exit_code) == (first.run_id, 0)
        assert made.legs()[1].override == "looked"


async def test_or_resume_does_not_take_a_revert_for_a_run_of_its_roster(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=3)
        reverted = await made.revert(assume_opposite=True, stop_after=1)
        again = await made.apply(or_resume=True)
        assert again.run_id not in {None, reverted.run_id}
        assert 1 in made.rights().values(), "whom the revert has set stays so"


async def test_a_report_in_the_place_of_the_roster_is_refused(tmp_path: Path) -> None:
    """Before anything is sent, as an apply does."""
    async with shift(tmp_path) as made:
        await _stopped(made)
        content = made.roster.read_bytes()
        await _refused(made, SettingsRefused, "would replace", reports=(made.roster,))
        assert made.roster.read_bytes() == content
