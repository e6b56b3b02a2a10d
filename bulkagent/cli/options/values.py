"""The values of options as settings, and as fields of a request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulkagent.cli.options.given import Given
from bulkagent.cli.options.origins import at_option, place_of_value
from bulkagent.cli.options.rows import RUN_OPTIONS
from bulkagent.settings.row import Kind
from bulkagent.settings.table import BY_NAME, GATEWAY_ROWS

if TYPE_CHECKING:
    from bulkagent.run import Choices, Target
    from bulkagent.settings import Settings


def settings_of(given: Given, *, emulated: bool = False) -> Settings:
    """All settings that a command has options for, over the configuration file.

    Args:
        given: The values of the command line.
        emulated: Whether the gateway is the emulated one.

    Raises:
        SettingsRefused: One of them is wrong, or a guard that would guard nothing.
    """
    return settings_from(given["config"], emulated=emulated, **_settings_in(given))


def _settings_in(given: Given) -> dict[str, Any]:
    return {row.name: given[row.name] for row in given.rows if row.fields}


def settings_from(config: Path | None, *, emulated: bool = False, **options: Any) -> Settings:
    """Settings of options over the configuration file over the defaults.

    Args:
        config: The configuration file that was asked for.
        emulated: Whether the gateway is the emulated one.
        options: What was given, by the options' names.

    Raises:
        SettingsRefused: One of them is wrong, or a guard that would guard nothing.
    """
    from bulkagent.cli.options.without_effect import note, typed
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


def choices_of(given: Given) -> Choices:
    """The same for a run that has settings of its own: what was typed apart from what was not.

    Raises:
        SettingsRefused: One of them is wrong.
    """
    from bulkagent.run import Choices
    from bulkagent.settings import find_config, load_config

    options = _settings_in(given)
    typed = {name: value for name, value in options.items() if given.typed(name)}
    exported = {name: value for name, value in options.items() if name not in typed}
    return Choices(
        explicit=_read(typed),
        environment=_read(exported),
        file=load_config(find_config(given["config"])),
    )


def again_of(given: Given) -> dict[str, Any]:
    """What `resume` and `revert` have in common, as fields of what they ask for.

    Raises:
        SettingsRefused: An option is wrong.
    """
    # The run has its own of these; what the environment says is for new runs.
    own = {name: given[name] for name in ("report", "scenario", *_TLS) if given.typed(name)}
    return {
        **leg_of(given),
        "choices": choices_of(given),
        "roster": given.text("roster"),
        "reports": tuple(own.get("report") or ()),
        "scenario": own.get("scenario"),
        "insecure": given["insecure"],
        "tls": {name: own[name] for name in _TLS if name in own},
    }


def leg_of(given: Given) -> dict[str, Any]:
    """What `apply`, `resume` and `revert` have in common, as fields of what they ask for.

    Raises:
        SettingsRefused: An option is wrong.
    """
    return {
        "gateway": given.text("gateway"),
        "encoding": given["encoding"],
        "delimiter": given["delimiter"],
        "agent_column": given["agent_column"],
        "take_over": given.several("take_over"),
        "log_file": given["log_file"],
        "events": events_of(given["events"], as_json=given["json"]),
        "metrics_file": given["metrics_file"],
        "note": given.text("note"),
        "on_behalf_of": given.text("on_behalf_of"),
        "place": place_of(given["config"]),
        "repeat": repeated(given),
        "time_zone": zone_of(given),
        **times_of(given["start_at"], given["finish_by"], given["time_zone"], given["config"]),
    }


def target_of(given: Given) -> Target:
    """Which gateway is meant, and how it is trusted."""
    from bulkagent.run import Target

    return Target(gateway=given.text("gateway"), scenario=given.get("scenario"), **tls_of(given))


def tls_of(given: Given) -> dict[str, Any]:
    """How a gateway is trusted, as fields of what is asked for."""
    return {
        "ca_file": given["ca_file"],
        "client_cert": given["client_cert"],
        "tls_server_name": given.text("tls_server_name"),
        "insecure": given["insecure"],
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
    if text == _USUAL_SHARE:
        return True
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return int(text)
    raise SettingsRefused(
        f"--skip-invalid: {text!r} is not a number of rows; write --skip-invalid 5, or leave the"
        " number out for 1 % of the rows, at least 3"
    )


# No roster has as many rows as this many digits can say.
_DIGITS = 9
_USUAL_SHARE = next(row.left_out for row in RUN_OPTIONS if row.name == "skip_invalid")


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

    zone = _zone(time_zone, config)
    if start_at is None and finish_by is None:
        return {}
    return {**times_from(start_at, finish_by, zone=zone, now_ms=SystemClock().wall_ms())}


def zone_of(given: Given) -> str:
    """The time zone in which a command says times; "" for the machine's.

    Raises:
        SettingsRefused: This machine knows no such zone.
    """
    return _zone(given["time_zone"], given["config"])


def zone_of_pages(config: Path | None) -> str:
    """The time zone of a page that a command without `--time-zone` writes."""
    return _zone(None, config)


def _zone(time_zone: str | None, config: Path | None) -> str:
    from bulkagent import instants
    from bulkagent.settings import find_config, load_config

    if not time_zone:
        zone: str = load_config(find_config(config)).time_zone
        return zone
    with at_option("time_zone"):
        instants.zone_of(time_zone)
    return time_zone


_TLS = tuple(row.name for row in GATEWAY_ROWS if row.commands)


def repeated(given: Given) -> tuple[str, ...]:
    """What was typed, the ledger does not keep, and a resume needs again."""
    insecure = ("--insecure",) if given["insecure"] else ()
    if "run" not in given:  # the ledger keeps the rest
        return insecure
    return (*_typed(given, "roster", "gateway", *_TLS), *insecure)


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


def _typed(given: Given, *names: str) -> tuple[str, ...]:
    return tuple(
        word
        for name in names
        if given.typed(name)
        for word in (f"--{name.replace('_', '-')}", _anywhere(name, given[name]))
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
    from bulkagent.settings.written import read

    settings: dict[str, Any] = {}
    for name, value in options.items():
        if value is None or value in ([], ()):
            continue
        row = BY_NAME[name]
        if row.kind is Kind.TEXTS and tuple(value) == ("none",):
            value = ()  # noqa: PLW2901 - a word for nothing
        with at_option(name):
            one = read(row, value)
            refuse_single(one)
        settings.update(one)
    return settings
