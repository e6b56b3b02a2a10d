"""`bulkagent emulate`: the emulated gateway, on its own port."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bulkagent.cli import options
from bulkagent.cli.ending import explained
from bulkagent.cli.terminal import print_data, say

if TYPE_CHECKING:
    from bulkagent.emulator import EmulatedGateway

__all__ = ["emulate"]


def emulate(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    agents: Annotated[
        str, typer.Option("--agents", metavar="A-B", help="Agents that exist.", show_default=True)
    ] = "101-5100",
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "localhost",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 picks a free one.")
    ] = 0,
    ca_out: Annotated[
        Path | None,
        typer.Option("--ca-out", metavar="FILE", help="Write the throw-away CA's certificate."),
    ] = None,
    roster_out: Annotated[
        Path | None,
        typer.Option(
            "--roster-out", metavar="FILE", help="Sign all agents in and write their GUIDs."
        ),
    ] = None,
    scenario: options.Scenario = None,
) -> None:
    """Run an emulated agent gateway (HTTPS) until it is interrupted.

    It prints one line with its address when it is ready. GET /emulator/agents, /emulator/stats
    and /emulator/history tell what was done to it.

    Example: bulkagent emulate --agents 101-5100 --ca-out ca.pem --roster-out r.csv
    """
    with explained():
        import asyncio

        from bulkagent.emulator import EmulatedGateway, load_scenario
        from bulkagent.quantities import agent_id_range

        low, high = agent_id_range(agents)
        gateway = EmulatedGateway(
            load_scenario(scenario) if scenario else None,
            host=host,
            port=port,
            agent_ids=range(low, high + 1),
            agent_id_range=(_LOWEST, max(high, _HIGHEST)),
        )
        asyncio.run(_serve(gateway, ca_out, roster_out))


# Page 1223; agents above make it a gateway of the newer generation (page 0356).
_LOWEST, _HIGHEST = 101, 59_999


async def _serve(gateway: EmulatedGateway, ca_out: Path | None, roster_out: Path | None) -> None:
    import asyncio
    import signal

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with gateway:
        await asyncio.to_thread(_write_out, gateway, ca_out, roster_out)
        print_data(f"ready {gateway.url}")
        await stopped.wait()
    say("stopped")


def _write_out(gateway: EmulatedGateway, ca_out: Path | None, roster_out: Path | None) -> None:
    from bulkagent.emulator import write_roster
    from bulkagent.errors import SettingsRefused

    try:
        if ca_out is not None:
            ca_out.write_bytes(gateway.ca_pem)
        if roster_out is not None:
            write_roster(roster_out, gateway.roster())
    except OSError as error:
        raise SettingsRefused(f"{error.filename}: {error.strerror}; give another path") from None
