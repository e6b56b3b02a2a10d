"""Where the gateways of a run are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.run_record import RunRecord


class EndpointRecord(msgspec.Struct, frozen=True):
    """Where a gateway's name leads to, as the ledger keeps it."""

    gateway: str
    url: str
    options: Mapping[str, Any]


def endpoints_of(record: RunRecord) -> list[EndpointRecord]:
    """Where a run's gateway names lead to."""
    with read_as_written(record.database):
        return [
            EndpointRecord(gateway, url, msgspec.json.decode(options))
            for gateway, url, options in record.all(_ENDPOINTS)
        ]


_ENDPOINTS = "SELECT gateway, url, options FROM endpoints WHERE run = ? ORDER BY gateway"
