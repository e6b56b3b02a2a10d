"""GUIDs by row, packed: each row gets its own and nobody sees any."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.gateway.credentials import PackedGuids
from tests.gateway.raw import GUID, TO_AGENT_101


async def of_row(guids: PackedGuids, row: int) -> str | None:
    credential = await guids.credential(msgspec.structs.replace(TO_AGENT_101, row=row))
    return credential.guid if credential else None


async def test_a_row_gets_its_own_guid_also_after_gaps() -> None:
    guids = PackedGuids()
    guids.add(2, "second")
    guids.add(5, "fifth")
    guids.add(6, "")
    guids.add(7, "seventh")
    found = [await of_row(guids, row) for row in range(1, 10)]
    assert found == [None, "second", None, None, "fifth", None, "seventh", None, None]


async def test_without_any_guid_every_row_has_none() -> None:
    assert await of_row(PackedGuids(), 1) is None
    assert await of_row(PackedGuids(), 2) is None


@pytest.mark.parametrize("row", [0, 1, 3, 4])
def test_rows_come_in_rising_order(row: int) -> None:
    guids = PackedGuids()
    guids.add(4, "fourth")
    with pytest.raises(ValueError, match=f"row {row} comes after row 4") as refused:
        guids.add(row, GUID)
    assert GUID not in str(refused.value)


def test_repr_shows_no_guid() -> None:
    guids = PackedGuids()
    guids.add(2, GUID)
    assert repr(guids) == "<PackedGuids of 2 rows>"


TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)


@given(rows=st.dictionaries(st.integers(1, 300), TEXTS))
async def test_whatever_went_in_comes_out(rows: dict[int, str]) -> None:
    guids = PackedGuids()
    for row in sorted(rows):
        guids.add(row, rows[row])
    for row in range(1, 302):
        assert await of_row(guids, row) == rows.get(row)
