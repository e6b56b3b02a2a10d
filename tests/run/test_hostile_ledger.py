"""A ledger that somebody else wrote to sends nothing anywhere: endpoint, agent IDs, settings.

README: "--gateway" of resume and revert, "The ledger".
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from bulkagent.emulator import EmulatedGateway
from bulkagent.errors import BulkagentError, LedgerUnavailable, ResumeRefused
from bulkagent.ledger import EndpointRecord
from bulkagent.run.plan.recorded_checks import refuse_moved
from bulkagent.settings import ConfigFile, GatewaySection
from tests.run.again import Shift, code, shift

EAST = GatewaySection(url="https://east.example:8043")


def _change(made: Shift, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(made.ledger, isolation_level=None)) as connection:
        connection.execute(statement, values)


async def _refused(made: Shift, *, by: type[BulkagentError]) -> str:
    """Neither a resume nor a revert of the last run sends anything; what is said."""
    texts = []
    for again in (made.resume, made.revert):
        before = made.requests
        with pytest.raises(by) as refused:
            await again(roster=str(made.roster))
        assert made.requests == before
        texts.append(str(refused.value))
    return "\n".join(texts)


async def test_a_changed_endpoint_in_the_ledger_gets_nothing_unless_it_is_given(
    tmp_path: Path,
) -> None:
    """`resume --yes` of a run whose gateway was another: its GUIDs would go there."""
    async with shift(tmp_path, code("100-006", "102")) as made:
        await made.apply()
        other = EmulatedGateway(agent_ids=range(101, 121), agent_id_range=(101, 120))
        async with other:
            for agent in range(101, 111):
                other.sign_in(str(agent))
            _change(made, "UPDATE endpoints SET url = ?", other.url)
            text = await _refused(made, by=ResumeRefused)
            assert f"--gateway {other.url}" in text
            with pytest.raises(ResumeRefused, match="A run stays at its gateways"):
                await made.resume(gateway=made.gateway.url)
            assert other.stats().requests == 0
            made.ca_file.write_bytes(other.ca_pem)
            await made.resume(gateway=other.url)
            assert other.stats().requests == 1
            assert made.plan is not None
            assert made.plan.addresses == {made.gateway_name: other.url}


async def test_a_name_that_means_another_gateway_today_is_refused(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-006", "102")) as made:
        named = ConfigFile(gateways={"east": GatewaySection(url=made.gateway.url)})
        asked = made.request(gateway="east")
        await made.carried_out(
            replace(asked, settings=replace(asked.settings, gateways=named.gateways))
        )
        choices = replace(made.choices({}), file=ConfigFile(gateways={"east": EAST}))
        with pytest.raises(ResumeRefused, match=made.gateway.url):
            await made.resume(choices=choices)
        before = made.requests
        await made.resume(choices=replace(made.choices({}), file=named))
        assert made.requests == before + 1
        assert made.plan is not None
        assert made.plan.addresses == {"east": made.gateway.url}
        assert made.plan.places == (f"east is {made.gateway.url}, CA file {made.ca_file}",)


@pytest.mark.parametrize(
    ("name", "url", "given", "refused"),
    [
        ("east", "https://east.example:8043", "", ""),
        ("east.example:8043", "https://east.example:8043", "", ""),
        ("east.example", "https://east.example/behind", "", ""),
        ("east", "https://evil.example", "", "is https://east.example:8043 today"),
        ("west", "https://west.example", "", ""),
        ("west.example", "https://evil.example", "", "is https://west.example today"),
        ("[::1]:8043", "https://[::2]:8043", "", "is https://[::1]:8043 today"),
        ("west", "https://west.example", "https://west.example:443", ""),
        ("west", "https://west.example", "west", "no valid"),
        ("east", "https://evil.example", "east", "A run stays"),
        ("east", "http://evil.example", "", "is https://east.example:8043 today"),
        ("x:1", "not at all", "", "is https://x:1 today"),
    ],
)
def test_where_a_gateway_may_be(name: str, url: str, given: str, refused: str) -> None:
    recorded = [EndpointRecord(name, url, {})]
    if not refused:
        refuse_moved("R", recorded, {"east": EAST}, asked="", given=given)
        return
    with pytest.raises(BulkagentError, match=r"https://|not at all") as error:
        refuse_moved("R", recorded, {"east": EAST}, asked="", given=given)
    assert refused in str(error.value) or given == "west"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE assignments SET agent_id = '101/forcelogout?x=' WHERE row = 3",
        "UPDATE assignments SET agent_id = CAST(x'3130310031' AS TEXT) WHERE row = 3",
        "UPDATE assignments SET agent_id = '1011011' WHERE row = 3",
        "UPDATE assignments SET agent_id = '' WHERE row = 3",
        "UPDATE assignments SET arguments = 'flag=1&x=2' WHERE row = 3",
        "UPDATE assignments SET gateway = 'elsewhere' WHERE row = 3",
        "UPDATE lanes SET gateway = 'elsewhere'",
        "DELETE FROM endpoints",
        "UPDATE runs SET operation = 'forcelogout'",
        "UPDATE runs SET settings = '{}'",
        "UPDATE runs SET settings = json_set(settings, '$.concurrency', 'many')",
        "UPDATE runs SET settings = json_set(settings, '$.reports', json('[1]'))",
        "UPDATE runs SET settings = json_set(settings, '$.gateway', json('{}'))",
        "UPDATE runs SET settings = json_set(settings, '$.flag', 7)",
        "UPDATE runs SET settings = json_set(settings, '$.sessions', 7)",
    ],
)
async def test_values_that_bulkagent_never_writes_are_refused(tmp_path: Path, change: str) -> None:
    async with shift(tmp_path, code("100-006", "102")) as made:
        await made.apply()
        _change(made, change)
        assert "content that bulkagent does not write" in await _refused(made, by=LedgerUnavailable)


async def test_a_report_path_in_the_ledger_replaces_no_other_file(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-006", "102")) as made:
        await made.apply()
        other = tmp_path / "accounts.json"
        other.write_text('{"name": "precious"}')
        settings = "json_set(settings, '$.reports', json(?))"
        _change(made, f"UPDATE runs SET settings = {settings}", json.dumps([str(other)]))  # noqa: S608
        with pytest.raises(ResumeRefused, match="is not the report of this run"):
            await made.resume()
        assert other.read_text() == '{"name": "precious"}'
        (tmp_path / "report.csv").write_text("row;agent_id;gateway;flag\n2;101;x;0\n")
        _change(
            made,
            f"UPDATE runs SET settings = {settings}",  # noqa: S608
            json.dumps([str(tmp_path / "report.csv")]),
        )
        await made.resume()


async def test_what_another_run_is_said_to_have_set_is_judged_before_a_revert_goes_by_it(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        await made.apply(flag=0)
        _change(made, "UPDATE assignments SET arguments = 'flag=2' WHERE run = 1 AND row = 3")
        before = made.requests
        with pytest.raises(LedgerUnavailable, match="content that bulkagent does not write"):
            await made.revert()
        assert made.requests == before
