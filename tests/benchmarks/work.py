"""The work that every subject does: one request for each agent of a synthetic roster.

What may live here: rosters, and the files that other tools want instead. What this room must not
know: the subjects that do the work.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

__all__ = ["CONTENT_TYPE", "FULL_GATEWAY", "Work", "prepared"]

CONTENT_TYPE = "application/json; charset=UTF-8"
FULL_GATEWAY = 59_899
"""Agents that one gateway can have: 101 to 59999, page 1223."""
_FIRST = 101


class Work(msgspec.Struct, frozen=True):
    """A roster in a folder, and who serves it."""

    folder: Path
    gateways: dict[str, str]
    """Name in the roster -> address."""
    agents: int
    concurrency: int

    @property
    def roster(self) -> Path:
        return self.folder / f"roster_{self.agents}.csv"

    @property
    def configuration(self) -> Path:
        return self.folder / "bulkagent.toml"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Agent ID, GUID and gateway of every row; one gateway is full before the next begins."""
        each = itertools.product(self.gateways, range(_FIRST, _FIRST + FULL_GATEWAY))
        for number, (gateway, agent) in enumerate(itertools.islice(each, self.agents)):
            yield str(agent), f"0a1b2c3d-4e5f-4a6b-8c7d-{number:012x}.AgentGateway1", gateway


def prepared(folder: Path, urls: Sequence[str], agents: int, concurrency: int) -> Work:
    """Write the roster of so many agents, and the configuration that names the gateways."""
    gateways = {f"gw{number}": url for number, url in enumerate(urls)}
    work = Work(folder, gateways, agents, concurrency)
    with work.roster.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["agent_id", "guid", "gateway"])
        writer.writerows(work.rows())
    work.configuration.write_text(
        "".join(f'[gateways.{name}]\nurl = "{url}"\n' for name, url in work.gateways.items())
    )
    return work
