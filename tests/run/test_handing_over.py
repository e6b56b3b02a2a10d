"""Agents coming on shift first, others wait for them. The judge is the gateway's history.

Proves --group-by, --handover, --gate, --floor, --allow-closing, --canary, --wait-for-sign-in,
--up-means, --absent-ok, --override; guide "A permission is not a person", "Resume and revert", "The
rule", "Canaries", "Agents who are not signed in yet", "Agents who have gone already", "A shift
change that is set back".
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bulkagent.emulator import FaultKind
from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.events import AgentState
from bulkagent.engine.gates.gate import NotYet
from bulkagent.errors import GuardrailRefused, RosterRefused
from bulkagent.ledger import Lane, RunRecord, contested, find_run, open_ledger
from bulkagent.model import Cause
from bulkagent.run.handover.rules import gatekeeper_for
from bulkagent.settings import GatewaySection, Settings
from tests.run.again import AGENTS, MovedClock, Shift, code, fault, shift

# Odd agents come on, even ones go off; the roster has them in turn.
FLAGS = {agent: agent % 2 for agent in AGENTS}
ON = {str(agent) for agent in AGENTS if agent % 2}
OFF = {str(agent) for agent in AGENTS if not agent % 2}
BOTH = {"flag": None}


class HastyClock(MovedClock):
    """A clock by which waiting takes a hundredth of the time.

    A machine that is too busy to look at it moves it by a second at most, so that no window ends
    before what is to happen within it has had its turn.
    """

    speed = 100.0
    longest_s = 1.0

    def __init__(self) -> None:
        super().__init__()
        self._real = self.monotonic
        self._looked = self._now = self._real()
        self.monotonic = self._hasty

    def _hasty(self) -> float:
        looked = self._real()
        self._now += min((looked - self._looked) * self.speed, self.longest_s)
        self._looked = looked
        return self._now

    async def sleep(self, seconds: float) -> None:
        until = self._hasty() + seconds
        await super().sleep(seconds / self.speed)
        self._now = max(self._now, until)


@contextlib.asynccontextmanager
async def shift_of(folder: Path) -> AsyncIterator[Shift]:
    folder.mkdir()
    async with shift(folder) as made:
        yield made


def both(made: Shift, *, teams: bool = False) -> Path:
    """A roster with both flags; the first six are of one team, the others of another."""
    path = made.write(AGENTS, flags=FLAGS, team="red")
    if teams:
        path.write_text(
            "".join(
                line.replace(",red,", ",blue,") if line[:3] > "106" and line[0] == "1" else line
                for line in path.read_text().splitlines(keepends=True)
            )
        )
    return path


async def test_who_comes_on_is_set_before_anybody_goes_off(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        result = await made.apply(both(made), **BOTH)
        assert result.exit_code == 0
        assert [flag for _, flag in made.history()] == [1] * 5 + [0] * 5
        assert made.plan is not None
        assert str(made.plan.order).startswith(
            "handover: agents coming on shift first; gate 95%, no floor"
        )
        assert made.plan.hint == "team"


async def test_without_a_handover_the_order_is_the_rosters(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        result = await made.apply(both(made), handover=False, **BOTH)
        assert result.exit_code == 0
        assert made.history() == [(str(agent), flag) for agent, flag in FLAGS.items()]
        assert made.plan is not None
        assert [(part.flag, part.agents) for part in made.plan.parts] == [("1", 5), ("0", 5)]
        assert "in the order of the roster" in str(made.plan.order)


async def test_a_group_in_trouble_stays_on_and_the_other_hands_over(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-007", "107,109", per_agent=9)) as made:
        result = await made.apply(both(made, teams=True), group_by="Team", **BOTH)
        assert (result.exit_code, result.state) == (6, "halted")
        assert result.causes == {"gateway_error": 2, "gate": 2}
        assert {agent for agent, _ in made.history()} == {*map(str, range(101, 107))}
        assert result.error == "blue: 0 of 2 agents coming on shift are up, the gate needs 2"
        stands = made.stands()
        assert (stands["108"], stands["110"]) == ("not_attempted gate",) * 2
        made.misbehave()
        with pytest.raises(GuardrailRefused, match="a person must look"):
            await made.resume()
        done = await made.resume(override="the gateway is whole")
        assert (done.exit_code, done.totals["applied"]) == (0, 10)
        assert [flag for _, flag in made.history()[6:]] == [1, 1, 0, 0]


async def test_a_resume_of_some_causes_alone_goes_by_the_same_rule(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-007", "101,103", per_agent=9)) as made:
        assert (await made.apply(both(made), **BOTH)).exit_code == 6
        only = frozenset({Cause.GATE})
        again = await made.resume(only=only, override="let them go")
        assert again.exit_code == 6
        assert not {agent for agent, _ in made.history()} & OFF


async def test_the_floor_leaves_those_on_whom_it_needs(tmp_path: Path) -> None:
    faults = [code("100-009", "101,103", per_agent=9)]
    async with shift(tmp_path, *faults) as made:
        result = await made.apply(both(made), gate=0.5, floor=1.0, **BOTH)
        assert result.exit_code == 6
        assert result.causes == {"not_permitted": 2, "floor": 2}
        assert len(made.history()) == 3 + 3, "five outgoing, three incoming ones in their place"


async def test_the_floor_counts_those_whom_another_run_took_off(tmp_path: Path) -> None:
    """The first roster has two incoming agents only, so three may go off; all three are on top."""
    async with shift(tmp_path, code("100-009", "101,103", per_agent=9)) as made:
        held = await made.apply(both(made), gate=0.5, floor=1.0, **BOTH)
        assert held.causes == {"not_permitted": 2, "floor": 2}
        sent = len(made.history())
        again = await made.apply(both(made), gate=0.5, floor=1.0, **BOTH)
        assert again.run_id != held.run_id
        assert again.causes == {"not_permitted": 2, "floor": 2}
        off = [agent for agent, flag in made.history()[sent:] if not flag]
        assert off == ["102", "104", "106"], "the same three, who take nobody off once more"


async def test_whom_another_run_took_off_stays_so_whatever_is_answered_now(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-009", "101,103", per_agent=9)) as made:
        assert (await made.apply(both(made), gate=0.5, floor=1.0, **BOTH)).exit_code == 6
        made.misbehave(code("100-009", "101,103,102", per_agent=9))
        again = await made.apply(both(made), gate=0.5, floor=1.0, **BOTH)
        assert again.causes == {"not_permitted": 3, "floor": 2}


async def test_an_invalid_incoming_row_counts_as_one_who_is_not_up(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        made.write(AGENTS, flags=FLAGS, more=["x,g,,1"])
        held = await made.apply(skip_invalid=True, **BOTH)
        assert held.exit_code == 6
        assert held.error == "5 of 6 agents coming on shift are up, the gate needs 6"


async def test_nobody_goes_off_where_nobody_comes_on(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        flags = {**FLAGS, 107: 0, 109: 0}
        path = made.write(AGENTS, flags=flags, team="red")
        text = path.read_text()
        path.write_text(
            "".join(
                line.replace(",red,", ",,") if line[:3] > "106" and line[0] == "1" else line
                for line in text.splitlines(keepends=True)
            )
        )
        held = await made.apply(path, group_by="team", **BOTH)
        assert held.causes == {"gate": 4}
        assert held.error == "(none): no agent comes on shift for the agents going off shift"
        done = await made.resume(override="closing early", explicit={"allow_closing": True})
        assert done.exit_code == 0


async def test_a_revert_with_both_flags_is_a_handover(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        assert (await made.apply(both(made), **BOTH)).exit_code == 0
        done = await made.revert(assume_opposite=True)
        assert done.exit_code == 0
        assert [flag for _, flag in made.history()[10:]] == [1] * 5 + [0] * 5


async def test_the_group_column_must_be_one(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        with pytest.raises(RosterRefused, match="no column 'skil'; it has team"):
            await made.apply(both(made), group_by="skil", **BOTH)


async def test_an_unfinished_run_is_gone_on_with_only_in_the_same_order(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        path = both(made)
        first = await made.apply(path, stop_after=3, **BOTH)
        other = await made.apply(path, or_resume=True, group_by="team", stop_after=2, **BOTH)
        assert other.run_id != first.run_id
        same = await made.apply(path, or_resume=True, group_by="team", **BOTH)
        assert (same.run_id, same.exit_code) == (other.run_id, 0)


async def test_whom_a_later_run_took_off_again_is_not_up_any_more(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-007", "101,103", per_agent=9)) as made:
        first = await made.apply(both(made), **BOTH)
        assert first.exit_code == 6
        made.misbehave()
        assert (await made.revert(assume_opposite=True)).totals["applied"] == 3
        again = await made.resume(str(first.run_id), override="looked")
        assert again.exit_code == 6
        assert again.error == "2 of 5 agents coming on shift are up, the gate needs 5"
        assert not {agent for agent, flag in made.history() if agent in OFF}


async def test_whom_another_run_set_as_well_is_up(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-007", "101,103", per_agent=9)) as made:
        first = await made.apply(both(made), **BOTH)
        made.misbehave()
        some = made.write([101, 103], name="some.csv")
        assert (await made.apply(some, flag=1)).exit_code == 0
        again = await made.resume(str(first.run_id), override="two were set by hand")
        assert again.causes == {"superseded": 2}
        assert {agent for agent, flag in made.history() if not flag} == OFF


async def test_whom_another_run_set_and_this_one_sets_again_counts_once(tmp_path: Path) -> None:
    """Two runs of one roster are stopped after one agent. The first then sets three of the rest."""
    troubles = [code("100-007", "101"), code("100-007", "109", per_agent=99)]
    async with shift(tmp_path, *troubles) as made:
        stopped = [await made.apply(both(made), stop_after=1, **BOTH) for _ in range(2)]
        for run in stopped:
            held = await made.resume(str(run.run_id))
            assert held.error == "4 of 5 agents coming on shift are up, the gate needs 5"
        twice = {agent for agent, times in made.times_set().items() if times == 2}
        assert twice == {"103", "105", "107"}
        assert not {agent for agent, _ in made.history()} & OFF


async def test_whom_another_run_set_and_who_has_left_since_is_not_up(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-007", "101")) as made:
        stopped = [await made.apply(both(made), stop_after=1, **BOTH) for _ in range(2)]
        await made.resume(str(stopped[0].run_id))
        made.misbehave(code("100-008", "109", per_agent=99))
        held = await made.resume(str(stopped[1].run_id))
        assert held.error == "4 of 5 agents coming on shift are up, the gate needs 5"


async def test_a_floor_does_not_forget_who_is_not_there_when_he_is_protected(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path, code("100-008", "102,104", per_agent=99)) as made:
        flags = {agent: int(agent in {101, 103}) for agent in AGENTS}
        path = made.write(AGENTS, flags=flags)
        held = await made.apply(path, floor=1.0, **BOTH)
        assert (held.causes["floor"], held.causes["not_signed_in"]) == (6, 2)
        guard = tmp_path / "guard.csv"
        guard.write_text("102\n104\n")
        again = await made.resume(override="looked", explicit={"protect": (guard,)})
        assert again.causes["floor"] == 6, "they are as absent as before"


async def test_a_revert_counts_those_who_do_not_come_back(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        assert (await made.apply(both(made), **BOTH)).exit_code == 0
        guard = tmp_path / "guard.csv"
        guard.write_text("102\n104\n106\n108\n")
        held = await made.revert(assume_opposite=True, explicit={"protect": (guard,)})
        assert held.exit_code == 6
        assert held.causes == {"protected": 4, "gate": 5}
        assert [flag for _, flag in made.history()[10:]] == [1]


async def test_a_revert_does_not_count_on_those_whom_a_later_run_has(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(both(made), **BOTH)
        stay_off = made.write([102, 104], name="stay_off.csv")
        assert (await made.apply(stay_off, flag=0)).exit_code == 0
        held = await made.revert(str(first.run_id), assume_opposite=True)
        assert (held.exit_code, held.causes) == (6, {"superseded": 2, "gate": 5})
        assert held.error == "3 of 5 agents coming on shift are up, the gate needs 5"


async def test_a_revert_needs_nobody_in_place_of_those_whom_a_later_run_has_on(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(both(made), **BOTH)
        assert (await made.apply(made.write([102, 104], name="on.csv"), flag=1)).exit_code == 0
        done = await made.revert(str(first.run_id), assume_opposite=True)
        assert (done.exit_code, done.causes) == (4, {"superseded": 2})
        assert all(made.rights()[agent] == 0 for agent in ON)


async def test_a_floor_of_a_revert_counts_those_as_off_whom_a_later_run_has_off(
    tmp_path: Path,
) -> None:
    """Five would go off and one comes back; two of the five are off already, and two must stay."""
    async with shift(tmp_path) as made:
        flags = {agent: int(agent < 106) for agent in range(101, 107)}
        first = await made.apply(made.write(flags, flags=flags), **BOTH)
        assert (await made.apply(made.write([101, 102], name="off.csv"), flag=0)).exit_code == 0
        floor = {"floor": 0.4}
        held = await made.revert(str(first.run_id), assume_opposite=True, explicit=floor)
        assert held.causes == {"superseded": 2, "floor": 1}
        assert sum(made.rights()[str(agent)] or 0 for agent in flags) == 2


@pytest.mark.parametrize("closing", [False, True])
async def test_a_revert_closes_no_group_to_which_a_later_run_has_brought_all_back(
    tmp_path: Path, *, closing: bool
) -> None:
    """The floor still counts, with --allow-closing too, although nobody comes on by the revert."""
    async with shift(tmp_path) as made:
        flags = {agent: int(agent < 106) for agent in range(101, 107)}
        first = await made.apply(made.write(flags, flags=flags), **BOTH)
        assert (await made.apply(made.write([106], name="on.csv"), flag=1)).exit_code == 0
        rules = {"floor": 0.4, "allow_closing": closing}
        held = await made.revert(str(first.run_id), assume_opposite=True, explicit=rules)
        assert held.exit_code == 6
        assert held.causes == {"superseded": 1, **({"floor": 2} if closing else {"gate": 5})}


async def test_a_stop_closes_no_gate(tmp_path: Path) -> None:
    """One gateway stops before the other, whose agents wait for those of the first."""
    async with shift(tmp_path) as made, shift_of(tmp_path / "west") as west:
        rows = [
            f"{agent},{guid},{name},{flag}"
            for name, far, flag in (("east", made, 1), ("west", west, 0))
            for agent in AGENTS
            if (guid := far.gateway.sign_in(str(agent)))
        ]
        path = tmp_path / "two.csv"
        path.write_text("\n".join(["agent,guid,gateway,flag", *rows]))
        sections = {
            name: GatewaySection(url=far.gateway.url, ca_file=str(far.ca_file))
            for name, far in (("east", made), ("west", west))
        }
        result = await made.apply(
            path, stop_after=3, gateway="", gateways=sections, ca_file=None, **BOTH
        )
        assert (result.exit_code, result.state) == (130, "interrupted")
        assert set(result.causes) == {"interrupted"}
        done = await made.resume()
        assert done.exit_code == 0
        assert len(west.history()) == 10


# Canaries.


async def test_bad_canaries_leave_the_others_as_they_are(tmp_path: Path) -> None:
    async with shift(tmp_path, code("000-003", "101-102", per_agent=9)) as made:
        result = await made.apply(canary=3)
        assert (result.exit_code, result.state) == (6, "halted")
        assert result.causes == {"canary": 7, "guid_refused": 2}
        assert made.requests == 3
        assert "a canary got guid_refused" in str(result.error)


async def test_good_canaries_let_the_others_go_on(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        result = await made.apply(canary=3, concurrency=4)
        assert (result.exit_code, made.requests) == (0, 10)


async def test_canaries_of_a_handover_are_of_those_who_come_on_in_every_group(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path, code("100-009", "101,107", per_agent=9)) as made:
        path = both(made, teams=True)
        result = await made.apply(path, group_by="team", canary=2, gate=0.0, **BOTH)
        assert result.exit_code == 6
        assert made.requests == 2
        assert {agent for agent, stands in made.stands().items() if "rejected" in stands} == {
            "101",
            "107",
        }


# Up means available.


class Desks:
    """What agents do at their desks, as the gateway says it."""

    def __init__(self, made: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away: dict[str, int] = {}
        """Agent ID -> for how many more questions he is busy."""
        self.asked = 0
        state = made.gateway._emulation.agents.state

        def seen(_agents: Agents, agent_id: str) -> AgentState:
            self.asked += 1
            if self.away.get(agent_id, 0) > 0:
                self.away[agent_id] -= 1
                return AgentState.BUSY
            return state(agent_id)

        monkeypatch.setattr(Agents, "state", seen)


async def test_who_comes_on_must_be_seen_to_take_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shift(tmp_path) as made:
        desks = Desks(made, monkeypatch)
        available: dict[str, Any] = {"up_means": "available", **BOTH}
        desks.away = {"105": 1}
        held = await made.apply(both(made), **available)
        assert held.exit_code == 6
        assert held.error == "4 of 5 agents coming on shift are up, the gate needs 5"
        assert held.causes == {"gate": 5}
        assert desks.asked == 5
        done = await made.resume(override="he is back at his desk")
        assert done.exit_code == 0
        assert desks.asked == 10, "each is looked at anew"
        assert [flag for _, flag in made.history()] == [1] * 5 + [0] * 5


async def test_within_the_window_one_looks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shift(tmp_path) as made:
        desks = Desks(made, monkeypatch)
        desks.away = {"105": 3, "107": 999}
        made.clock = HastyClock()
        settings: dict[str, Any] = {
            "up_means": "available",
            "wait_for_sign_in_s": 200.0,
            "gate": 0.8,
        }
        result = await made.apply(both(made), **settings, **BOTH)
        assert result.exit_code == 0
        assert desks.away["105"] == 0
        desks.away = {"105": 999}
        again = await made.revert(assume_opposite=True)
        assert again.exit_code == 0, "whoever goes off is not looked at"


async def test_who_is_set_when_the_window_is_over_is_looked_at_once_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shift(tmp_path) as made:
        Desks(made, monkeypatch)
        settings: dict[str, Any] = {"up_means": "available", "wait_for_sign_in_s": 0.001}
        result = await made.apply(both(made), **settings, **BOTH)
        assert result.exit_code == 0


# Agents who are not signed in.


async def test_who_signs_in_late_is_set_then(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-006", "103-104", per_agent=3)) as made:
        made.clock = HastyClock()
        result = await made.apply(wait_for_sign_in_s=900.0)
        assert result.exit_code == 0
        assert result.retries == 6
        last = [agent for agent, _ in made.history()][-2:]
        assert set(last) == {"103", "104"}


async def test_who_does_not_sign_in_within_the_window_has_failed(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-006", "103", per_agent=99)) as made:
        made.clock = HastyClock()
        result = await made.apply(wait_for_sign_in_s=60.0)
        assert result.exit_code == 3
        assert made.stands()["103"] == "failed not_signed_in"
        assert result.retries >= 1


async def test_a_gate_waits_for_those_who_may_still_sign_in(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-006", "103,105", per_agent=2)) as made:
        made.clock = HastyClock()
        result = await made.apply(both(made), wait_for_sign_in_s=300.0, **BOTH)
        assert result.exit_code == 0
        assert [flag for _, flag in made.history()] == [1] * 5 + [0] * 5


@pytest.mark.parametrize(
    ("retcode", "absent_ok", "exit_code"),
    [("100-008", True, 0), ("100-008", False, 3), ("100-006", True, 3), ("000-003", True, 3)],
)
async def test_only_who_is_surely_signed_out_is_as_good_as_off(
    tmp_path: Path, retcode: str, exit_code: int, *, absent_ok: bool
) -> None:
    async with shift(tmp_path, code(retcode, "103", per_agent=9)) as made:
        result = await made.apply(absent_ok=absent_ok)
        assert result.exit_code == exit_code
        assert result.totals["failed"] == 1, "it stays what it is"
        assert (result.next is None) is (exit_code == 0)


async def test_an_absent_incoming_agent_is_never_as_good_as_on(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-008", "103", per_agent=9)) as made:
        assert (await made.apply(flag=1, absent_ok=True)).exit_code == 3


# The opposite of what may still take effect.


async def test_the_opposite_of_a_request_in_doubt_waits_for_twice_the_timeout(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path, fault(FaultKind.RESET_AFTER, "103")) as made:
        assert (await made.apply()).totals["unknown"] == 1
        made.misbehave()
        with open_ledger(made.ledger) as database:
            ((sent_at,),) = database.all("SELECT sent_at FROM outcomes WHERE status = 'unknown'")
        opposite = await made.apply(flag=1, stop_after=1, timeout_s=0.2, connect_timeout_s=0.1)
        assert opposite.run_id is not None
        with open_ledger(made.ledger) as database:
            run = find_run(database, opposite.run_id).run
            until = sent_at + 20_000  # the run that is in doubt had ten seconds for each
            assert contested(RunRecord(database, run), now_ms=until - 1, timeout_s=0.2) == {
                0: until
            }
            assert contested(RunRecord(database, run), now_ms=until, timeout_s=0.2) == {}
            assert contested(RunRecord(database, run), now_ms=until, timeout_s=11.0) == {
                0: until + 2_000
            }
            lane = Lane(0, made.gateway_name, 0, "flag=1", 9)
            clock = MovedClock()
            clock.ahead_ms = sent_at + 3_000 - MovedClock().wall_ms()
            settings = Settings(timeout_s=10.0)
            keeper = gatekeeper_for(
                *(RunRecord(database, run), [lane], settings),
                only=(),
                clock=clock,
                held_back=lambda _group, _end: None,
            )
            assert keeper is not None
            now = clock.monotonic()
            held = keeper.ask(0, now)
            assert isinstance(held, NotYet)
            assert held.at - now == pytest.approx(17.0, abs=0.5)
