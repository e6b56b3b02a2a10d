"""The defects of a configuration file, each with its line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.settings.intent import INTENT, not_from
from bulkagent.settings.ranges import RANGES
from bulkagent.settings.row import Kind
from bulkagent.settings.table import SECTION_ROWS, SETTINGS
from bulkagent.text.near_units import as_whole
from bulkagent.text.spelling import did_you_mean, nearest
from bulkagent.text.toml_lines import Toml


class Section(msgspec.Struct, frozen=True):
    """One table of the file, and the record of what may stand in it."""

    path: tuple[str, ...]
    """() for the top."""
    record: type[Any]
    table: Mapping[str, Any]


def sections_of(toml: Toml, top: type[Any], tables: Mapping[str, type[Any]]) -> Iterator[Section]:
    """The top of a file, and each table of its tables of tables.

    Args:
        toml: The file.
        top: What may stand at its top.
        tables: Name of a table of tables -> what may stand in each of its tables.
    """
    yield Section((), top, toml.table)
    for name, record in tables.items():
        named = toml.table.get(name)
        for each, table in named.items() if isinstance(named, dict) else ():
            if isinstance(table, dict):
                yield Section((name, each), record, table)


def refuse_keys(toml: Toml, section: Section, top: type[msgspec.Struct], name: str) -> None:
    """Refuse a key that nobody knows, and a value of another kind than its key takes.

    Args:
        toml: The file.
        section: The table that is looked at.
        top: What may stand at the file's top.
        name: What the file is called.

    Raises:
        SettingsRefused: There is one.
    """
    hints = get_type_hints(section.record)
    for key, value in section.table.items():
        path = (*section.path, key)
        if key not in hints:
            place = f"{name}, {toml.place_of(path)}"
            raise SettingsRefused(f"{place}: {_unknown(key, section, top, hints)}")
        if not any(_is_a(value, kind) for kind in _kinds(hints[key])):
            _refuse_kind(f"{name}, {toml.place_of(path)}", key, value, hints[key])
    missing = [key for key in section.record.__struct_fields__ if key not in section.table]
    for field in msgspec.structs.fields(section.record):
        if field.required and field.name in missing:
            place = f"{name}, {toml.place_of(section.path)}"
            raise SettingsRefused(f"{place}: it has no {field.name}; add {_example(field.name)}")


def with_place(toml: Toml, section: Section, name: str, read: Callable[[str, Any], None]) -> None:
    """Read each key of a table; what is wrong with one is told with its place.

    Args:
        toml: The file.
        section: The table.
        name: What the file is called.
        read: Reads one key, and raises `SettingsRefused`.

    Raises:
        SettingsRefused: One cannot be read.
    """
    for key, value in section.table.items():
        try:
            read(key, value)
        except SettingsRefused as refused:
            place = toml.place_of((*section.path, key))
            raise SettingsRefused(f"{name}, {place}: {refused}") from None


def _unknown(
    key: str, section: Section, top: type[msgspec.Struct], hints: Mapping[str, Any]
) -> str:
    plain = key.replace("-", "_").lower()
    if plain in INTENT and plain not in hints:
        return not_from(plain, "a file")
    if section.path and key in top.__struct_fields__:
        return (
            "it holds for all gateways, so it stands above the first [gateways.NAME]"
            if section.path[0] == "gateways"
            else "it holds for all jobs, so it stands above the first section"
        )
    near = nearest(key, hints)
    return f"there is no setting of that name{did_you_mean(near)}"


def _kinds(hint: Any) -> tuple[Any, ...]:
    arguments = get_args(hint)
    return arguments if arguments and get_origin(hint) not in {list, tuple, dict} else (hint,)


def _is_a(value: object, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in {list, tuple}:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())
    # A yes is no number.
    return type(value) is kind


def _refuse_kind(place: str, key: str, value: object, hint: Any) -> NoReturn:
    meant = _meant(key, value, hint)
    told = did_you_mean(f"{key} = {json.dumps(meant)}" if meant is not None else "")
    raise SettingsRefused(f"{place}: {_shown(value)} is not {_takes(key, hint)}{told}")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 60


def _takes(key: str, hint: Any) -> str:
    kinds = _kinds(hint)
    if bool in kinds:
        return "true or false"
    if get_origin(kinds[0]) in {list, tuple}:
        return f"a list of texts, such as {_example(key)}"
    if get_origin(kinds[0]) is dict:
        return f"a table; write [{key}.NAME]"
    if int in kinds:
        _, low, high = RANGES.get(key, ("", 0, 0))
        number = f"a whole number from {low:,} to {high:,}" if high else "a whole number"
        return f'{number}, "auto" or "auto:4-256"' if str in kinds else number
    return f"a text, such as {_example(key)}"


def _example(key: str) -> str:
    rows = {row.name: row for row in (*SECTION_ROWS, *SETTINGS)}
    example = rows[key].example if key in rows else "..."
    return f"{key} = {json.dumps(example)}"


_UNITS = {Kind.RATE: "/s", Kind.SHARE: "%", Kind.TIME: "s"}
_KINDS = {row.name: row.kind for row in SETTINGS}
_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})
_DIGITS = 9


def _meant(key: str, value: object, hint: Any) -> object:
    """What was probably meant by a value of another kind; None where nobody can tell."""
    kinds = _kinds(hint)
    text = str(value).strip().lower()
    if bool in kinds:
        return True if text in _YES else False if text in _NO else None
    if get_origin(kinds[0]) in {list, tuple}:
        return [value] if isinstance(value, str) else None
    if int in kinds:
        plain = as_whole(text)
        return int(plain) if plain and len(plain) <= _DIGITS else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _with_unit(key, value)
    return None


def _with_unit(key: str, value: float) -> str | None:
    kind = _KINDS.get(key)
    if kind is Kind.HALT:
        return f"fail={value:g}"
    if kind is Kind.SHARE and value <= 1:
        value *= 100
    return f"{value:g}{_UNITS[kind]}" if kind in _UNITS else None
