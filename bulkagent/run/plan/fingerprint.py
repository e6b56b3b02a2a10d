"""Whether two rosters name the same gateways, agents and flags, in whatever order."""

from __future__ import annotations

import hashlib

from bulkagent.ledger import Database, RunFacts, RunRecord, assigned, find_run

OF_SETS = "set:"
"""What a fingerprint begins with that is of a set; earlier versions kept one of an order."""

_BITS = 1 << 256


class Fingerprint:
    """The sum of SHA-256 over gateway, agent and arguments of each assignment, so of a set.

    Each assignment is taken in once. Defaults count as if each row had named them, so that the
    same file for another gateway or with another flag is another roster.
    """

    def __init__(self) -> None:
        self._sum = 0
        self._count = 0

    def add(self, gateway: str, agent_id: str, arguments: str) -> None:
        """Take an assignment in."""
        self._sum += _number(gateway, agent_id, arguments)
        self._count += 1

    def take_back(self, gateway: str, agent_id: str, arguments: str) -> None:
        """Take out again what was taken in, because it turned out to be no assignment."""
        self._sum -= _number(gateway, agent_id, arguments)
        self._count -= 1

    def hexdigest(self) -> str:
        """The fingerprint of the assignments so far."""
        folded = f"{self._count},{self._sum % _BITS:064x}"
        return OF_SETS + hashlib.sha256(folded.encode()).hexdigest()


def fingerprint_of(database: Database, facts: RunFacts) -> str:
    """The fingerprint of the roster that a run was planned from; "" where nobody kept one.

    A run of an earlier version has one that depends on the order of rows: its assignments, which
    are all in the ledger, are counted anew.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    if not facts.fingerprint or facts.fingerprint.startswith(OF_SETS):
        return facts.fingerprint
    found = Fingerprint()
    for gateway, agent_id, arguments in assigned(
        RunRecord(database, roster_of(database, facts).run)
    ):
        found.add(gateway, agent_id, arguments)
    return found.hexdigest()


def roster_of(database: Database, facts: RunFacts) -> RunFacts:
    """The run that has the roster of a run: a revert has that of the run which it sets back."""
    while facts.reverts is not None:
        facts = find_run(database, facts.reverts)
    return facts


def _number(gateway: str, agent_id: str, arguments: str) -> int:
    # An agent ID and arguments have no line breaks, so nothing else reads the same.
    text = f"{arguments}\n{agent_id}\n{gateway}".encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.sha256(text).digest())
