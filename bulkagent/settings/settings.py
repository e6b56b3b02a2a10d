"""All settings of a run, and the layers that they come from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.files.user_folders import absolute
from bulkagent.settings.config_file import ConfigFile, GatewaySection, limits_in, settings_in
from bulkagent.settings.former_names import (
    SHAPES,
    FormerAttributes,
    from_former,
    limits_to_former,
    to_former,
)
from bulkagent.settings.gateway_limits import GatewayLimits, LimitsAt, only
from bulkagent.settings.guid_sources import (
    WORDS,
    GuidService,
    SessionsFile,
    in_one,
    with_implied_source,
)
from bulkagent.settings.observers import observer
from bulkagent.settings.ranges import numbers_in, refuse_bounds, refuse_number, refuse_words
from bulkagent.settings.row import Kind
from bulkagent.settings.table import SETTINGS, WORDED
from bulkagent.text.undecodable import path_of
from bulkagent.units import Adaptive, HaltAtCount, HaltAtShare

_GIVE_UP_AFTER_S = 300.0
_NEVER_ANSWERED_AFTER_S = 30.0


class Settings(FormerAttributes, frozen=True, kw_only=True):
    """How a run is carried out. The defaults are gentle on purpose.

    Raises:
        SettingsRefused: A value is out of its range.
    """

    ledger: Path | None = None
    """Path of the ledger. None: the platform's folder for state."""
    concurrency: int | Adaptive = 16
    """Most requests in flight at once at one gateway, 1 to 10000. With `Adaptive`, the limit
    follows what the gateway bears."""
    per_second: float | None = 100.0
    """Most requests started a second at one gateway, retries included. None: no limit."""
    burst: int = 1
    """Requests that may start at once under `per_second`, 1 to 100000."""
    max_attempts: int = 8
    """Attempts for one agent before the agent is put off to the end of the run, 1 to 1000."""
    retry_for_s: float = 120.0
    """How long bulkagent tries an agent whose attempts are spent, once all others are done. It
    counts from the agent's first request, up to a day. 0: not at all. No wait that a gateway asks
    for is longer."""
    give_up_after_s: float = _GIVE_UP_AFTER_S
    """A gateway that was down for so long gets nothing more. A millisecond to a day."""
    resend_after_switchover: bool = False
    """Whether agents are sent once more who were set before a failover of the gateway."""
    connect_timeout_s: float = 3.0
    """For name lookup, connection and TLS handshake together."""
    timeout_s: float = 10.0
    """For one request from its start to the end of its reply. Above `connect_timeout_s`."""
    agent_id_range: tuple[int, int] = (101, 59_999)
    """Lowest and highest agent ID: 101 to 59999 before AICC 25.200, 101 to 999999 since."""
    max_agents: int | None = None
    """A roster with more agents is refused. None: any number."""
    protect: tuple[Path, ...] = ()
    """Files of agents who are never touched."""
    job: str = ""
    """The job of the run. Its section of the file holds. "": no job."""
    deadline_s: float | None = None
    """After so long no more attempts start. It counts anew in a resume. None: no such limit."""
    grace_s: float = 15.0
    """How long requests in flight may take to finish once no more attempts start."""
    halt: HaltAtShare | HaltAtCount | None = None
    """The share or number of finished agents that are not applied at which the run halts. None: it
    does not halt for this."""
    halt_first: int = 50
    """A gateway is halted if this number of first agents all fail with one cause of wrong set-up.
    0: never."""
    durability: str = "normal"
    """With `normal`, records survive any crash of the process. With `full`, they survive a crash of
    the machine, too."""
    max_age_s: float = 7_200.0
    """A run that stood still for so long is not resumed. Last night's list must not hit this
    morning's shift."""
    trust_state_s: float = 28_800.0
    """How long a revert trusts a recorded talk right. An older one counts as unknown."""
    guids: SessionsFile | GuidService | None = None
    """The source of GUIDs. None: the roster's column."""
    group_by: str = ""
    """The roster's column whose values are the groups. "": all agents are one group."""
    handover: bool = True
    """Whether agents coming on shift are set before agents going off shift."""
    gate: float = 0.95
    """Share of a group's agents coming on shift, 0 to 1, that must be up before one goes off."""
    floor: float | None = None
    """Agents of a group that must be on at any time, as a share of its agents going off shift, 0 to
    1. None: any number."""
    allow_closing: bool = False
    """Whether the agents of a group may go off shift although no agent of it comes on shift."""
    canary: int = 0
    """So many agents go first, 0 to 100000. The others go only if these went well."""
    wait_for_sign_in_s: float | None = None
    """How long a run waits for agents who are not signed in. None: not at all."""
    up_means: str = "permission"
    """With `permission`, an agent who is applied is up. With `available`, the agent must then also
    be seen idle, talking or in wrap-up."""
    absent_ok: bool = False
    """Whether an agent going off shift who is surely signed out leaves the exit code as it is."""
    verify_with: tuple[str, ...] = ()
    """Observers, as `AGENT:SKILL` or `GATEWAY/AGENT:SKILL`. Each is asked before and after which
    agents of the skill queue take calls. Empty: nothing is looked at."""
    verify_again_after_s: float = 2.0
    """After so long a queue that contradicts a result is asked again, up to an hour. 0: it is
    not."""
    gateways: Mapping[str, GatewaySection] = {}
    """The gateways that have a name."""
    at_gateways: Mapping[str, LimitsAt] | None = None
    """Limits of single gateways, by name. None: those that their sections give."""

    @classmethod
    def resolve(
        cls,
        explicit: Mapping[str, object],
        file: ConfigFile,
        *,
        environment: Mapping[str, object] | None = None,
        own: Mapping[str, object] | None = None,
        emulated: bool = False,
    ) -> Settings:
        """Merge the layers: explicit settings, a run's own, the environment, the file.

        An earlier layer goes over a later one. Explicit settings go over the limits of single
        gateways, too. The environment goes over the limits of gateways in the file. A run's own
        limits of gateways come as a whole. A section of today's file adds nothing to them.

        Args:
            explicit: Fields of this class that options gave. For a new run, the environment's, too.
            file: The configuration file, or `ConfigFile()` where there is none.
            environment: Fields that the environment gave, where `own` goes over them.
            own: The settings of a run in the ledger (`own_of`). None for a new run.
            emulated: Whether the gateway is the emulated one, which nothing can hurt. The file's
                limits are for real gateways and do not hold for it.

        Raises:
            SettingsRefused: A value is out of its range.
        """
        explicit = from_former(explicit)
        job = _job_of(explicit, environment or {}, own or {}, file)
        layers = [
            settings_in(file),
            settings_in(file.jobs[job]) if job in file.jobs else {},
            {"job": job},
            _OF_EMULATED if emulated else {},
            environment or {},
            own or {},
            explicit,
        ]
        fields = in_one(
            {name: value for layer in layers for name, value in with_implied_source(layer).items()}
        )
        # Each layer protects more agents; none takes the protection of another away.
        paths = [path for layer in layers for path in cast("Any", layer.get("protect", ()))]
        fields["protect"] = tuple(dict.fromkeys(paths))
        if own is None:
            said = _at(file.gateways)
            names = _LIMITS - (environment or {}).keys() - explicit.keys()
            left = only(said, names & _RANGE if emulated else names)
            if left != said:
                fields["at_gateways"] = left
        else:
            # A run of an older bulkagent has none.
            left = only(fields.get("at_gateways", {}), _LIMITS - explicit.keys())
            fields["at_gateways"] = left
        return cls(**fields)

    @staticmethod
    def own_of(recorded: Mapping[str, Any]) -> dict[str, Any]:
        """The `own` settings of a run, from the JSON of the ledger. An older run lacks newer ones.

        Raises:
            msgspec.ValidationError: One is of another kind than a setting of its name.
        """
        names = {*Settings().own, *WORDS}
        kept = {name: recorded[name] for name in names if name in recorded}
        types = _types()
        shaped = from_former(
            {
                # JSON has no tuples, and whatever it has may be of another kind.
                name: msgspec.convert(value, SHAPES.get(name) or types[name])
                for name, value in kept.items()
            }
        )
        if "at_gateways" in shaped:
            at = shaped["at_gateways"].items()
            shaped["at_gateways"] = {name: from_former(limits) for name, limits in at}
        files = {
            name: Path(path_of(shaped[name])) if shaped[name] else None
            for name in _FILES & kept.keys()
        }
        return in_one({**shaped, **files})

    def limits(self, name: str) -> GatewayLimits:
        """The limits of the gateway of this name: its own ones over the general ones."""
        general = {limit: getattr(self, limit) for limit in _LIMITS}
        return GatewayLimits(**{**general, **self._at_gateways.get(name, {})})

    @property
    def never_answered_after_s(self) -> float:
        """The same as `give_up_after_s` for a gateway that never answered.

        Unless `give_up_after_s` is set, it is shorter. A wrong address is more likely there than an
        outage.
        """
        asked_for = self.give_up_after_s != _GIVE_UP_AFTER_S
        return self.give_up_after_s if asked_for else _NEVER_ANSWERED_AFTER_S

    @property
    def agent_id_ranges(self) -> dict[str, tuple[int, int]]:
        """The ranges of the gateways that have one of their own, by name."""
        return {
            name: limits["agent_id_range"]
            for name, limits in self._at_gateways.items()
            if "agent_id_range" in limits
        }

    def __post_init__(self) -> None:
        for name, number in numbers_in(msgspec.structs.asdict(self)).items():
            refuse_number(name, number)
        if self.timeout_s <= self.connect_timeout_s:
            raise SettingsRefused(
                f"the timeout ({self.timeout_s:g} s) must be longer than the connect timeout"
                f" ({self.connect_timeout_s:g} s), which is a part of it",
                fields=("timeout_s", "connect_timeout_s"),
            )
        refuse_bounds(self.concurrency, self.agent_id_range)
        refuse_words({row.name: getattr(self, row.name) for row in WORDED})
        if not isinstance(self.halt, HaltAtShare | HaltAtCount | None):
            raise SettingsRefused(
                f"halt is HaltAtShare(share), HaltAtCount(agents) or None, not {self.halt!r}"
            )
        if not isinstance(self.guids, SessionsFile | GuidService | None):
            raise SettingsRefused(
                f"guids is SessionsFile(path), GuidService(url) or None, not {self.guids!r}"
            )
        for text in self.verify_with:
            observer(text)
        for name in self._at_gateways:
            self._refuse_limits(name)

    @property
    def own(self) -> dict[str, Any]:
        """The settings that a resume takes over from a run: all but the places of files."""
        kept = {name for row in SETTINGS if row.kept for name in row.fields}
        own = to_former(
            {
                name: getattr(self, name)
                for name in self.__struct_fields__
                if name in kept or name == "guids"
            }
        )
        # A resume may be in another folder.
        files = {
            name: str(absolute(file)) if (file := own[name]) else None
            for name in _FILES & own.keys()
        }
        at = {name: limits_to_former(limits) for name, limits in self._at_gateways.items()}
        return {**own, **files, "at_gateways": at}

    @property
    def _at_gateways(self) -> Mapping[str, LimitsAt]:
        return _at(self.gateways) if self.at_gateways is None else self.at_gateways

    def _refuse_limits(self, name: str) -> None:
        limits = self.limits(name)
        try:
            for limit, number in numbers_in(msgspec.structs.asdict(limits)).items():
                refuse_number(limit, number)
            refuse_bounds(limits.concurrency, limits.agent_id_range)
        except SettingsRefused as refused:
            raise SettingsRefused(f"[gateways.{name}] {refused}") from None


