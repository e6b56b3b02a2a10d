"""A scenario file: TOML in, a `Scenario` or one sentence about what is wrong with it out.

What may live here: reading the file, and the wording of refusals. What this module must not
know: which values are right; the records of `scenario.py` decide that.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from bulkagent.emulator.agent_ids import AgentIds
from bulkagent.emulator.pace import Capacity, ColdStart, Latency
from bulkagent.emulator.scenario import AgentRules, Cluster, Fault, Scenario, SignInRules
from bulkagent.emulator.spells import Outage, SwitchOver
from bulkagent.errors import SettingsRefused

__all__ = ["load_scenario", "read_scenario"]

SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "latency": Latency,
    "capacity": Capacity,
    "cold_start": ColdStart,
    "agents": AgentRules,
    "sign_in": SignInRules,
    "cluster": Cluster,
    "faults": Fault,
    "switch_overs": SwitchOver,
    "outages": Outage,
}

LISTS = ("faults", "switch_overs", "outages")
"""Sections that there can be several of."""

WHERE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
"""How msgspec says which value it means, at the end of its message."""

MISSING = re.compile(r"\AObject missing required field (?P<key>`[^`]*`)\Z")

STEP = re.compile(r"\[(?P<index>[0-9]+)\]|(?P<key>[^.\[\]]+)")


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        SettingsRefused: it cannot be read or is not a scenario; the sentence names the file,
            the key and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsRefused(
            f"{path} cannot be read ({error.strerror}): give the path of a scenario file."
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsRefused(f"{path} is not UTF-8: save it as UTF-8.") from error
    return read_scenario(text, source=str(path))


def read_scenario(text: str, source: str = "scenario") -> Scenario:
    """The scenario that a TOML text describes; `source` names it in refusals.

    Raises:
        SettingsRefused: it is not TOML, has an unknown key, or has a wrong value.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers too long, brackets too deep
        raise SettingsRefused(f"{source} is not TOML ({error}): correct that line.") from error
    for problem in _unknown_keys(table):
        raise SettingsRefused(f"{source}: {problem}")
    try:
        return msgspec.convert(table, Scenario, dec_hook=_from_text)
    except msgspec.ValidationError as error:
        raise SettingsRefused(f"{source}: {_sentence(str(error))}") from error


def _unknown_keys(table: Mapping[str, object]) -> Iterator[str]:
    yield from _strangers(table, Scenario, "")
    for name, record in SECTIONS.items():
        section = table.get(name)
        entries = section if isinstance(section, list) else [section]
        place = f"[[{name}]]" if isinstance(section, list) else f"[{name}]"
        for entry in entries:
            if isinstance(entry, dict):
                yield from _strangers(entry, record, f" in {place}")


def _strangers(
    table: Mapping[str, object], record: type[msgspec.Struct], place: str
) -> Iterator[str]:
    known = record.__struct_fields__
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)
            yield f"unknown key `{key}`{place}: did you mean `{near[0]}`?"


def _from_text(wanted: type, value: object) -> object:
    if wanted is AgentIds and isinstance(value, str) and value.strip():
        return AgentIds(value)
    raise ValueError("expected a text with at least one agent ID")


def _sentence(message: str) -> str:
    """What msgspec says, in the words of the file: the key, what is wrong, what to do."""
    found = WHERE.search(message)
    if found is None:
        return f"{message}."
    problem = MISSING.sub(r"the key \g<key> is missing: add it", message[: found.start()])
    place, advice = "", ""
    record: type[msgspec.Struct] = Scenario
    for step in STEP.finditer(found["path"]):
        index, key = step["index"], step["key"]
        if index is not None:
            place += f" number {int(index) + 1}"
        elif key in SECTIONS and record is Scenario:
            record = SECTIONS[key]
            place = f"[[{key}]]" if key in LISTS else f"[{key}]"
        else:
            place = f"{place} key `{key}`".lstrip()
            advice = _advice(record, key)
    return f"{place}: {problem}. {advice}".rstrip()


def _advice(record: type[msgspec.Struct], key: str) -> str:
    """The description of a field, wherever in its type it stands."""
    pending = [typing.get_type_hints(record, include_extras=True)[key]]
    while pending:
        hint = pending.pop()
        for note in getattr(hint, "__metadata__", ()):
            if isinstance(note, msgspec.Meta) and note.description:
                return note.description
        pending.extend(typing.get_args(hint))
    return ""
