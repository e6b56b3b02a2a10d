"""Settings: defaults < file < environment < flags, every unit in a name.

What may live here: what can be set, where it is found, what is wrong with it. What this room
must not know: what any setting does. Environment and flags arrive together as what the caller
gave explicitly; the command line reads both.

The flow: `file` (the configuration file), `limits` (what holds at one gateway), `ranges` and
`observers` (what a value may be), `settings` (the layers, laid over one another).
"""

from __future__ import annotations

from bulkagent.settings.file import ConfigFile, GatewaySection, Policy, find_config, load_config
from bulkagent.settings.limits import GatewayLimits
from bulkagent.settings.observers import observer
from bulkagent.settings.ranges import NONE
from bulkagent.settings.settings import Settings

__all__ = [
    "NONE",
    "ConfigFile",
    "GatewayLimits",
    "GatewaySection",
    "Policy",
    "Settings",
    "find_config",
    "load_config",
    "observer",
]
