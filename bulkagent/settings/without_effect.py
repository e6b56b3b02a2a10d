"""Settings that would change nothing beside the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from bulkagent.errors import SettingsRefused
from bulkagent.settings.guid_sources import GuidService
from bulkagent.settings.settings import Settings


def refuse_idle_settings(given: Collection[str], settings: Settings) -> None:
    """Refuse a guard that was asked for by name and would guard nothing.

    Args:
        given: The names of those that were asked for, as fields of `Settings`.
        settings: What they come to, with all others.

    Raises:
        SettingsRefused: One would be of no effect.
    """
    for sentence in _found(_GUARDS, given, settings):
        raise SettingsRefused(sentence)


def harmless_settings(given: Collection[str], settings: Settings) -> tuple[str, ...]:
    """What was asked for by name, would be of no effect and does no harm: a sentence each."""
    return tuple(_found(_HARMLESS, given, settings))


_Table = Mapping[str, tuple[str, Callable[[Settings], bool], str]]


def _found(table: _Table, given: Collection[str], settings: Settings) -> Iterator[str]:
    for name, (option, idle, why) in table.items():
        if name in given and idle(settings):
            yield f"{option} would change nothing: {why}"


def _has_no_rate(settings: Settings) -> bool:
    names = ("", *settings.gateways)
    return all(settings.limits(name).per_second is None for name in names)


_NO_HANDOVER = "it is for a handover, and --no-handover wants none; leave one out"

_HARMLESS: _Table = {
    "guid_ca_file": (
        "--guid-ca-file",
        lambda settings: not isinstance(settings.guids, GuidService),
        "it is for the service of --guid-url; give that, or --ca-file for the gateway's",
    ),
    "verify_again_after_s": (
        "--verify-again-after",
        lambda settings: not settings.verify_with,
        "nothing is verified; give --verify-with, or leave it out",
    ),
    "burst": ("--burst", _has_no_rate, "there is no rate; give --rate, or leave it out"),
}

_GUARDS: _Table = {
    name: (option, lambda settings: not settings.handover, _NO_HANDOVER)
    for name, option in (
        ("gate", "--gate"),
        ("floor", "--floor"),
        ("allow_closing", "--allow-closing"),
        ("up_means", "--up-means"),
    )
}
