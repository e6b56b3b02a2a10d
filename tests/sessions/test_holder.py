"""Sessions held for hours in virtual time: adopted, signed in, polled, lost, left, signed out.

Proves --sign-in-again, --sign-out-on-exit, --poll-pause; guide "Which sessions it holds", "The
end, and going on".
"""

from __future__ import annotations

import asyncio
import itertools

import pytest

from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.sessions_file import SavedSession
from bulkagent.sessions.holder import HoldPolicy
from bulkagent.sessions.sign_in_queue import SignInPace
from bulkagent.sessions.state_machine import SessionState
from tests.jumping import run
from tests.sessions.stage import File, Stage, says

UP = SessionState.UP.value


@pytest.mark.matrix
def test_all_are_signed_in_gently_and_held_for_an_hour() -> None:
    async def main() -> None:
        stage = Stage(50)
        await stage.hold_for(3_600)
        assert stage.gateway.sign_ins == [str(101 + number) for number in range(50)]
        assert stage.gateway.most_at_once <= 4
        assert stage.registry.counts[SessionState.UP] == 50
        assert stage.file.guids == {
            agent: guid for agent, (guid, _, _) in stage.gateway.sessions.items()
        }
        assert not stage.gateway.sign_outs

    run(main())


def test_sign_ins_start_no_faster_than_their_rate() -> None:
    async def main() -> None:
        stage = Stage(30, HoldPolicy(sign_in=SignInPace(per_second=1.0, at_once=30)))
        await stage.hold_for(10)
        assert 9 <= len(stage.gateway.sign_ins) <= 11

    run(main())


def test_polls_come_after_a_pause_and_not_in_step() -> None:
    async def main() -> None:
        stage = Stage(1)
        await stage.hold_for(120)
        at = [moment for moment, _ in stage.gateway.polls]
        gaps = [later - before - 10.0 for before, later in itertools.pairwise(at)]
        assert len(gaps) >= 10
        assert all(0.2 <= gap <= 0.501 for gap in gaps)

    run(main())


def test_a_renewed_guid_is_in_the_file_at_once() -> None:
    async def main() -> None:
        stage = Stage(3)
        task = asyncio.create_task(stage.holder.run())
        renewals = 0
        before: dict[str, str] = {}
        for _ in range(300):
            await asyncio.sleep(1)
            renewals += stage.file.guids != before
            before = stage.file.guids
            issued = {
                agent: guid
                for agent, (guid, at, _) in stage.gateway.sessions.items()
                if stage.clock.monotonic() - at > 0.06
            }
            assert issued.items() <= stage.file.guids.items()
        assert renewals >= 5
        stage.holder.stop()
        await task

    run(main())


def test_a_restart_adopts_and_signs_nobody_in() -> None:
    async def main() -> None:
        first = Stage(20)
        await first.hold_for(100)
        first.gateway.sign_ins.clear()
        again = Stage(20, file=first.file, gateway=first.gateway, found=first.file.now)
        await again.hold_for(300)
        assert first.gateway.sign_ins == []
        assert again.registry.counts[SessionState.UP] == 20

    run(main())


def test_a_session_that_died_meanwhile_is_signed_in_after_the_adoption() -> None:
    async def main() -> None:
        first = Stage(5)
        await first.hold_for(60)
        del first.gateway.sessions["103"]
        first.gateway.sign_ins.clear()
        again = Stage(6, gateway=first.gateway, found=first.file.now)
        first.gateway.polls.clear()
        await again.hold_for(60)
        assert sorted(first.gateway.sign_ins) == ["103", "106"]
        assert again.registry.counts[SessionState.UP] == 6
        # The five were polled before anybody was signed in.
        assert {agent for _, agent in first.gateway.polls[:5]} == {
            "101",
            "102",
            "103",
            "104",
            "105",
        }

    run(main())


def test_one_whose_guid_died_may_linger_and_is_signed_in_after_two_minutes() -> None:
    async def main() -> None:
        found = [SavedSession("g", "101", Credential("dead"), UP)]
        stage = Stage(1, found=found)
        stage.gateway.polled["101"] = [says("000-003")]
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(110)
        assert stage.gateway.sign_ins == []
        await asyncio.sleep(20)
        assert stage.gateway.sign_ins == ["101"]
        stage.holder.stop()
        await task

    run(main())


