"""The least that sends a roster with aiohttp: what the client library costs.

It reads agent IDs and GUIDs, sends with as many workers as connections, and counts the
replies with retcode "0". It checks nothing, records nothing and reports nothing.
"""

import asyncio
import csv
import json
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp

GATEWAYS = dict(each.split("=", 1) for each in sys.argv[4:] if "=" in each)


async def send_all(roster: Path, ca_file: str, concurrency: int) -> tuple[int, float]:
    context = ssl.create_default_context(cafile=ca_file)
    with roster.open(newline="", encoding="utf-8") as file:
        agents = csv.DictReader(file)
        connector = aiohttp.TCPConnector(limit=0, ssl=context)
        async with aiohttp.ClientSession(connector=connector) as session:
            workers = [_work(session, agents) for _ in range(concurrency)]
            began = time.perf_counter()
            applied = sum(await asyncio.gather(*workers))
            return applied, time.perf_counter() - began


async def _work(session: aiohttp.ClientSession, agents: Iterator[dict[str, str]]) -> int:
    applied = 0
    for agent in agents:
        base, agent_id = GATEWAYS[agent["gateway"]], agent["agent_id"]
        target = f"{base}/agentgateway/resource/onlineagent/{agent_id}/settalkright?flag=0"
        headers = {"Content-Type": "application/json; charset=UTF-8", "Guid": agent["guid"]}
        async with session.post(target, headers=headers) as response:
            applied += json.loads(await response.read())["retcode"] == "0"
    return applied


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """With --aiofastnet the loop that bulkagent's commands run on: what its other choices cost."""
    if "--aiofastnet" not in sys.argv:
        return None
    import aiofastnet

    factory: Callable[[], asyncio.AbstractEventLoop] = aiofastnet.loop_factory()
    return factory


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        print(*runner.run(send_all(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
