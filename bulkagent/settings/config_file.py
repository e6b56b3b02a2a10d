"""The configuration file: where it is, what may stand in it, what it means.

What may live here: `bulkagent.toml` and its words. What this module must not know: what lies
over the file, or the defaults under it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.files.user_folders import user_folder
from bulkagent.instants import zone_of
from bulkagent.settings.file_check import refuse_keys, sections_of, with_place
from bulkagent.settings.gateway_limits import LimitsAt
from bulkagent.settings.ranges import NONE
from bulkagent.settings.single import refuse_single
from bulkagent.text.toml_lines import Toml, read_toml
from bulkagent.units import (
    agent_id_range,
    concurrency,
    duration_s,
    halt_at,
    rate_per_second,
    share,
)

__all__ = [
    "ConfigFile",
    "GatewaySection",
    "Policy",
    "find_config",
    "limits_in",
    "load_config",
    "settings_in",
]


class GatewaySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateways.NAME]`: a gateway that rosters and `--gateway` may call by its name.

    What it says of limits goes over the top level of the file, for this gateway.
    """

    url: str
    ca_file: str = ""
    client_cert: str = ""
    tls_server_name: str = ""
    concurrency: int | str | None = None
    """A number, `auto`, or `auto:A-B`."""
    rate: str = ""
    burst: int | None = None
    agent_id_range: str = ""
    max_agents: int | None = None
    """A run with more agents on this gateway is refused."""
    protect: tuple[str, ...] = ()
    """Files of agents who are never touched on this gateway."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may stand at the top of the file, and in the section of a job."""

    concurrency: int | str | None = None
    """A number, `auto`, or `auto:A-B`."""
    rate: str = ""
    burst: int | None = None
    max_attempts: int | None = None
    retry_for: str = ""
    give_up_after: str = ""
    resend_after_switchover: bool | None = None
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
    sessions: str = ""
    guid_url: str = ""
    guid_ca_file: str = ""
    group_by: str = ""
    handover: bool | None = None
    gate: str = ""
    floor: str = ""
    canary: int | None = None
    wait_for_sign_in: str = ""
    up_means: str = ""
    absent_ok: bool | None = None
    verify_with: list[str] = []
    verify_again_after: str = ""
    protect: tuple[str, ...] = ()
    """Files of agents who are never touched."""


class ConfigFile(Policy, frozen=True, forbid_unknown_fields=True):
    """`bulkagent.toml`."""

    ledger: str = ""
    job: str = ""
    """The job whose section holds where no other is named."""
    time_zone: str = ""
    """For times of day; a name such as Europe/Berlin."""
    gateways: dict[str, GatewaySection] = {}
    jobs: dict[str, Policy] = {}
    """`[jobs.NAME]`: what goes over the top of the file for runs of that name."""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED_NAMES = frozenset({"emulated"})


def settings_in(file: Policy) -> dict[str, Any]:
    """What the top level of a file, or the section of a job, says, as fields of `Settings`.

    Raises:
        SettingsRefused: A text in it is no such quantity.
    """
    given: dict[str, Any] = {
        "sessions": file.sessions and Path(file.sessions),
        "guid_url": file.guid_url,
        "guid_ca_file": file.guid_ca_file and Path(file.guid_ca_file),
        "verify_with": tuple(file.verify_with) or None,
        "max_attempts": file.max_attempts,
        "resend_after_switchover": file.resend_after_switchover,
        "max_agents": file.max_agents,
        "halt_first": file.halt_first,
        "durability": file.durability,
        "protect": tuple(Path(path) for path in file.protect),
        "group_by": file.group_by,
        "handover": file.handover,
        "gate": file.gate and share(file.gate),
        "floor": file.floor and (None if file.floor == "none" else share(file.floor)),
        "canary": file.canary,
        "up_means": file.up_means,
        "absent_ok": file.absent_ok,
    }
    if isinstance(file, ConfigFile):
        given["ledger"] = file.ledger and _at_home(file.ledger)
        given["gateways"] = file.gateways
        zone_of(file.time_zone)  # only checked: whoever reads a time asks for it
    found = {name: value for name, value in given.items() if value not in ("", None, ())}
    for name in _DURATIONS:
        if text := getattr(file, name):
            none = name in NONE and text.strip().lower() == "none"
            found[f"{name}_s"] = NONE[name] if none else duration_s(text)
    if file.halt:
        found["halt_share"], found["halt_count"] = halt_at(file.halt)
    return {**found, **limits_in(file)}


