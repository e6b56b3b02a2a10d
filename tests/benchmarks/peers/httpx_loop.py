"""httpx, a semaphore, and gather over a task for each row."""

import asyncio
import csv
import ssl
import sys
import time
from pathlib import Path

import httpx

GATEWAYS = dict(each.split("=", 1) for each in sys.argv[4:])


async def main(roster: Path, ca_file: str, concurrency: int) -> tuple[int, float]:
    agents = list(csv.DictReader(roster.open(newline="", encoding="utf-8")))
    semaphore = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    context = ssl.create_default_context(cafile=ca_file)

    async with httpx.AsyncClient(verify=context, limits=limits, timeout=10) as client:

        async def set_talk_right(agent: dict[str, str]) -> bool:
            base, agent_id = GATEWAYS[agent["gateway"]], agent["agent_id"]
            target = f"{base}/agentgateway/resource/onlineagent/{agent_id}/settalkright"
            headers = {"Content-Type": "application/json; charset=UTF-8", "Guid": agent["guid"]}
            async with semaphore:
                reply = await client.post(target, params={"flag": "0"}, headers=headers)
            return bool(reply.json()["retcode"] == "0")

        began = time.perf_counter()
        applied = sum(await asyncio.gather(*(set_talk_right(agent) for agent in agents)))
        return applied, time.perf_counter() - began


if __name__ == "__main__":
    print(*asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
