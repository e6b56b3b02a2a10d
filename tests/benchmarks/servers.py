"""Gateways that cost as little as a server can, each a process of its own on loopback.

What may live here: how they are started, spoken to and ended. What this room must not know: the
clients that ask them, and what for.

Nginx answers at once with the success body: the fastest gateway there can be. The other holds
every request for a fixed time: what is then missing in the rate is the client's.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import trustme

__all__ = ["BODY", "Hold", "Served", "fixed_latency", "nginx"]

BODY = '{"message":"success","retcode":"0"}'
_FIXED_LATENCY = Path(__file__).with_name("fixed_latency.py")
_START_S = 20

# One worker, without a limit to keep-alive; access lines would be the most of its work.
_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_timeout 600s; keepalive_requests 1000000000; keepalive_time 24h;
  client_body_temp_path {folder}/nginx; proxy_temp_path {folder}/nginx;
  fastcgi_temp_path {folder}/nginx; uwsgi_temp_path {folder}/nginx; scgi_temp_path {folder}/nginx;
  server {{
    {listen}
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    ssl_protocols TLSv1.3;
    default_type application/json;
    location / {{ return 200 '{body}'; }}
  }}
}}
"""


class Hold(msgspec.Struct, frozen=True):
    """For how long requests were held, as the server measured it."""

    requests: int
    mean_ms: float
    highest_ms: float


class Served(msgspec.Struct, frozen=True):
    """Gateways that listen; `ca.pem` is in the folder."""

    urls: tuple[str, ...]
    held: Callable[[], Hold]
    """What was held since the last time that it was asked."""


@contextlib.contextmanager
def nginx(folder: Path, gateways: int = 1) -> Iterator[Served]:
    """Nginx with one worker, as so many gateways.

    Raises:
        RuntimeError: It is not installed, or does not start.
    """
    _write_certificate(folder)
    (folder / "nginx").mkdir(exist_ok=True)
    ports = _free_ports(gateways)
    listen = " ".join(f"listen 127.0.0.1:{port} ssl;" for port in ports)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, listen=listen, body=BODY))
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]
    with _started(command, folder) as process:
        for port in ports:
            _await_port(port, process)
        yield Served(tuple(f"https://localhost:{port}" for port in ports), lambda: Hold(0, 0, 0))


@contextlib.contextmanager
def fixed_latency(folder: Path, milliseconds: float) -> Iterator[Served]:
    """A bare asyncio protocol that holds every request for so long.

    Raises:
        RuntimeError: It does not start.
    """
    _write_certificate(folder)
    command = [sys.executable, str(_FIXED_LATENCY), str(folder), str(milliseconds)]
    with _started(command, folder) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the gateway of fixed latency has no pipes")
        url, asked, told = process.stdout.readline().strip(), process.stdin, process.stdout
        if not url:
            raise RuntimeError("the gateway of fixed latency did not start")

        def held() -> Hold:
            asked.write("held\n")
            asked.flush()
            return msgspec.json.decode(told.readline(), type=Hold)

        yield Served((url,), held)


def _write_certificate(folder: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "server.pem")
    certificate.private_key_pem.write_to_path(folder / "server.key")


@contextlib.contextmanager
def _started(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, text=True)
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not installed; see the README, Measured") from error
    with process:
        try:
            yield process
        finally:
            process.terminate()


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _await_port(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise RuntimeError(f"{process.args!r} did not start")
