"""`bulkagent emulate`: the emulated gateway, on its own port."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bulkagent.cli.console.terminal import print_data, say
from bulkagent.cli.options.given import Given
from bulkagent.cli.options.origins import at_option
from bulkagent.cli.options.without_effect import typed

if TYPE_CHECKING:
    from pathlib import Path

    from bulkagent.emulator import AgentIds, EmulatedGateway, Scenario, SessionRules

# Page 1223; agents above make it a gateway of the newer generation (page 0356).
_LOWEST, _HIGHEST = 101, 59_999

_ANY_PASSWORD = "emulated"  # noqa: S105 - what a roster says where every password is taken

_LONGEST_PASSWORD = 32  # page 1202


def emulate(given: Given) -> None:
    """Run an emulated agent gateway (HTTPS) until it is interrupted.

    It prints one line with its address when it is ready. It keeps a record of its own at
    /emulator/agents, /emulator/stats and /emulator/history.

    Example: bulkagent emulate --agents 101-5100 --ca-out ca.pem --roster-out r.csv
    """
    from bulkagent.cli.console.event_loop import run_on_loop
    from bulkagent.emulator import (
        Authentication,
        EmulatedGateway,
        Scenario,
        SessionRules,
        load_scenario,
    )
    from bulkagent.errors import SettingsRefused
    from bulkagent.units import agent_id_range

    if given["signed_out"] and given["sessions_out"] is not None:
        raise SettingsRefused(
            "--sessions-out needs agents that are signed in, and --signed-out signs none in;"
            " leave one of them out"
        )
    auth = given["auth"]
    if auth == "static" and (idle := sorted(typed() & {"guid_interval", "guid_timeout"})):
        names = " and ".join(f"--{name.replace('_', '-')}" for name in idle)
        say(f"note: {names} would matter with --auth dynamic; without it GUIDs stay as they are")
    with at_option("agents"):
        low, high = agent_id_range(given["agents"])
    try:
        rules = SessionRules(
            authentication=Authentication(auth),
            guid_interval_ms=given["guid_interval"],
            guid_timeout_ms=given["guid_timeout"],
            poll_wait_ms=given["poll_wait"],
            poll_timeout_ms=given["poll_timeout"],
        )
        followed = load_scenario(given["scenario"]) if given["scenario"] else Scenario()
        followed = _with(
            followed,
            nodes=given["nodes"],
            password=given["password"],
            skills=given["skill"] or (),
        )
    except ValueError as error:
        raise SettingsRefused(str(error)) from None
    gateway = EmulatedGateway(
        followed,
        host=given["host"],
        port=given["port"],
        agent_ids=range(low, high + 1),
        agent_id_range=(_LOWEST, max(high, _HIGHEST)),
        sessions=rules,
    )
    wanted = _Wanted(given["ca_out"], given["roster_out"], given["sessions_out"])
    known = followed.sign_in.password or _ANY_PASSWORD if given["signed_out"] else None
    run_on_loop(_serve(gateway, wanted, rules, range(low, high + 1), known))


class _Wanted(NamedTuple):
    """The files that are wanted."""

    ca: Path | None
    roster: Path | None
    sessions: Path | None


def _with(
    scenario: Scenario, *, nodes: int | None, password: str | None, skills: Sequence[str]
) -> Scenario:
    """A scenario as the options have it.

    Raises:
        ValueError: a fault is on a node that there is not, the password is no password, or a
            queue or its agents are none.
    """
    from msgspec.structs import replace

    from bulkagent.emulator import Cluster

    if nodes is not None:
        scenario = replace(scenario, cluster=Cluster(nodes=nodes, affinity=nodes > 1))
    if password is not None:
        if not 1 <= len(password) <= _LONGEST_PASSWORD:
            raise ValueError(f"--password: give 1 to {_LONGEST_PASSWORD} characters")
        scenario = replace(scenario, sign_in=replace(scenario.sign_in, password=password))
    if skills:
        members = _queues(skills)
        scenario = replace(scenario, agents=replace(scenario.agents, skills=members))
    return scenario


def _queues(texts: Sequence[str]) -> dict[str, AgentIds]:
    """The agents of each skill queue.

    Raises:
        ValueError: a text does not say any, or a queue comes twice.
    """
    from bulkagent.emulator import AgentIds

    members: dict[str, AgentIds] = {}
    for text in texts:
        queue, _, agents = (part.strip() for part in text.partition("="))
        if not agents or queue in members:
            raise ValueError(f"--skill {text!r}: write each queue once, like 7=101-200,305")
        try:
            members[queue] = AgentIds(agents)
        except ValueError as error:
            raise ValueError(f"--skill {text!r}: {error}") from None
    return members


async def _serve(
    gateway: EmulatedGateway,
    wanted: _Wanted,
    rules: SessionRules,
    numbers: range,
    password: str | None,
) -> None:
    """Run until a signal; `password` is that of agents who are all signed out, None of others."""
    import asyncio
    import signal

    from bulkagent.blocking import in_thread
    from bulkagent.emulator import keep_sessions_file

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with gateway:
        await in_thread(_write_out, gateway, wanted, numbers, password)
        keeping = None
        if wanted.sessions is not None:
            keeping = asyncio.create_task(
                keep_sessions_file(
                    wanted.sessions, gateway.live_sessions, rules.guid_interval_ms, said=say
                )
            )
        print_data(f"ready {gateway.url}")
        await stopped.wait()
        if keeping is not None:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
    say("stopped")


def _write_out(
    gateway: EmulatedGateway, wanted: _Wanted, numbers: range, password: str | None
) -> None:
    from bulkagent.emulator import write_roster, write_sessions
    from bulkagent.files.atomic_file import replacing

    if wanted.ca is not None:
        with _named(wanted.ca), replacing(wanted.ca) as file:
            file.write(gateway.ca_pem)
    if wanted.roster is not None:
        with _named(wanted.roster):
            if password is not None:
                rows = ((str(number), password, f"7{number}") for number in numbers)
                write_roster(wanted.roster, rows, ("agent_id", "password", "phonenum"))
            else:
                write_roster(wanted.roster, *_signed_in(gateway))
    if wanted.sessions is not None:
        for _ in gateway.roster():
            pass  # each agent is signed in on the way
        with _named(wanted.sessions):
            write_sessions(wanted.sessions, gateway.live_sessions())


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file that cannot be written, and not the temporary one beside it."""
    from bulkagent.errors import SettingsRefused

    try:
        yield
    except (OSError, ValueError) as error:
        said = (isinstance(error, OSError) and error.strerror) or error
        raise SettingsRefused(f"{path}: {said}; give another path") from None


def _signed_in(
    gateway: EmulatedGateway,
) -> tuple[Iterator[tuple[str, ...]], tuple[str, ...]]:
    """The rows and columns of a roster of agents; each agent is signed in on the way."""
    if not gateway.has_affinity:
        return gateway.roster(), ("agent_id", "guid")
    rows = ((agent_id, guid, gateway.cookie(agent_id)) for agent_id, guid in gateway.roster())
    return rows, ("agent_id", "guid", "cookie")
