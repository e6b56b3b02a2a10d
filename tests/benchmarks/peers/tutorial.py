"""The script of every tutorial: aiohttp, a semaphore, and gather over a task for each row."""

import asyncio
import csv
import ssl
import sys
import time
from pathlib import Path

import aiohttp

GATEWAYS = dict(each.split("=", 1) for each in sys.argv[4:])


async def set_talk_right(
    session: aiohttp.ClientSession, semaphore: asyncio.Semaphore, agent: dict[str, str]
) -> bool:
    base, agent_id = GATEWAYS[agent["gateway"]], agent["agent_id"]
    target = f"{base}/agentgateway/resource/onlineagent/{agent_id}/settalkright"
    headers = {"Content-Type": "application/json; charset=UTF-8", "Guid": agent["guid"]}
    async with (
        semaphore,
        session.post(target, params={"flag": "0"}, headers=headers) as response,
    ):
        return bool((await response.json())["retcode"] == "0")


async def main(roster: Path, ca_file: str, concurrency: int) -> tuple[int, float]:
    agents = list(csv.DictReader(roster.open(newline="", encoding="utf-8")))
    semaphore = asyncio.Semaphore(concurrency)
    context = ssl.create_default_context(cafile=ca_file)
    connector = aiohttp.TCPConnector(limit=concurrency, ssl=context)
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=connector) as session:
        tasks = [set_talk_right(session, semaphore, agent) for agent in agents]
        return sum(await asyncio.gather(*tasks)), time.perf_counter() - began


if __name__ == "__main__":
    print(*asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
