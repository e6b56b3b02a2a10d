from __future__ import annotations

import csv
from pathlib import Path

from bulkagent.emulator import EmulatedGateway, write_roster


async def test_a_roster_of_those_signed_in(gateway: EmulatedGateway, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    assert write_roster(path, gateway.roster()) == 20
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["agent_id"] for row in rows] == [str(number) for number in range(101, 121)]
    assert all(gateway.sign_in(row["agent_id"]) == row["guid"] for row in rows)


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("an older, longer roster\n" * 10)
    path.chmod(0o644)
    assert write_roster(path, [("101", "g")]) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "agent_id,guid\n101,g\n"


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "roster.csv"
    link.symlink_to(tmp_path / "elsewhere.csv")
    assert write_roster(link, []) == 0
    assert link.is_symlink()
    assert (tmp_path / "elsewhere.csv").stat().st_mode & 0o777 == 0o600
