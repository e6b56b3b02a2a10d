"""A scenario file: TOML in, a `Scenario` or one sentence about what is wrong with it out."""

from __future__ import annotations

import difflib
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from bulkagent.emulator.faults.latency import Capacity, ColdStart, Latency
from bulkagent.emulator.faults.outages import Outage, SwitchOver
from bulkagent.emulator.faults.scenario import (
    AgentRules,
    Cluster,
    Scenario,
    ScenarioFault,
    SignInRules,
)
from bulkagent.emulator.protocol.agent_ids import AgentIds
from bulkagent.errors import SettingsRefused
from bulkagent.text.msgspec_words import in_words, path_in
from bulkagent.text.toml_lines import Toml

SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "latency": Latency,
    "capacity": Capacity,
    "cold_start": ColdStart,
    "agents": AgentRules,
    "sign_in": SignInRules,
    "cluster": Cluster,
    "faults": ScenarioFault,
    "switch_overs": SwitchOver,
    "outages": Outage,
}

LISTS = ("faults", "switch_overs", "outages")
"""Sections that there can be several of."""


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        SettingsRefused: it cannot be read or is not a scenario; the sentence names the file,
            the key and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
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
        toml = Toml(tomllib.loads(text), text)
    except (ValueError, RecursionError) as error:  # numbers too long, brackets too deep
        raise SettingsRefused(f"{source} is not TOML ({error}): correct that line.") from error
    for path, problem in _unknown_keys(toml.table):
        raise SettingsRefused(f"{_at(toml, path, source)}: {problem}")
    try:
        return msgspec.convert(toml.table, Scenario, dec_hook=_from_text)
    except msgspec.ValidationError as error:
        path = path_in(str(error))
        told = _sentence(str(error), path)
        raise SettingsRefused(f"{_at(toml, path, source)}: {told}") from error


def _at(toml: Toml, path: Sequence[str | int], source: str) -> str:
    line = toml.line_of(path)
    return f"{source}, line {line}" if line else source


def _unknown_keys(table: Mapping[str, object]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield from _strangers(table, Scenario, "", ())
    for name, record in SECTIONS.items():
        section = table.get(name)
        several = isinstance(section, list)
        place = f"[[{name}]]" if several else f"[{name}]"
        for number, entry in enumerate(section if isinstance(section, list) else [section]):
            if isinstance(entry, dict):
                path = (name, number) if several else (name,)
                yield from _strangers(entry, record, f" in {place}", path)


def _strangers(
    table: Mapping[str, object],
    record: type[msgspec.Struct],
    place: str,
    path: tuple[str | int, ...],
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    known = record.__struct_fields__
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)
            yield (*path, key), f"unknown key `{key}`{place}: did you mean `{near[0]}`?"


def _from_text(wanted: type, value: object) -> object:
    if wanted is AgentIds and isinstance(value, str) and value.strip():
        return AgentIds(value)
    raise ValueError("expected a text with at least one agent ID")


def _sentence(message: str, path: Sequence[str | int]) -> str:
    """The words of msgspec in those of the file: the key, its defect, and what to do."""
    place, advice = "", ""
    record: type[msgspec.Struct] = Scenario
    for step in path:
        if isinstance(step, int):
            place += f" number {step + 1}"
        elif step in SECTIONS and record is Scenario:
            record = SECTIONS[step]
            place = f"[[{step}]]" if step in LISTS else f"[{step}]"
        else:
            place = f"{place} key `{step}`".lstrip()
            advice = _advice(record, step)
    told = f"{in_words(message)}. {advice}".rstrip()
    return f"{place}: {told}" if place else told


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
