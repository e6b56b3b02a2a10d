"""The configuration file: where it is, what may stand in it, what it means."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.files.user_folders import user_folder
from bulkagent.instants import zone_of
from bulkagent.settings.file_check import refuse_keys, sections_of, with_place
from bulkagent.settings.gateway_limits import GatewayLimits, LimitsAt
from bulkagent.settings.ranges import refuse_words
from bulkagent.settings.row import Kind, Row
from bulkagent.settings.single_values import refuse_single
from bulkagent.settings.table import RUN_ROWS, SECTION_ROWS, SETTINGS, TOP_ROWS
from bulkagent.settings.written import read
from bulkagent.text.toml_lines import Toml, read_toml


class GatewaySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateways.NAME]`: a gateway that rosters and `--gateway` may call by its name.

    Its limits go over those at the top of the file, for this gateway.
    """

    url: str
    """The gateway's address."""
    ca_file: str = ""
    """PEM file of the private CA that signed its certificate. "": the system's CAs."""
    client_cert: str = ""
    """PEM file with the certificate and key that bulkagent presents to it. "": none."""
    tls_server_name: str = ""
    """The name to expect in its certificate. "": the one in the address."""
    concurrency: int | str | None = None
    """A number, `auto`, or `auto:A-B`."""
    rate: str = ""
    """Most requests started, such as `100/s`, `300/m` or `none`. "": as at the top."""
    burst: int | None = None
    """Requests that may start at once under the rate. None: as at the top."""
    agent_id_range: str = ""
    """Agent IDs that it knows, as `A-B`. "": as at the top."""
    max_agents: int | None = None
    """A run with more agents on this gateway is refused."""
    protect: tuple[str, ...] = ()
    """Files of agents who are never touched on this gateway."""


_TYPES: Mapping[Kind, tuple[Any, Any]] = {
    Kind.WHOLE: (int | None, None),
    Kind.PAIR: (bool | None, None),
    Kind.CONCURRENCY: (int | str | None, None),
    Kind.TEXTS: (tuple[str, ...], ()),
    Kind.PATHS: (tuple[str, ...], ()),
}


def _words(rows: Iterable[Row]) -> list[tuple[str, Any, Any]]:
    return [(row.name, *_TYPES.get(row.kind, (str, ""))) for row in rows]


if TYPE_CHECKING:

    class Policy(msgspec.Struct, frozen=True):
        """What may stand at the top of the file, and in the section of a job."""

        def __init__(self, **words: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    class ConfigFile(Policy, frozen=True):
        """`bulkagent.toml`."""

        gateways: dict[str, GatewaySection]
        jobs: dict[str, Policy]
        """`[jobs.NAME]`: what goes over the top of the file for runs of that name."""

        def __init__(self, **words: Any) -> None: ...

else:
    Policy = msgspec.defstruct(
        "Policy", _words(RUN_ROWS), frozen=True, forbid_unknown_fields=True, module=__name__
    )
    ConfigFile = msgspec.defstruct(
        "ConfigFile",
        [
            *_words(TOP_ROWS),
            ("gateways", dict[str, GatewaySection], msgspec.field(default_factory=dict)),
            ("jobs", dict[str, Policy], msgspec.field(default_factory=dict)),
        ],
        bases=(Policy,),
        frozen=True,
        forbid_unknown_fields=True,
        module=__name__,
    )


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED_NAMES = frozenset({"emulated"})


def settings_in(file: Policy) -> dict[str, Any]:
    """What the top level of a file, or the section of a job, says, as fields of `Settings`.

    Raises:
        SettingsRefused: A text in it is no such quantity.
    """
    found: dict[str, Any] = {}
    for row in SETTINGS:
        value: Any = getattr(file, row.name, None)
        # A job is chosen by all layers together (`Settings.resolve`).
        if row.name == "job" or value in _SAYS_NOTHING:
            continue
        if row.name == "time_zone":
            zone_of(value)  # only checked: the reader of a time asks for it
        elif row.kind is Kind.CHOICE:
            refuse_words({row.name: value})  # the same
        elif row.kind is Kind.PATH:
            found |= {row.name: _at_home(value)}
        else:
            found |= read(row, value)
    if isinstance(file, ConfigFile) and file.gateways:
        found["gateways"] = file.gateways
    return found


_SAYS_NOTHING: tuple[object, ...] = (None, "", (), [])


def limits_in(section: GatewaySection) -> LimitsAt:
    """What the section of a gateway says of limits.

    Raises:
        SettingsRefused: A text in it is no such quantity.
    """
    found: dict[str, Any] = {}
    for row in _LIMITS:
        value = getattr(section, row.name)
        if value not in _SAYS_NOTHING:
            found |= read(row, value)
    return cast("LimitsAt", found)


_LIMITS = tuple(row for row in SECTION_ROWS if {*row.fields} & {*GatewayLimits.__struct_fields__})


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


_PATHS = frozenset(row.name for row in (*SECTION_ROWS, *SETTINGS) if row.kind is Kind.PATH)


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

    def relative(section: SectionT, rows: Iterable[Row]) -> SectionT:
        given = {row: getattr(section, row.name) for row in rows if row.kind in _FILES}
        read = {
            row.name: tuple(map(beside, value)) if row.kind is Kind.PATHS else beside(value)
            for row, value in given.items()
        }
        return msgspec.structs.replace(section, **read)

    return msgspec.structs.replace(
        relative(file, (*TOP_ROWS, *RUN_ROWS)),
        gateways={name: relative(at, SECTION_ROWS) for name, at in file.gateways.items()},
        jobs={name: relative(job, RUN_ROWS) for name, job in file.jobs.items()},
    )


_FILES = frozenset({Kind.PATH, Kind.PATHS})

SectionT = TypeVar("SectionT", bound=msgspec.Struct)


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SettingsRefused(f"{path!r}: there is no such home folder") from None