def _job_of(
    explicit: Mapping[str, object],
    environment: Mapping[str, object],
    own: Mapping[str, object],
    file: ConfigFile,
) -> str:
    """The job whose section holds.

    Raises:
        SettingsRefused: The file has sections of jobs, and none of this name.
    """
    named = (layer.get("job") for layer in (explicit, own, environment))
    job = str(next((name for name in named if name), "") or file.job)
    if job and file.jobs and job not in file.jobs:
        raise SettingsRefused(
            f"there is no [jobs.{job}] in the configuration, so its runs would have no guardrails;"
            f" known jobs are {', '.join(sorted(file.jobs))}"
        )
    return job


_OF_EMULATED: Mapping[str, object] = {
    "concurrency": 64,
    "per_second": None,
    "burst": 1,
    # Its agents sign in there, so what the file says of real ones' GUIDs is not for them.
    "guids": None,
    "verify_with": (),
}

_LIMITS = frozenset(GatewayLimits.__struct_fields__)

_RANGE = frozenset({"agent_id_range"})

_FILES = frozenset(row.name for row in SETTINGS if row.kept and row.kind is Kind.PATH)


@cache
def _types() -> Mapping[str, Any]:
    """The type of each field. All annotations are evaluated for it, so not on import."""
    return {field.name: field.type for field in msgspec.structs.fields(Settings)}


def _at(sections: Mapping[str, GatewaySection]) -> dict[str, LimitsAt]:
    at: dict[str, LimitsAt] = {}
    for name, section in sections.items():
        try:
            limits = limits_in(section)
        except SettingsRefused as refused:
            raise SettingsRefused(f"[gateways.{name}] {refused}") from None
        if limits:
            at[name] = limits
    return at
