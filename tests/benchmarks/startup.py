"""How long the command takes to start, beside the library it is made with.

    python -m tests.benchmarks.startup [--pairs N]

Each pair starts both in turn, so that what else the machine does weighs on both; the ratio is the
median of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

COMMAND = Path(sys.executable).with_name("bulkagent")
LIBRARY = (sys.executable, "-c", "import click, rich")
STARTS: dict[str, tuple[str, ...]] = {
    "bulkagent --help": (str(COMMAND), "--help"),
    "bulkagent --version": (str(COMMAND), "--version"),
    "bulkagent check samples/evening_shift.csv": (
        *(str(COMMAND), "check"),
        str(Path(__file__).parents[2] / "samples/evening_shift.csv"),
    ),
}


def took_s(command: Sequence[str]) -> float:
    """Seconds from the start of a command to its end."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="The command's start beside `import click, rich`.")
    parser.add_argument("--pairs", type=int, default=15)
    pairs = parser.parse_args().pairs
    took_s(LIBRARY)
    for name, command in STARTS.items():
        took_s(command)
        measured = [(took_s(command), took_s(LIBRARY)) for _ in range(pairs)]
        ours, library = (statistics.median(side) for side in zip(*measured, strict=True))
        ratio = statistics.median(one / other for one, other in measured)
        print(
            f"{name}: {ours * 1000:.0f} ms;"
            f" `import click, rich` {library * 1000:.0f} ms;"
            f" ratio {ratio:.2f} (median of {pairs} pairs)"
        )


if __name__ == "__main__":
    main()
