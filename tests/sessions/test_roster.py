"""Rosters with passwords: what becomes a sign-in, what is refused, and that nothing is shown.

Proves --status, --auto-answer, --max-agents; guide "What state agents are in", "Passwords".
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent.errors import GuardrailRefused, RosterRefused
from bulkagent.roster import RosterRules
from bulkagent.sessions.roster import HoldRoster, SignInChoice, enrol

RULES = RosterRules(require_flag=False, default_gateway="g")
SECRET = "pa55-Wörd,x"
QUOTED = f'"{SECRET}"'


def enrolled(
    folder: Path, text: str, choice: SignInChoice | None = None, max_agents: int | None = None
) -> HoldRoster:
    path = folder / "r.csv"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return enrol(str(path), RULES, choice or SignInChoice(), max_agents=max_agents)


def fields(found: HoldRoster) -> list[dict[str, object]]:
    return [dict(sign_in.fields) for _, sign_in in found.sign_ins]


def test_agents_are_busy_and_do_not_answer_by_themselves(tmp_path: Path) -> None:
    found = enrolled(tmp_path, f"agent_id,Password,Phone Num\n101, {QUOTED},7101\n")
    assert fields(found) == [
        {"status": 3, "autoanswer": False, "password": SECRET, "phonenum": "7101"}
    ]
    assert not found.readable_by_others
    assert SECRET not in repr(found)


def test_no_column_changes_that(tmp_path: Path) -> None:
    text = "agent_id,password,phonenum,status,AutoAnswer\n101,p,7101,4,true\n"
    found = enrolled(tmp_path, text)
    assert fields(found)[0] | {"status": 3, "autoanswer": False} == fields(found)[0]
    assert found.ignored == ("status", "autoanswer")


def test_an_option_does(tmp_path: Path) -> None:
    found = enrolled(
        tmp_path,
        "agent_id,password,phonenum\n101,p,7101\n",
        SignInChoice(status=4, auto_answer=True),
    )
    assert fields(found)[0]["status"] == 4
    assert fields(found)[0]["autoanswer"] is True


def test_other_fields_come_from_columns_of_their_names(tmp_path: Path) -> None:
    text = (
        "agent_id,password,phonenum,agenttype,auto_enter_idle,releasephone,entryIp\n"
        "101,p,7101,4,no,TRUE,10.1.1.1\n102,p,7102,,,,\n"
    )
    found = enrolled(tmp_path, text)
    usual = {"status": 3, "autoanswer": False, "password": "p"}
    assert fields(found) == [
        {
            **usual,
            "phonenum": "7101",
            "agenttype": 4,
            "autoenteridle": False,
            "releasephone": True,
            "entryIp": "10.1.1.1",
        },
        {**usual, "phonenum": "7102"},
    ]


def test_one_password_may_be_for_all_that_have_none(tmp_path: Path) -> None:
    text = "agent_id,password,phonenum\n101,,7101\n102,own,7102\n"
    found = enrolled(tmp_path, text, SignInChoice(password=SECRET))
    assert [one["password"] for one in fields(found)] == [SECRET, "own"]
    assert SECRET not in repr(SignInChoice(password=SECRET))


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("101,,7101", "password", "the password is missing"),
        ("101,p,", "phonenum", "the phone number is missing"),
        (f"101,{'p' * 33},7101", "password", "is longer than 32 characters"),
        ("101,p\x07p,7101", "password", "has a character that does not print"),
        (f"101,p,{'7' * 25}", "phonenum", "is longer than 24 characters"),
        ("99,p,7101", "agent_id", "'99' is not from 101 to 59999"),
    ],
)
def test_a_row_that_cannot_be_signed_in_refuses_the_roster(
    tmp_path: Path, line: str, column: str, reason: str
) -> None:
    with pytest.raises(RosterRefused) as refused:
        enrolled(tmp_path, f"agent_id,password,phonenum\n100,p,1\n{line}\n".replace("100", "150"))
    (bad,) = refused.value.bad_rows
    assert (bad.row, bad.column) == (3, column)
    assert bad.reason.startswith(reason)


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("releasephone", "perhaps", "must be true or false"),
        ("agenttype", "four", "must be a number"),
        ("agenttype", "9" * 10, "must be a number"),
    ],
)
def test_a_cell_of_the_wrong_kind_refuses_the_roster(
    tmp_path: Path, column: str, cell: str, reason: str
) -> None:
    with pytest.raises(RosterRefused) as refused:
        enrolled(tmp_path, f"agent_id,password,phonenum,{column}\n101,p,1,{cell}\n")
    (bad,) = refused.value.bad_rows
    assert (bad.column, bad.reason) == (column, reason)


def test_rows_across_lines_keep_their_own_passwords(tmp_path: Path) -> None:
    text = 'agent_id,note,password,phonenum\n101,"two\nlines",one,1\n\n102,,two,2\n'
    found = enrolled(tmp_path, text)
    assert [one["password"] for one in fields(found)] == ["one", "two"]


def test_a_repeated_row_is_one_agent_and_a_contradiction_is_refused(tmp_path: Path) -> None:
    head = "agent_id,password,phonenum\n101,p,1\n"
    found = enrolled(tmp_path, head + "101,p,1\n")
    assert (len(found.sign_ins), found.rows, found.duplicates) == (1, 2, 1)
    with pytest.raises(RosterRefused) as refused:
        enrolled(tmp_path, head + "101,other,1\n")
    (bad,) = refused.value.bad_rows
    assert bad.reason == "repeats line 2 with another password or another field"


def test_two_password_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RosterRefused, match="could each be the password column"):
        enrolled(tmp_path, "agent_id,password,Pass Word,phonenum\n101,p,q,1\n")


def test_a_row_without_any_gateway_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("agent_id,password,phonenum\n101,p,1\n")
    with pytest.raises(RosterRefused) as refused:
        enrol(str(path), RosterRules(require_flag=False), SignInChoice())
    assert refused.value.bad_rows[0].column == "gateway"


def test_more_agents_than_allowed_are_refused(tmp_path: Path) -> None:
    text = "agent_id,password,phonenum\n101,p,1\n102,p,2\n"
    assert len(enrolled(tmp_path, text, max_agents=2).sign_ins) == 2
    with pytest.raises(GuardrailRefused, match="2 agents and --max-agents allows 1"):
        enrolled(tmp_path, text, max_agents=1)


def test_a_roster_that_others_may_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("agent_id,password,phonenum\n101,p,1\n")
    for mode, noticed in ((0o600, False), (0o640, True), (0o604, True)):
        path.chmod(mode)
        assert enrol(str(path), RULES, SignInChoice()).readable_by_others is noticed
