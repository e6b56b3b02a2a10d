"""What `bulkagent apply` does, in ten lines of Python."""

import asyncio
import sys
from pathlib import Path

import bulkagent


async def main() -> int:
    roster = Path(__file__).with_name("evening_shift.csv")
    result = await bulkagent.apply(roster, gateway="emulated", flag=0, reports=["shift.jsonl"])
    print(f"{result.totals['applied']} of {result.rows} agents set, report in {result.reports[0]}")
    return result.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