@pytest.mark.parametrize(
    "state", [SessionState.SIGNING_IN, SessionState.UNKNOWN, SessionState.WRONG_PASSWORD]
)
def test_what_the_file_has_in_doubt_or_refused_is_left_alone(state: SessionState) -> None:
    async def main() -> None:
        stage = Stage(2, found=[SavedSession("g", "101", None, state.value)])
        await stage.hold_for(60)
        assert stage.gateway.sign_ins == ["102"]
        left = SessionState.UNKNOWN if state is SessionState.SIGNING_IN else state
        assert stage.file.states == {"101": left.value, "102": UP}

    run(main())


def test_sessions_of_others_stay_in_the_file_and_are_never_polled() -> None:
    async def main() -> None:
        other = SavedSession("g", "999", Credential("theirs"), UP)
        stage = Stage(1, found=[other])
        await stage.hold_for(60)
        assert other in stage.file.now
        assert {agent for _, agent in stage.gateway.polls} == {"101"}

    run(main())


def test_nobody_is_signed_in_before_that_is_in_the_file() -> None:
    async def main() -> None:
        stage = Stage(3)
        stage.file.full = True
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(60)
        assert stage.gateway.sign_ins == []
        assert stage.writer.trouble == "No space left on device"
        stage.file.full = False
        await asyncio.sleep(10)
        assert len(stage.gateway.sign_ins) == 3
        stage.holder.stop()
        await task

    run(main())


def test_a_stop_ends_although_the_file_cannot_be_written() -> None:
    async def main() -> None:
        stage = Stage(3)
        stage.file.full = True
        await stage.hold_for(10)
        assert stage.gateway.sign_ins == []
        assert stage.registry.counts[SessionState.WAITING] == 3

    run(main())


def test_a_killed_process_leaves_its_sign_ins_noted() -> None:
    """Whatever was sent at any moment stands in the file as it was at that moment."""

    async def main() -> None:
        stage = Stage(10, HoldPolicy(sign_in=SignInPace(per_second=2.0)))
        task = asyncio.create_task(stage.holder.run())
        for _ in range(200):
            await asyncio.sleep(0.05)
            assert set(stage.gateway.sign_ins) <= set(stage.file.states)
        stage.holder.stop()
        await task

    run(main())


@pytest.mark.parametrize("name", ["read_timeout", "reset", "unavailable"])
def test_a_sign_in_in_doubt_is_unknown_and_not_repeated(name: str) -> None:
    async def main() -> None:
        stage = Stage(2)
        stage.gateway.answers["101"] = [says(name)]
        await stage.hold_for(600)
        assert stage.gateway.sign_ins == ["101", "102"]
        assert stage.file.states["101"] == SessionState.UNKNOWN.value
        assert stage.changes[2].why in {name, ""}

    run(main())


@pytest.mark.parametrize("name", ["refused", "dns", "100-021", "too_many", "000-004"])
def test_a_sign_in_that_was_not_taken_up_is_repeated_later(name: str) -> None:
    async def main() -> None:
        stage = Stage(1)
        stage.gateway.answers["101"] = [says(name), says("100-002")]
        await stage.hold_for(120)
        assert stage.gateway.sign_ins == ["101", "101"]
        assert stage.file.states["101"] == SessionState.ALREADY_SIGNED_IN.value

    run(main())


def test_a_sign_in_that_is_put_off_again_and_again_is_refused() -> None:
    async def main() -> None:
        stage = Stage(2)
        stage.gateway.answers["101"] = [says("100-003")]
        await stage.hold_for(3_600)
        assert stage.gateway.sign_ins.count("101") == 3
        assert stage.registry.counts[SessionState.REFUSED] == 1

    run(main())


def test_a_refused_password_is_not_tried_again() -> None:
    async def main() -> None:
        stage = Stage(3, HoldPolicy(sign_in_again=True))
        stage.gateway.answers["101"] = [says("100-004")]
        stage.gateway.answers["102"] = [says("110-016")]
        await stage.hold_for(3_600)
        assert stage.gateway.sign_ins == ["101", "102", "103"]
        assert stage.file.states == {
            "101": SessionState.WRONG_PASSWORD.value,
            "102": SessionState.LOCKED.value,
            "103": UP,
        }

    run(main())


