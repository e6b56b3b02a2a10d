"""The user of a run is what the kernel says (A19): no LOGNAME, USER or SUDO_USER; --on-behalf-of.

Proves --on-behalf-of; guide "Runs".
"""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.run import run_details, run_list
from bulkagent.run.plan.operator_identity import operator_name, refuse_on_behalf_of
from tests.cli.command import inside
from tests.run.again import shift

USERS = {0: "root", 1000: "ann", 1001: "ops"}


@pytest.mark.parametrize(
    ("uid", "sudo_uid", "said"),
    [
        (1001, "", "ops"),
        (1001, "1000", "ops"),  # anybody can set it who is not root
        (0, "1000", "ann as root"),
        (0, "0", "root"),
        (0, "4242", "4242 as root"),
        (0, "boss", "root"),
        (0, "-5", "root"),
        (0, "9" * 40, "root"),
        (4242, "", "4242"),
    ],
)
def test_who_did_it_is_the_user_id_and_never_logname(
    monkeypatch: pytest.MonkeyPatch, uid: int, sudo_uid: str, said: str
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "boss")
    monkeypatch.setenv("SUDO_UID", sudo_uid)
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(pwd, "getpwuid", lambda asked: SimpleNamespace(pw_name=USERS[asked]))
    assert operator_name() == f"{said}@{socket.gethostname()}"


@pytest.mark.parametrize("claim", ["x" * 201, "two\nlines", "\x1b[2J", "\u202egnp"])
def test_a_claim_that_could_not_be_shown_in_a_line_is_refused(claim: str) -> None:
    with pytest.raises(SettingsRefused, match="--on-behalf-of takes up to 200 printable"):
        refuse_on_behalf_of(claim)


async def test_on_behalf_of_is_kept_with_the_leg_and_shown_as_claimed(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        with pytest.raises(SettingsRefused):
            await made.apply(on_behalf_of="a\tb")
        await made.apply(on_behalf_of="rota 812, dana")
        assert [leg.on_behalf_of for leg in made.legs()] == ["rota 812, dana"]
    (line,) = run_list(made.ledger, 5)
    details = run_details(made.ledger, "last")
    assert line.on_behalf_of == details.run.on_behalf_of == details.legs[0].on_behalf_of
    shown = inside(tmp_path, "show", "last", "--ledger", made.ledger)
    assert "claim   on behalf of rota 812, dana" in shown.out
    for suffix in (".json", ".html"):
        to = tmp_path / f"again{suffix}"
        assert inside(tmp_path, "report", "last", "--to", to, "--ledger", made.ledger).code == 0
        assert "rota 812, dana" in to.read_text()
