"""requests in a pool of threads, one session with as many connections."""

import csv
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter

GATEWAYS = dict(each.split("=", 1) for each in sys.argv[4:])


def main(roster: Path, ca_file: str, concurrency: int) -> tuple[int, float]:
    agents = list(csv.DictReader(roster.open(newline="", encoding="utf-8")))
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=concurrency))

    def set_talk_right(agent: dict[str, str]) -> bool:
        base, agent_id = GATEWAYS[agent["gateway"]], agent["agent_id"]
        target = f"{base}/agentgateway/resource/onlineagent/{agent_id}/settalkright"
        headers = {"Content-Type": "application/json; charset=UTF-8", "Guid": agent["guid"]}
        # Here and not at the session: where the environment names a file, that would win.
        reply = session.post(
            target, params={"flag": "0"}, headers=headers, timeout=10, verify=ca_file
        )
        return bool(reply.json()["retcode"] == "0")

    began = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        return sum(pool.map(set_talk_right, agents)), time.perf_counter() - began


if __name__ == "__main__":
    print(*main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