def test_ten_refused_passwords_in_a_row_stop_the_sign_ins_and_others_are_held_on() -> None:
    async def main() -> None:
        stage = Stage(100)
        for number in range(120, 160):
            stage.gateway.answers[str(number)] = [says("100-004")]
        await stage.hold_for(1_200)
        refused = stage.registry.counts[SessionState.WRONG_PASSWORD]
        # Those in flight when the tenth came.
        assert 10 <= refused <= 13
        assert stage.holder.sign_in_queue.lockout_guard.verdict
        assert stage.registry.counts[SessionState.UP] == 19
        assert len(stage.gateway.sign_ins) == 19 + refused

    run(main())


def test_it_ends_by_itself_when_nobody_is_left_to_hold() -> None:
    async def main() -> None:
        stage = Stage(3)
        for agent in ("101", "102", "103"):
            stage.gateway.answers[agent] = [says("100-013")]
        async with asyncio.timeout(60):
            await stage.holder.run()
        assert not stage.holder.sign_in_queue.lockout_guard.verdict
        assert stage.registry.counts[SessionState.REFUSED] == 3

    run(main())


def test_an_agent_at_a_desk_is_left_there() -> None:
    async def main() -> None:
        stage = Stage(1)
        stage.gateway.answers["101"] = [says("100-002")]
        await stage.holder.run()
        assert (stage.gateway.forced, stage.gateway.polls) == ([], [])
        assert stage.file.states == {"101": SessionState.ALREADY_SIGNED_IN.value}

    run(main())


def test_an_agent_at_a_desk_is_thrown_off_where_a_person_agreed() -> None:
    async def main() -> None:
        stage = Stage(2, HoldPolicy(sign_in=SignInPace(force=True)))
        stage.gateway.answers["101"] = [says("100-002")]
        await stage.hold_for(60)
        assert stage.gateway.forced == ["101"]
        assert stage.file.states == {"101": UP, "102": UP}

    run(main())


def test_a_lost_session_is_lost() -> None:
    async def main() -> None:
        stage = Stage(2)
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(60)
        del stage.gateway.sessions["101"]
        await asyncio.sleep(600)
        assert stage.file.states == {"101": SessionState.LOST.value, "102": UP}
        assert "101" not in stage.file.guids
        assert stage.gateway.sign_ins == ["101", "102"]
        polls = len([agent for _, agent in stage.gateway.polls if agent == "101"])
        await asyncio.sleep(600)
        assert polls == len([agent for _, agent in stage.gateway.polls if agent == "101"])
        stage.holder.stop()
        await task

    run(main())


def test_a_lost_session_is_signed_in_again_a_minute_later_where_asked_for() -> None:
    async def main() -> None:
        stage = Stage(1, HoldPolicy(sign_in_again=True))
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(60)
        del stage.gateway.sessions["101"]
        await asyncio.sleep(50)
        assert stage.gateway.sign_ins == ["101"]
        await asyncio.sleep(60)
        assert stage.gateway.sign_ins == ["101", "101"]
        assert stage.file.states == {"101": UP}
        stage.holder.stop()
        await task

    run(main())


@pytest.mark.parametrize("name", ["refused", "read_timeout", "000-004", "105-002", "100-007"])
def test_a_poll_without_an_answer_is_tried_again_within_the_sessions_life(name: str) -> None:
    async def main() -> None:
        stage = Stage(1)
        stage.gateway.polled["101"] = [says(name)] * 10
        await stage.hold_for(300)
        states = [change.after for change in stage.changes]
        assert states == [
            SessionState.SIGNING_IN,
            SessionState.UP,
            SessionState.TROUBLED,
            SessionState.UP,
        ]
        at = [moment for moment, _ in stage.gateway.polls[:11]]
        assert at[-1] - at[0] < 100
        assert all(0.2 <= later - before <= 15.1 for before, later in itertools.pairwise(at))

    run(main())


def test_a_renewal_that_got_lost_is_asked_for_again() -> None:
    """The gateway hands a renewed GUID out once; the old one dies before it renews again."""

    async def main() -> None:
        stage = Stage(5)
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(50)
        stage.gateway.losing = True
        await asyncio.sleep(25)
        stage.gateway.losing = False
        await asyncio.sleep(600)
        assert stage.registry.counts[SessionState.UP] == 5
        assert sorted(stage.gateway.renewals) == ["101", "102", "103", "104", "105"]
        stage.holder.stop()
        await task
        assert stage.file.guids == {
            agent: guid for agent, (guid, _, _) in stage.gateway.sessions.items()
        }

    run(main())