_DURATIONS = (
    *("retry_for", "give_up_after", "connect_timeout", "timeout", "deadline", "grace"),
    *("max_age", "trust_state", "wait_for_sign_in", "verify_again_after"),
)


def limits_in(said: Policy | GatewaySection) -> LimitsAt:
    """What the top level of a file, or the section of a gateway, says of limits.

    Raises:
        SettingsRefused: A text in it is no such quantity.
    """
    limits = LimitsAt()
    if said.concurrency is not None:
        many = said.concurrency
        limit = many if isinstance(many, int) else concurrency(many)
        if isinstance(limit, int):
            limits["concurrency"] = limit
        else:
            limits["auto"] = limit
    if said.rate:
        limits["per_second"] = rate_per_second(said.rate)
    if said.burst is not None:
        limits["burst"] = said.burst
    if said.agent_id_range:
        limits["agent_id_range"] = agent_id_range(said.agent_id_range)
    return limits


def find_config(asked_for: Path | None) -> Path | None:
    """The configuration file: the one asked for, else the folder's, else the platform's."""
    if asked_for is not None:
        return asked_for
    folders = (Path(), user_folder("config"))
    places = (folder / "bulkagent.toml" for folder in folders if folder is not None)
    return next(filter(_is_there, places), None)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder of somebody else, such as a home that is not this user's
        return False


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
    toml = read_toml(content, str(path))
    file = _checked(toml, path)
    return _relative_to(path.parent, file)


def _checked(toml: Toml, path: Path) -> ConfigFile:
    """What a file says, once every key and value of it is known to be right.

    Raises:
        SettingsRefused: One is not.
    """
    name = str(path)
    tables: dict[str, type[Policy | GatewaySection]] = {"gateways": GatewaySection, "jobs": Policy}
    for section in sections_of(toml, ConfigFile, tables):
        refuse_keys(toml, section, ConfigFile, name)
        if section.path:
            _refuse_name(toml, section.path, name)
        with_place(toml, section, name, functools.partial(_refuse_value, section.record))
    try:
        return msgspec.convert(toml.table, ConfigFile)
    except msgspec.ValidationError as error:
        raise SettingsRefused(f"{name}: {error}") from None


def _refuse_name(toml: Toml, path: tuple[str, ...], file: str) -> None:
    kind, name = path
    place = f"{file}, {toml.place_of(path)}"
    if kind == "jobs" and not _NAME.fullmatch(name):
        raise SettingsRefused(
            f"{place}: {name!r} cannot be a job's name; use letters, digits, dots, dashes and"
            " underlines"
        )
    if kind == "gateways" and (not _NAME.fullmatch(name) or name.lower() in _RESERVED_NAMES):
        raise SettingsRefused(
            f"{place}: {name!r} cannot be a gateway's name; use letters, digits, dots, dashes and"
            " underlines, and not the word emulated"
        )


_PATHS = frozenset({"ledger", "sessions", "guid_ca_file", "ca_file", "client_cert"})


def _refuse_value(record: type[Policy | GatewaySection], key: str, value: Any) -> None:
    """Refuse a value of the right kind that means nothing, or is beyond its range."""
    if key in {"gateways", "jobs"}:
        return
    if key in _PATHS:
        _at_home(value)
    if issubclass(record, GatewaySection):
        alone = GatewaySection(url="", **({} if key == "url" else {key: value}))
        found: Mapping[str, Any] = limits_in(alone)
        if key == "max_agents":
            found = {"max_agents": value}
    else:
        found = settings_in(msgspec.convert({key: value}, record, strict=True))
    refuse_single(found)


def _relative_to(folder: Path, file: ConfigFile) -> ConfigFile:
    """The file with its paths read as it means them: beside itself."""

    def beside(path: str) -> str:
        return str(folder / _at_home(path)) if path else ""

    def relative(policy: PolicyT) -> PolicyT:
        return msgspec.structs.replace(
            policy,
            sessions=beside(policy.sessions),
            guid_ca_file=beside(policy.guid_ca_file),
            protect=tuple(map(beside, policy.protect)),
        )

    gateways = {
        name: msgspec.structs.replace(
            gateway,
            ca_file=beside(gateway.ca_file),
            client_cert=beside(gateway.client_cert),
            protect=tuple(map(beside, gateway.protect)),
        )
        for name, gateway in file.gateways.items()
    }
    return msgspec.structs.replace(
        relative(file),
        ledger=beside(file.ledger),
        gateways=gateways,
        jobs={name: relative(job) for name, job in file.jobs.items()},
    )


PolicyT = TypeVar("PolicyT", bound=Policy)


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SettingsRefused(f"{path!r}: there is no such home folder") from None
