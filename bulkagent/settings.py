"""Settings: defaults < file < environment < flags, every unit in a name.

What may live here: what can be set, where it is found, what is wrong with it. What this room
must not know: what any setting does. Environment and flags arrive together as what the caller
gave explicitly; the command line reads both.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.quantities import agent_id_range, duration_s, halt_at, rate_per_second

__all__ = ["ConfigFile", "GatewaySection", "Settings", "find_config", "load_config"]


class GatewaySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateways.NAME]`: a gateway that rosters and `--gateway` may call by its name."""

    url: str
    ca_file: str = ""
    client_cert: str = ""
    tls_server_name: str = ""


class ConfigFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bulkagent.toml`."""

    ledger: str = ""
    concurrency: int | None = None
    rate: str = ""
    max_attempts: int | None = None
    connect_timeout: str = ""
    timeout: str = ""
    agent_id_range: str = ""
    max_agents: int | None = None
    deadline: str = ""
    grace: str = ""
    halt: str = ""
    halt_first: int | None = None
    durability: str = ""
    max_age: str = ""
    trust_state: str = ""
    gateways: dict[str, GatewaySection] = {}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is carried out. The defaults are gentle on purpose.

    Raises:
        SettingsRefused: A value is out of its range.
    """

    ledger: Path | None = None
    """None: the platform's folder for state."""
    concurrency: int = 16
    """Requests in flight at once on one gateway, 1 to 10000."""
    per_second: float | None = 100.0
    """Requests started a second on one gateway, retries included, above 0; None: no limit."""
    max_attempts: int = 8
    """Requests for one agent in all, 1 to 1000."""
    connect_timeout_s: float = 3.0
    """For name, connection and TLS handshake together."""
    timeout_s: float = 10.0
    """For one request from its start to the end of its reply; above `connect_timeout_s`."""
    agent_id_range: tuple[int, int] = (101, 59_999)
    """Lowest and highest agent ID: 101 to 59999 before AICC 25.200, to 999999 since."""
    max_agents: int | None = None
    """A roster with more agents is refused; None: any number."""
    deadline_s: float | None = None
    """After so long nothing more is admitted, in each leg of a run; None: no such limit."""
    grace_s: float = 15.0
    """How long requests in flight may take to finish once nothing more is admitted."""
    halt_share: float | None = None
    """Share of the finished agents, above 0 to 1, whose not being applied halts the run."""
    halt_count: int | None = None
    """The same as a number of agents; of the two, at most one is set."""
    halt_first: int = 50
    """A gateway whose first agents, so many, all get one verdict of wrong set-up is halted; 0:
    never."""
    durability: str = "normal"
    """`normal`: what is recorded survives any crash of the process; `full`: of the machine too."""
    max_age_s: float = 7_200.0
    """A run that nobody has been at work on for so long is not resumed: last night's list must not
    hit this morning's shift."""
    trust_state_s: float = 28_800.0
    """How long a recorded talk right is taken for what an agent still has, by a revert."""
    gateways: Mapping[str, GatewaySection] = {}
    """The gateways that have a name."""

    @classmethod
    def resolve(
        cls, explicit: Mapping[str, object], file: ConfigFile, *, emulated: bool = False
    ) -> Settings:
        """Lay what was given explicitly over the file and the file over the defaults.

        Args:
            explicit: Fields of this class that flags or environment gave.
            file: The configuration file, or `ConfigFile()` where there is none.
            emulated: Whether the gateway is the emulated one, which nothing can hurt: the
                file's limits, meant for real ones, do not hold it back.

        Raises:
            SettingsRefused: A value is out of its range.
        """
        layers = [_from_file(file), _UNLIMITED if emulated else {}, explicit]
        return cls(**{name: value for layer in layers for name, value in layer.items()})

    def __post_init__(self) -> None:
        for name, (label, low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise SettingsRefused(f"{label} must be {low} to {high}, not {value}")
        if self.timeout_s <= self.connect_timeout_s:
            raise SettingsRefused(
                f"the timeout ({self.timeout_s:g} s) must be longer than the connect timeout"
                f" ({self.connect_timeout_s:g} s), which is a part of it"
            )
        agent_id_range("-".join(map(str, self.agent_id_range)))
        if self.durability not in DURABILITIES:
            raise SettingsRefused(
                f"the durability is {' or '.join(DURABILITIES)}, not {self.durability!r}"
            )
        if self.halt_share is not None and self.halt_count is not None:
            raise SettingsRefused("a run halts at a share or at a number of agents, not at both")

    @property
    def own(self) -> dict[str, Any]:
        """What a resume of a run takes over from it: everything but where things are."""
        elsewhere = {"ledger", "gateways", "max_agents", "max_age_s", "trust_state_s"}
        return {
            name: getattr(self, name) for name in self.__struct_fields__ if name not in elsewhere
        }


DURABILITIES = ("normal", "full")

_UNLIMITED: Mapping[str, object] = {"concurrency": 64, "per_second": None}

_RANGES: Mapping[str, tuple[str, float, float]] = {
    "concurrency": ("concurrency", 1, 10_000),
    # 0 is no rate: it would lift the limit. The lowest is one start in some three hours.
    "per_second": ("the rate a second", 0.0001, 1_000_000),
    "max_attempts": ("max-attempts", 1, 1_000),
    "max_agents": ("max-agents", 1, 1_000_000_000),
    "timeout_s": ("the timeout in seconds", 0.001, 86_400),
    "connect_timeout_s": ("the connect timeout in seconds", 0.001, 86_400),
    "deadline_s": ("the deadline in seconds", 0.001, 604_800),
    "grace_s": ("the grace in seconds", 0.001, 86_400),
    "halt_share": ("the share that halts", 0.000_000_01, 1),
    "halt_count": ("the number of agents that halts", 1, 1_000_000_000),
    "halt_first": ("halt-first", 0, 1_000_000_000),
    "max_age_s": ("the max-age in seconds", 1, 31_536_000),
    "trust_state_s": ("the trust-state in seconds", 1, 31_536_000),
}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED_NAMES = frozenset({"emulated"})


def _from_file(file: ConfigFile) -> dict[str, Any]:
    given: dict[str, Any] = {
        "ledger": file.ledger and _at_home(file.ledger),
        "concurrency": file.concurrency,
        "max_attempts": file.max_attempts,
        "max_agents": file.max_agents,
        "halt_first": file.halt_first,
        "durability": file.durability,
        "gateways": file.gateways,
        "agent_id_range": file.agent_id_range and agent_id_range(file.agent_id_range),
    }
    found = {name: value for name, value in given.items() if value not in ("", None)}
    for name in _DURATIONS:
        if text := getattr(file, name):
            found[f"{name}_s"] = duration_s(text)
    if file.rate:
        found["per_second"] = rate_per_second(file.rate)
    if file.halt:
        found["halt_share"], found["halt_count"] = halt_at(file.halt)
    return found


_DURATIONS = ("connect_timeout", "timeout", "deadline", "grace", "max_age", "trust_state")


def find_config(asked_for: Path | None) -> Path | None:
    """The configuration file: the one asked for, else the folder's, else the platform's."""
    import platformdirs

    if asked_for is not None:
        return asked_for
    folders = (Path(), platformdirs.user_config_path("bulkagent", appauthor=False))
    return next((p for p in (folder / "bulkagent.toml" for folder in folders) if p.is_file()), None)


def load_config(path: Path | None) -> ConfigFile:
    """Read a configuration file; none is the same as an empty one.

    Raises:
        SettingsRefused: It cannot be read, is not TOML, or has what nobody knows.
    """
    if path is None:
        return ConfigFile()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsRefused(f"{path}: {error.strerror}; check --config") from None
    try:
        file = msgspec.toml.decode(content, type=ConfigFile)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SettingsRefused(f"{path}: {error}{_nearest(str(error))}") from None
    for name in file.gateways:
        if not _NAME.fullmatch(name) or name.lower() in _RESERVED_NAMES:
            raise SettingsRefused(
                f"{path}: {name!r} cannot be a gateway's name; use letters, digits, dots,"
                " dashes and underlines, and not the word emulated"
            )
    try:
        _from_file(file)
        return _relative_to(path.parent, file)
    except SettingsRefused as error:
        raise SettingsRefused(f"{path}: {error}") from None


def _relative_to(folder: Path, file: ConfigFile) -> ConfigFile:
    """The file with its paths read as it means them: beside itself."""

    def beside(path: str) -> str:
        return str(folder / _at_home(path)) if path else ""

    gateways = {
        name: msgspec.structs.replace(
            gateway, ca_file=beside(gateway.ca_file), client_cert=beside(gateway.client_cert)
        )
        for name, gateway in file.gateways.items()
    }
    return msgspec.structs.replace(file, ledger=beside(file.ledger), gateways=gateways)


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SettingsRefused(f"{path!r}: there is no such home folder") from None


_UNKNOWN_KEY = re.compile(r"unknown field `([^`]*)`(?: - at `([^`]*)`)?")


def _nearest(message: str) -> str:
    unknown = _UNKNOWN_KEY.search(message)
    if unknown is None:
        return ""
    struct = GatewaySection if unknown[2] else ConfigFile
    known = [name.replace("_", "-") for name in struct.__struct_fields__]
    near = difflib.get_close_matches(unknown[1].replace("_", "-"), known, n=1, cutoff=0.0)
    return f"; did you mean {near[0].replace('-', '_')!r}?" if near else ""