def test_an_adopted_session_has_its_guid_renewed_once() -> None:
    """The hold before may have been killed with the renewal on its way."""

    async def main() -> None:
        stage = Stage(2, found=[SavedSession("g", "101", Credential("old"), UP)])
        now = stage.clock.monotonic()
        stage.gateway.sessions["101"] = ("new", now, now)
        stage.gateway.superseded["old"] = ("101", now + 60)
        await stage.hold_for(300)
        assert stage.gateway.sign_ins == ["102"]
        assert stage.gateway.renewals == ["101"]

    run(main())


def test_a_gateway_that_stays_away_is_given_up() -> None:
    async def main() -> None:
        stage = Stage(1)
        stage.gateway.polled["101"] = [says("refused")] * 1_000
        async with asyncio.timeout(900):
            await stage.holder.run()
        assert stage.file.states == {"101": SessionState.LOST.value}
        assert len(stage.gateway.polls) < 150

    run(main())


def test_at_a_stop_sessions_are_left_as_they_are() -> None:
    async def main() -> None:
        stage = Stage(5)
        await stage.hold_for(30)
        assert stage.gateway.sign_outs == []
        assert len(stage.gateway.sessions) == len(stage.file.guids) == 5

    run(main())


def test_at_a_stop_sign_ins_in_flight_end_and_noted_ones_are_not_in_doubt() -> None:
    async def main() -> None:
        stage = Stage(20, HoldPolicy(sign_in=SignInPace(per_second=40.0)))
        await stage.hold_for(0.3)
        counts = stage.registry.counts
        assert counts[SessionState.UP] == len(stage.gateway.sign_ins) > 0
        assert counts[SessionState.WAITING] == 20 - counts[SessionState.UP]
        assert len(stage.file.guids) == counts[SessionState.UP]

    run(main())


def test_a_sign_in_that_is_cut_off_is_in_doubt() -> None:
    async def main() -> None:
        stage = Stage(1)
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(0.3)
        assert stage.gateway.sign_ins == ["101"]
        stage.holder.cut()
        await task
        assert stage.file.states == {"101": SessionState.UNKNOWN.value}

    run(main())


def test_at_the_end_all_are_signed_out_where_asked_for() -> None:
    async def main() -> None:
        stage = Stage(40, HoldPolicy(sign_out_on_exit=True))
        await stage.hold_for(60)
        assert sorted(stage.gateway.sign_outs) == [str(101 + number) for number in range(40)]
        assert stage.registry.counts[SessionState.SIGNED_OUT] == 40
        assert stage.file.guids == {}

    run(main())


def test_an_agent_in_a_call_stays_signed_in() -> None:
    async def main() -> None:
        stage = Stage(1, HoldPolicy(sign_out_on_exit=True))
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(60)
        stage.holder.stop()
        await asyncio.sleep(0)
        stage.gateway.polled["101"] = [says("100-010")]
        await task
        assert stage.file.states == {"101": UP}
        (entry,) = stage.registry
        assert entry.why == "sign-out 100-010"

    run(main())


def test_the_whole_file_is_written_at_the_ends_and_seldom_in_between() -> None:
    async def main() -> None:
        file = File()
        stage = Stage(100, HoldPolicy(sign_in=SignInPace(per_second=50.0, at_once=50)), file=file)
        await stage.hold_for(1_200)
        # 100 sessions, renewed each minute: 2,200 lines, of which 1,100 are a reason.
        assert file.writes <= 2 + 3
        assert file.appends > 100

    run(main())


def test_a_line_that_was_torn_is_made_good_by_the_whole() -> None:
    async def main() -> None:
        stage = Stage(5)
        task = asyncio.create_task(stage.holder.run())
        await asyncio.sleep(50)
        writes = stage.file.writes
        stage.file.full = True
        await asyncio.sleep(60)  # all GUIDs are renewed meanwhile
        assert stage.writer.trouble == "No space left on device"
        stage.file.full = False
        await asyncio.sleep(10)
        assert stage.file.writes == writes + 1
        assert stage.writer.trouble == ""
        assert stage.file.guids == {
            agent: guid for agent, (guid, _, _) in stage.gateway.sessions.items()
        }
        stage.holder.stop()
        await task

    run(main())
