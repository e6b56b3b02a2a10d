"""Which layer each setting of a new run comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bulkagent.settings.config_file import ConfigFile, GatewaySection, Policy
from bulkagent.settings.row import PREFIX
from bulkagent.settings.table import RUN_ROWS, SECTION_ROWS, TOP_ROWS

_ADD_UP = frozenset({"protect"})
_ONE_OF = ("sessions", "guid_url")
"""GUIDs come from one place: whichever a higher layer names takes the other's away."""


class Sourced(msgspec.Struct, frozen=True):
    """One setting as it would hold for a new run."""

    name: str
    value: str
    """As it is written; "": there is none."""
    source: str
    """`default`, the environment's variable, or the file with its section."""


def sources(
    file: ConfigFile,
    path: Path | None,
    environment: Mapping[str, str],
    *,
    gateway: str = "",
    job: str = "",
) -> list[Sourced]:
    """Every setting with the layer that decides it, in the order of the file's words.

    Args:
        file: The configuration file; its paths are read already.
        path: Where it is; None: there is none.
        environment: The process's.
        gateway: The gateway whose section counts; "": none.
        job: The job whose section counts; "": the file's own, where it names one.
    """
    job = job or environment.get("BULKAGENT_JOB", "") or file.job
    sections: list[tuple[str, Policy | GatewaySection | None]] = [
        (f"{path}, [gateways.{gateway}]", file.gateways.get(gateway)),
        (f"{path}, [jobs.{job}]", file.jobs.get(job)),
        (f"{path}", file),
    ]
    rows = {row.name: row for row in (*TOP_ROWS, *RUN_ROWS)}
    if gateway in file.gateways:
        rows = {**{row.name: row for row in SECTION_ROWS}, **rows}
    found: list[Sourced] = []
    ranks: dict[str, int] = {}
    for name, row in rows.items():
        said = list(_said(name, sections, environment))
        ranks[name] = said[0][0] if said else len(sections) + 1
        if name in _ADD_UP and said:
            values = ", ".join(value for _, value, _ in reversed(said))
            found.append(Sourced(name, values, "; ".join(where for *_, where in said)))
        elif said:
            found.append(Sourced(name, said[0][1], said[0][2]))
        else:
            found.append(Sourced(name, row.default, "default"))
    one, other = _ONE_OF
    given_up = {one: other, other: one}
    return [
        Sourced(sourced.name, "", f"given up for {given_up[sourced.name]}")
        if sourced.name in _ONE_OF
        and sourced.value
        and ranks[given_up[sourced.name]] < ranks[sourced.name]
        else sourced
        for sourced in found
    ]


def _said(
    name: str,
    sections: list[tuple[str, Policy | GatewaySection | None]],
    environment: Mapping[str, str],
) -> list[tuple[int, str, str]]:
    """Rank, value and place of every layer that says something, the highest first."""
    variable = f"{PREFIX}{name.upper()}"
    said: list[tuple[int, str, str]] = []
    if environment.get(variable):
        said.append((0, _without_password(environment[variable]), variable))
    for rank, (where, section) in enumerate(sections, start=1):
        value = getattr(section, name, None) if section is not None else None
        if value not in (None, "", [], ()):
            said.append((rank, _without_password(_written(value)), where))
    return said


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _without_password(text: str) -> str:
    """A text in which an address, if it is one, names nobody's password."""
    return re.sub(r"(//)[^/@\s]*@", r"\1***@", text)
