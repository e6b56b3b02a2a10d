"""A ledger to write in, closed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkagent.ledger import Database, open_ledger


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_ledger(tmp_path / "state" / "ledger.sqlite3") as opened:
        yield opened
