"""What options say, as settings.

What may live here: text with units into numbers, and what was typed apart from what the
environment has. What this room must not know: what a command does with settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import typer

from bulkagent.cli.options.origins import at_option, place_of_value
from bulkagent.cli.parser import OPTIONAL_VALUES

if TYPE_CHECKING:
    from bulkagent.run import Choices
    from bulkagent.settings import Settings

__all__ = [
    "again_of",
    "choices_of",
    "events_of",
    "paths",
    "place_of",
    "repeated",
    "settings_from",
    "skip_invalid_of",
    "times_of",
    "was_typed",
]


def settings_from(config: Path | None, *, emulated: bool = False, **options: Any) -> Settings:
    """Settings of options over the configuration file over the defaults.

    Args:
        config: The configuration file that was asked for.
        emulated: Whether the gateway is the emulated one.
        options: What was given, by the options' names.

    Raises:
        SettingsRefused: One of them is wrong, or a guard that would guard nothing.
    """
    from bulkagent.cli.options.idle import note, typed
    from bulkagent.errors import SettingsRefused
    from bulkagent.settings import (
        Settings,
        find_config,
        harmless_settings,
        load_config,
        refuse_idle_settings,
        sources,
    )

    read = _read(options)
    path = find_config(config)
    file = load_config(path)
    try:
        settings = Settings.resolve(read, file, emulated=emulated)
    except SettingsRefused as refused:
        found = {at.name: at.source for at in sources(file, path, {}, job=options.get("job") or "")}
        names = [field.removesuffix("_s") for field in refused.fields]
        places = [
            place_of_value(name) if options.get(name) is not None else found.get(name, "default")
            for name in names
        ]
        told = ", ".join(f"{name}: {place}" for name, place in zip(names, places, strict=True))
        raise SettingsRefused(f"{refused} ({told})" if told else str(refused)) from None
    asked_for = _read({name: options[name] for name in typed() & options.keys()})
    refuse_idle_settings(asked_for, settings)
    for sentence in harmless_settings(asked_for, settings):
        note(sentence)
    return settings


def choices_of(ctx: typer.Context, config: Path | None, **options: Any) -> Choices:
    """The same for a run that has settings of its own: what was typed apart from what was not.

    Raises:
        SettingsRefused: One of them is wrong.
    """
    from bulkagent.run import Choices
    from bulkagent.settings import find_config, load_config

    typed = {name: value for name, value in options.items() if was_typed(ctx, name)}
    exported = {name: value for name, value in options.items() if name not in typed}
    return Choices(
        explicit=_read(typed),
        environment=_read(exported),
        file=load_config(find_config(config)),
    )


def paths(given: Sequence[Path] | None) -> tuple[Path, ...] | None:
    """What a repeatable option was given; None where it was not."""
    return tuple(given) if given else None


def was_typed(ctx: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, and not in the environment alone."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def again_of(ctx: typer.Context) -> dict[str, Any]:
    """What `resume` and `revert` have in common, as fields of what they ask for.

    Raises:
        SettingsRefused: An option is wrong.
    """
    given = ctx.params
    settings = {name: given.get(name) for name in _SETTINGS}
    settings["protect"] = paths(given["protect"])
    # The run has its own of these; what the environment says is for new runs.
    own = {name: given[name] for name in ("report", "scenario", *_TLS) if was_typed(ctx, name)}
    return {
        "choices": choices_of(ctx, given["config"], **settings),
        "roster": given["roster"] or "",
        "gateway": given["gateway"] or "",
        "encoding": given["encoding"],
        "delimiter": given["delimiter"],
        "agent_column": given["agent_column"],
        "reports": tuple(own.get("report") or ()),
        "scenario": own.get("scenario"),
        "tls": {name: own[name] for name in _TLS if name in own},
        "insecure": given["insecure"],
        "take_over": tuple(given["take_over"] or ()),
        "log_file": given["log_file"],
        "events": events_of(given["events"], as_json=given["as_json"]),
        "metrics_file": given["metrics_file"],
        "note": given["note"] or "",
        "on_behalf_of": given["on_behalf_of"] or "",
        "place": place_of(given["config"]),
        "repeat": repeated(ctx),
        **times_of(given["start_at"], given["finish_by"], given["time_zone"], given["config"]),
    }


def events_of(path: Path | None, *, as_json: bool) -> Path | None:
    """Where outcomes go as they happen.

    Raises:
        SettingsRefused: To standard output, which the result goes to.
    """
    from bulkagent.errors import SettingsRefused

    if as_json and path is not None and str(path) == "-":
        raise SettingsRefused("--events - and --json both write to stdout; give one of them a file")
    return path


def skip_invalid_of(text: str | None) -> bool | int:
    """How many invalid rows may be left out: True for the usual share.

    Raises:
        SettingsRefused: It is no number of rows.
    """
    from bulkagent.errors import SettingsRefused

    if text is None:
        return False
    if text == OPTIONAL_VALUES["--skip-invalid"]:
        return True
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return int(text)
    raise SettingsRefused(
        f"--skip-invalid: {text!r} is not a number of rows; write --skip-invalid 5, or leave the"
        " number out for 1 % of the rows, at least 3"
    )


# No roster has as many rows as this many digits can say.
_DIGITS = 9


def times_of(
    start_at: str | None, finish_by: str | None, time_zone: str | None, config: Path | None
) -> dict[str, Any]:
    """When a run starts and should end, as fields of what is asked for.

    Without a time zone it is the configuration's, and without that the machine's.

    Raises:
        SettingsRefused: One is no time, or is past.
    """
    from bulkagent.cli.render.schedule import times_from
    from bulkagent.clock import SystemClock
    from bulkagent.settings import find_config, load_config

    if time_zone:
        from bulkagent.instants import zone_of

        with at_option("time_zone"):
            zone_of(time_zone)
    if start_at is None and finish_by is None:
        return {}
    zone = time_zone or load_config(find_config(config)).time_zone
    return {**times_from(start_at, finish_by, zone=zone, now_ms=SystemClock().wall_ms())}


_TLS = ("ca_file", "client_cert", "tls_server_name")

_SETTINGS = (
    *("burst", "retry_for", "give_up_after", "resend_after_switchover"),
    *("rate", "timeout", "connect_timeout", "deadline", "grace", "halt", "halt_first"),
    *("sessions", "guid_url", "guid_ca_file", "max_agents", "job"),
    *("verify_with", "verify_again_after"),
    *("gate", "floor", "allow_closing", "canary", "wait_for_sign_in", "up_means", "absent_ok"),
    *("concurrency", "max_attempts", "ledger", "durability", "max_age", "trust_state"),
)


def repeated(ctx: typer.Context) -> tuple[str, ...]:
    """What was typed, the ledger does not keep, and a resume needs again."""
    insecure = ("--insecure",) if ctx.params.get("insecure") else ()
    if ctx.info_name == "apply":  # the ledger keeps the rest
        return insecure
    return (*_typed(ctx, "roster", "gateway", *_TLS), *insecure)


def place_of(config: Path | None) -> tuple[str, ...]:
    """What a following command needs to read the same configuration, wherever it is typed.

    Args:
        config: The file that was asked for; None: the one that is found.
    """
    from bulkagent.files.user_folders import anywhere, user_folder
    from bulkagent.settings import find_config

    found = find_config(config)
    everywhere = user_folder("config")
    if found is None or (everywhere is not None and found == everywhere / "bulkagent.toml"):
        return ()
    return ("--config", str(anywhere(found)))


def _typed(ctx: typer.Context, *names: str) -> tuple[str, ...]:
    return tuple(
        word
        for name in names
        if was_typed(ctx, name)
        for word in (f"--{name.replace('_', '-')}", _anywhere(name, ctx.params[name]))
    )


def _anywhere(name: str, value: object) -> str:
    """A value as it can be typed in any folder."""
    from bulkagent.files.user_folders import anywhere

    if name == "roster" and value != "-":
        value = Path(str(value))
    return str(anywhere(value)) if isinstance(value, Path) else str(value)


def _read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as settings: text with units into numbers; those that were not given left out."""
    from bulkagent.settings import refuse_single

    settings: dict[str, Any] = {}
    for name, value in options.items():
        if value is None or value in ([], ()):  # the second where Typer did not convert it
            continue
        with at_option(name):
            one = _one(name, value)
            refuse_single(one)
        settings.update(one)
    return settings


