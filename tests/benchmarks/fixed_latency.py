"""A gateway that holds every request for a fixed time, as a bare asyncio protocol.

    python tests/benchmarks/fixed_latency.py FOLDER MILLISECONDS

Prints its address; a line on standard input is answered with for how long requests were held
since the last one, as JSON. It reads no more of a request than its end.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections import deque
from pathlib import Path

REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 35\r\n\r\n"
    b'{"message":"success","retcode":"0"}'
)


class Holding:
    """Every request that is held, in the order of their ends, for all are held as long."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hold_s: float) -> None:
        self._loop = loop
        self._hold_s = hold_s
        self._held: deque[tuple[float, asyncio.Transport]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._requests, self._total_s, self._highest_s = 0, 0.0, 0.0

    def hold(self, transport: asyncio.Transport) -> None:
        now = self._loop.time()
        self._held.append((now, transport))
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._hold_s, self._answer)

    def _answer(self) -> None:
        now = self._loop.time()
        while self._held and self._held[0][0] + self._hold_s <= now:
            came, transport = self._held.popleft()
            transport.write(REPLY)
            held_s = self._loop.time() - came
            self._requests += 1
            self._total_s += held_s
            self._highest_s = max(self._highest_s, held_s)
        self._timer = (
            self._loop.call_at(self._held[0][0] + self._hold_s, self._answer)
            if self._held
            else None
        )

    def told(self) -> str:
        mean_s = self._total_s / self._requests if self._requests else 0.0
        told = {
            "requests": self._requests,
            "mean_ms": mean_s * 1e3,
            "highest_ms": self._highest_s * 1e3,
        }
        self._requests, self._total_s, self._highest_s = 0, 0.0, 0.0
        return json.dumps(told)


class Connection(asyncio.Protocol):
    """Counts the ends of heads: the requests have no body."""

    def __init__(self, holding: Holding) -> None:
        self._holding = holding
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for _ in heads:
            self._holding.hold(self._transport)  # type: ignore[arg-type]


async def main(folder: Path, milliseconds: float) -> None:
    loop = asyncio.get_running_loop()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    holding = Holding(loop, milliseconds / 1000)
    server = await loop.create_server(lambda: Connection(holding), "127.0.0.1", 0, ssl=tls)
    ended = loop.create_future()

    def asked() -> None:
        if sys.stdin.readline():
            print(holding.told(), flush=True)
        else:
            ended.set_result(None)

    loop.add_reader(sys.stdin, asked)
    print(f"https://localhost:{server.sockets[0].getsockname()[1]}", flush=True)
    await ended


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
