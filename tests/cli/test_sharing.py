"""Commands on one ledger at one gateway: suspended, joined, by the gateway's own record.

Killed ones are in tests/simulation, where nothing can be suspended.

Proves guide "Several commands at one gateway".
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Emulated, emulated, started
from tests.waiting import HANG_S

LIMIT = 8
EACH = 1_500

SCENARIO = """
seed = 3
[latency]
distribution = "uniform"
low_milliseconds = 20
high_milliseconds = 60
"""


def command(gateway: Emulated, name: str, number: int) -> subprocess.Popen[str]:
    """An apply of the next so many agents."""
    head, *rows = gateway.roster.read_text().splitlines()
    roster = gateway.folder / f"{name}.csv"
    roster.write_text("\n".join([head, *rows[number * EACH : (number + 1) * EACH], ""]))
    return started(
        gateway.folder,
        *("apply", roster, "--flag", 0, "--gateway", gateway.url, "--ca-file", gateway.ca_file),
        *("--concurrency", LIMIT, "--rate", "none", "--report", f"{name}.report.csv"),
        *("--max-agents", EACH, "--yes", "--json"),
    )


def arrive(gateway: Emulated, more: int) -> None:
    """Wait until so many more requests have come."""
    before = gateway.judge("stats")["requests"]
    while gateway.judge("stats")["requests"] < before + more:
        pass


@pytest.mark.soak
def test_the_peak_at_the_gateway_is_the_limit_while_one_is_suspended(
    tmp_path: Path, printed: Callable[[str], None]
) -> None:
    (tmp_path / "uneven.toml").write_text(SCENARIO)
    agents = f"101-{100 + 3 * EACH}"
    with emulated(tmp_path, agents, "--scenario", "uneven.toml") as gateway:
        with (
            command(gateway, "one", 0) as one,
            command(gateway, "two", 1) as two,
        ):
            arrive(gateway, 300)
            two.send_signal(signal.SIGSTOP)
            arrive(gateway, 300)
            with command(gateway, "three", 2) as three:
                arrive(gateway, 300)
                two.send_signal(signal.SIGCONT)
                results = [each.communicate(timeout=HANG_S) for each in (one, two, three)]
        codes = [each.returncode for each in (one, two, three)]
        assert codes == [0, 0, 0], results
        assert json.loads(results[1][0])["totals"]["applied"] == EACH
        stats = gateway.judge("stats")
        assert stats["peak_in_flight"] <= LIMIT
        assert len(gateway.set_to(0)) == 3 * EACH
    printed(f"soak: three commands, SIGSTOP: {stats['peak_in_flight']} at once of {LIMIT}")