def _one(name: str, value: Any) -> dict[str, Any]:
    from bulkagent.settings import NONE

    if name in _READERS:
        return _READERS[name](value)
    if name in NONE and value.strip().lower() == "none":
        return {f"{name}_s": NONE[name]}
    if name in _DURATIONS:
        return {f"{name}_s": _quantities().duration_s(value)}
    return {name: value}


def _quantities() -> ModuleType:
    from bulkagent import units as quantities

    return quantities


def _concurrency(text: str) -> dict[str, Any]:
    limit = _quantities().concurrency(text)
    return {"concurrency" if isinstance(limit, int) else "auto": limit}


def _halt(text: str) -> dict[str, Any]:
    share, count = _quantities().halt_at(text)
    return {"halt_share": share, "halt_count": count}


def _floor(text: str) -> dict[str, Any]:
    none = text.strip().lower() == "none"
    return {"floor": None if none else _quantities().share(text)}


_READERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "concurrency": _concurrency,
    "rate": lambda text: {"per_second": _quantities().rate_per_second(text)},
    "halt": _halt,
    "agent_id_range": lambda text: {"agent_id_range": _quantities().agent_id_range(text)},
    "gate": lambda text: {"gate": _quantities().share(text)},
    "floor": _floor,
    "verify_with": lambda texts: {"verify_with": () if texts == ["none"] else tuple(texts)},
}

_DURATIONS = frozenset(
    {
        *("connect_timeout", "timeout", "retry_for", "give_up_after", "deadline", "grace"),
        *("max_age", "trust_state", "wait_for_sign_in", "verify_again_after"),
    }
)
