"""A row of the tables of options and settings."""

from __future__ import annotations

import enum
import re
from typing import NamedTuple


class Kind(enum.Enum):
    """What a value is, as it is written."""

    TEXT = enum.auto()
    WHOLE = enum.auto()
    """A whole number."""
    SWITCH = enum.auto()
    """An option without a value: on where it is given."""
    PAIR = enum.auto()
    """`--name` and `--no-name`."""
    CHOICE = enum.auto()
    """One of `words`."""
    TIME = enum.auto()
    """A duration: a number with its unit."""
    RATE = enum.auto()
    SHARE = enum.auto()
    """A percentage."""
    CONCURRENCY = enum.auto()
    """A number, `auto`, or `auto:A-B`."""
    HALT = enum.auto()
    """`fail=N%`, `fail=N`, or `none`."""
    AGENT_IDS = enum.auto()
    """`A-B`."""
    PATH = enum.auto()
    PATHS = enum.auto()
    """A repeatable option."""
    TEXTS = enum.auto()
    """A repeatable option."""
    ARGUMENT = enum.auto()
    """A word without a name; it is required where it has no default."""
    ARGUMENT_PATH = enum.auto()


class Group(enum.Enum):
    """Under which heading `--help` shows an option, in this order."""

    WHAT = "What"
    GUIDS = "GUIDs"
    SHIFT_CHANGE = "Shift change"
    GUARDRAILS = "Guardrails"
    SPEED = "Speed"
    TROUBLE = "When it goes wrong"
    TIMES = "Times"
    TLS = "TLS"
    ROSTER = "Roster format"
    OUTPUT = "Output"
    FILES = "Files"


class Scope(enum.Enum):
    """Where in the configuration file a word may stand."""

    NOWHERE = enum.auto()
    TOP = enum.auto()
    """At the top alone."""
    RUN = enum.auto()
    """At the top, and in the section of a job."""
    BOTH = enum.auto()
    """There, and in the section of a gateway."""
    GATEWAY = enum.auto()
    """In the section of a gateway alone."""


class Range(NamedTuple):
    """The least and the most that a field of `Settings` may be."""

    field: str
    label: str
    """What the number is called in a refusal."""
    low: float
    high: float


class Row(NamedTuple):
    """One option, one setting, or both."""

    name: str
    """As in the configuration file, with underlines; the option has dashes."""
    kind: Kind
    help: str
    """A sentence or two, without the default."""
    group: Group = Group.WHAT
    commands: tuple[str, ...] = ()
    """The commands that have the option."""
    metavar: str = ""
    default: str = ""
    """What holds where nobody says otherwise, as it is written; "": nothing does."""
    shown: str | None = None
    """The default for people, where that says more; "": none is shown."""
    example: int | bool | str | tuple[str, ...] = ""
    """A value as a file has it."""
    file: str = ""
    """What `config init` says of the word, where that is more or other than `help`."""
    at_gateway: str = ""
    """The same in the section of a gateway; "": as at the top, for the gateway."""
    scope: Scope = Scope.NOWHERE
    fields: tuple[str, ...] = ()
    """The fields of `Settings` that it gives; (): it is no setting."""
    ranges: tuple[Range, ...] = ()
    takes_none: bool = False
    """Whether the word `none` is a value, too."""
    none_means: float | None = None
    """What field has then."""
    words: tuple[str, ...] = ()
    """Those that a text may be; (): any."""
    label: str = ""
    """What a refusal of another word begins with."""
    environment: bool = True
    """Whether it has a variable. Consent and intent have none on purpose: a shift must not be set
    by what some profile exported years ago."""
    kept: bool = False
    """Whether a run keeps the setting, so that a resume and a revert take it over."""
    advanced: bool = False
    """Whether only `--help-all` shows it."""
    last: bool = False
    """Whether it stands at the end of its group."""
    completes: str = ""
    """What a shell completes its value with: gateways, jobs, runs, causes, codes, topics or
    commands."""
    short: str = ""
    left_out: str = ""
    """What the option means without its value; "": it needs one."""
    required: bool = False

    @property
    def option(self) -> str:
        """The option's name on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The variable of the environment; "": it has none."""
        return f"{PREFIX}{self.name.upper()}" if self.environment else ""

    @property
    def told(self) -> str:
        """The default for people; "": there is none to tell."""
        if self.shown is not None:
            return self.shown
        return "" if self.kind in _ON_OR_OFF else self.default

    @property
    def in_file(self) -> str:
        """What a configuration file says of the word: values as a file has them, no options."""
        if self.file:
            return self.file
        said = _EXIT_CODE.sub("", self.help)
        if self.takes_none:
            said = _NONE.sub('"none"', said) if _NONE.search(said) else f'{said} It may be "none".'
        if self.kind is Kind.WHOLE and self.ranges:
            said = f"{said} From {self.ranges[0].low} to {self.ranges[0].high}."
        return said

    @property
    def is_argument(self) -> bool:
        """Whether it is a word without a name."""
        return self.kind in {Kind.ARGUMENT, Kind.ARGUMENT_PATH}


PREFIX = "BULKAGENT_"
"""What variables of the environment begin with."""

_ON_OR_OFF = frozenset({Kind.SWITCH, Kind.PAIR})
_EXIT_CODE = re.compile(r" \(exit \d\)")
_NONE = re.compile(r"\bnone\b")
