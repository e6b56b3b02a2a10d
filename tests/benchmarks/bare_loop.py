"""The least that sends a roster with aiohttp: what the client library costs.

    python -m tests.benchmarks.bare_loop ROSTER URL CA_FILE CONCURRENCY

It reads agent IDs and GUIDs, sends with as many workers as connections, and counts the
replies with retcode "0". It checks nothing, records nothing and reports nothing.
"""

import asyncio
import csv
import json
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp


async def send_all(roster: Path, url: str, ca_file: str, concurrency: int) -> int:
    context = ssl.create_default_context(cafile=ca_file)
    with roster.open(newline="", encoding="utf-8") as file:
        agents = csv.DictReader(file)
        connector = aiohttp.TCPConnector(limit=0, ssl=context)
        async with aiohttp.ClientSession(connector=connector) as session:
            workers = [_work(session, url, agents) for _ in range(concurrency)]
            return sum(await asyncio.gather(*workers))


async def _work(session: aiohttp.ClientSession, url: str, agents: Iterator[dict[str, str]]) -> int:
    applied = 0
    for agent in agents:
        target = f"{url}/agentgateway/resource/onlineagent/{agent['agent_id']}/settalkright?flag=0"
        headers = {"Content-Type": "application/json; charset=UTF-8", "Guid": agent["guid"]}
        async with session.post(target, headers=headers) as response:
            applied += json.loads(await response.read())["retcode"] == "0"
    return applied


if __name__ == "__main__":
    print(asyncio.run(send_all(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))))
