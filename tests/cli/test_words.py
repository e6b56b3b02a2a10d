"""What is said in the end: a dead port, an ambiguous run, doubt where there is none."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from bulkagent.cli.render.result import closing
from bulkagent.errors import LedgerFailed, RunNotFound
from bulkagent.gateway.os_errors import words_of
from bulkagent.ledger import find_run, open_ledger
from bulkagent.model import Cause, Status
from bulkagent.reasons import Said, reason_of, told_once
from bulkagent.reports import ADVICE, advice_for
from bulkagent.run import Consent, Run, write_report
from tests.run.again import shift


def test_a_dead_port_says_connection_refused() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('::1', 1)")
    assert words_of(refused) == "connection refused"
    several = OSError(
        f"Multiple exceptions: [Errno {errno.ECONNREFUSED}] Connect call failed ('::1', 1, 0, 0),"
        f" [Errno {errno.ENETUNREACH}] Connect call failed ('10.0.0.1', 1)"
    )
    assert words_of(several) == "connection refused, network is unreachable"
    assert words_of(OSError("odd")) == ""


async def test_the_summary_and_the_report_of_a_dead_port_say_so(tmp_path: Path) -> None:
    """Nobody listens: connection refused, in screen, page and CSV."""
    async with shift(tmp_path) as made:
        asked = made.request(
            gateway="https://localhost:1", flag=0, give_up_after_s=0.3, ca_file=made.ca_file
        )
        with Run(asked) as run:
            prepared = run.prepare()
            said = closing(prepared.plan, await prepared.execute(Consent.PROGRAM))
            # How many were tried by then depends on the machine.
            assert re.search(r"failed \d+ x connect \(connection refused by localhost:1\): 1", said)
        page = tmp_path / "dead.html"
        with open_ledger(made.ledger) as database:
            write_report(database, "last", page)
        assert "connection refused" in page.read_text()
        assert "connection refused" in (tmp_path / "report.csv").read_text()


@pytest.mark.parametrize("status", [Status.FAILED, Status.NOT_ATTEMPTED, Status.REJECTED])
@pytest.mark.parametrize("cause", list(Cause))
def test_only_unknown_agents_may_have_been_set(cause: Cause, status: Status) -> None:
    """Advice for `unknown` stood beside `failed`."""
    meaning, advice = advice_for(cause, status)
    assert "may have taken effect" not in meaning
    assert "unknown ones" not in meaning
    assert "without any effect" not in meaning or cause is Cause.OVERLOADED
    assert advice == ADVICE[cause][1]
    assert "may have taken effect" in advice_for(cause, Status.UNKNOWN)[0]


async def test_an_ambiguous_run_lists_its_candidates(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        runs = [(await made.apply(job="morning")).run_id or "" for _ in range(2)]
        common = runs[0][:2]
        with open_ledger(made.ledger) as database:
            with pytest.raises(RunNotFound) as refused:
                find_run(database, common)
            assert find_run(database, runs[0]).id == runs[0]
        for run in runs:
            assert f"{run} morning roster.csv" in str(refused.value)


def test_a_full_disk_is_told_once() -> None:
    """The "takes no more records" sentence twice."""
    full = "the ledger /l takes no more records ({}); free space or repair the disk"
    texts = [full.format("database or disk is full"), full.format("disk I/O error")]
    failures = [LedgerFailed(text, full="/l") for text in texts]
    reasons = [*map(reason_of, (*failures, LedgerFailed.while_sending(failures[1])))]
    assert told_once([*reasons, Said("a"), Said("a")]) == f"{texts[0]}; a"
