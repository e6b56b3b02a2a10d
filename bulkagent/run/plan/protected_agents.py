"""Guardrails: protected agents and the most agents of a plan, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bulkagent.errors import GuardrailRefused, RosterRefused
from bulkagent.model import Status
from bulkagent.roster import Retraction, Roster, RosterRow, RosterRules
from bulkagent.settings import Settings

# For any edition of the interface; it is no list of agents who may be set.
_ANY_AGENT = (101, 999_999)


class Protected:
    """Agents who are never touched, by gateway or at all of them."""

    def __init__(self) -> None:
        self._everywhere: dict[str, str] = {}
        self._at: dict[tuple[str, str], str] = {}

    def __repr__(self) -> str:
        return f"<Protected: {len(self._everywhere) + len(self._at)} agents>"

    def __bool__(self) -> bool:
        return bool(self._everywhere or self._at)

    def add(self, gateway: str, agent_id: str, reason: str) -> None:
        """Never touch an agent at a gateway; "": at none."""
        if gateway:
            self._at.setdefault((gateway, agent_id), reason)
        else:
            self._everywhere.setdefault(agent_id, reason)

    def reason(self, gateway: str, agent_id: str) -> str:
        """Why an agent is not to be set; "" where the agent may be."""
        return self._everywhere.get(agent_id, "") or self._at.get((gateway, agent_id), "")


def protected_by(settings: Settings) -> Protected:
    """Read all files of protected agents. Blocks.

    Raises:
        RosterRefused: One cannot be read, or has a line that names nobody.
    """
    protected = Protected()
    for path in settings.protect:
        _read(path, "", protected)
    for name, section in settings.gateways.items():
        for file in section.protect:
            _read(Path(file), name, protected)
    return protected


def _read(path: Path, gateway: str, protected: Protected) -> None:
    rules = RosterRules(require_flag=False, agent_id_range=_ANY_AGENT, default_gateway=gateway)
    reason = f"protected by {path.name}"
    try:
        with Roster(path, rules) as roster:
            for row in roster.rows():
                if isinstance(row, Retraction):
                    continue  # two flags of one agent, which nobody asks for here
                _refuse_line(row)
                protected.add(row.gateway, row.agent_id, reason)
    except RosterRefused as refused:
        raise RosterRefused(
            f"--protect {path}: {refused}. Correct the file first: until then it is not known which"
            " agents are protected"
        ) from None


def _refuse_line(row: RosterRow) -> None:
    if row.status is Status.INVALID and row.column != "flag":
        raise RosterRefused(f"line {row.row}, {row.column}: {row.reason}")


def refuse_numbers(
    agents: Iterable[tuple[str, int]],
    settings: Settings,
    *,
    what: str,
    totals: Mapping[str, int] | None = None,
) -> None:
    """Refuse more agents than are allowed, in all or on one gateway.

    Args:
        agents: How many are to be set, by gateway.
        settings: With what is allowed.
        what: What has so many: the roster, the run.
        totals: The rows by status, for the refusal.

    Raises:
        GuardrailRefused: There are more.
    """
    by_gateway: dict[str, int] = {}
    for gateway, number in agents:
        by_gateway[gateway] = by_gateway.get(gateway, 0) + number
    found = [("", sum(by_gateway.values()), settings.max_agents, "--max-agents")]
    found.extend(
        (f" on {name}", by_gateway.get(name, 0), section.max_agents, f"[gateways.{name}]")
        for name, section in settings.gateways.items()
    )
    for where, number, allowed, says in found:
        if allowed is not None and number > allowed:
            raise GuardrailRefused(
                f"{what} has {number:,} agents{where}, {says} allows {allowed:,}, so nothing was"
                " sent; check that it is the right one, then raise the limit",
                totals=totals,
            )
