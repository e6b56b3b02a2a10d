"""Settings: defaults < file < environment < flags, every unit in a name.

What may live here: what can be set, where it is found, what is wrong with it. What this room
must not know: what any setting does. Environment and flags arrive together as what the caller
gave explicitly; the command line reads both.

The flow: `table` (one row a setting, see `row`), `written` (a written value as a field), `ranges`
and `observers` (what a value may be), `config_file` (the file, which `file_check` and the rows
check), `gateway_limits` (what holds at one gateway), `guid_sources` (the source of GUIDs),
`settings` (the layers, laid over one another), `layers` (which layer a setting comes from),
`without_effect` (what changes nothing beside the others).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.lazy import lazily

if TYPE_CHECKING:
    from bulkagent.settings.config_file import (
        ConfigFile,
        GatewaySection,
        Policy,
        find_config,
        load_config,
    )
    from bulkagent.settings.example_file import commented_file
    from bulkagent.settings.former_names import accept_former
    from bulkagent.settings.gateway_limits import GatewayLimits
    from bulkagent.settings.guid_sources import GuidService, SessionsFile, files_of
    from bulkagent.settings.layers import Sourced, sources
    from bulkagent.settings.observers import observer
    from bulkagent.settings.ranges import NONE
    from bulkagent.settings.settings import Settings
    from bulkagent.settings.single_values import refuse_single
    from bulkagent.settings.without_effect import harmless_settings, refuse_idle_settings

__all__ = [
    "NONE",
    "ConfigFile",
    "GatewayLimits",
    "GatewaySection",
    "GuidService",
    "Policy",
    "SessionsFile",
    "Settings",
    "Sourced",
    "accept_former",
    "commented_file",
    "files_of",
    "find_config",
    "harmless_settings",
    "load_config",
    "observer",
    "refuse_idle_settings",
    "refuse_single",
    "sources",
]

_HOMES = {
    "bulkagent.settings.example_file": ("commented_file",),
    "bulkagent.settings.config_file": (
        "ConfigFile",
        "GatewaySection",
        "Policy",
        "find_config",
        "load_config",
    ),
    "bulkagent.settings.former_names": ("accept_former",),
    "bulkagent.settings.gateway_limits": ("GatewayLimits",),
    "bulkagent.settings.guid_sources": ("GuidService", "SessionsFile", "files_of"),
    "bulkagent.settings.without_effect": (
        "harmless_settings",
        "refuse_idle_settings",
    ),
    "bulkagent.settings.observers": ("observer",),
    "bulkagent.settings.ranges": ("NONE",),
    "bulkagent.settings.settings": ("Settings",),
    "bulkagent.settings.single_values": ("refuse_single",),
    "bulkagent.settings.layers": (
        "Sourced",
        "sources",
    ),
}

__getattr__ = lazily(__name__, _HOMES)
