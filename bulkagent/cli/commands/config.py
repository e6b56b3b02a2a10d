"""`bulkagent config`: which settings hold and where they come from, and a file to begin with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bulkagent.cli.console.terminal import print_data, print_json, say, width_of
from bulkagent.cli.options.given import Given

if TYPE_CHECKING:
    from pathlib import Path


def show(given: Given) -> None:
    """Show the settings of a new run, and where each of them comes from.

    Example: bulkagent config show --gateway east --job morning
    """
    import sys

    from bulkagent.cli.options import values
    from bulkagent.cli.render.table import table
    from bulkagent.errors import SettingsRefused
    from bulkagent.settings import find_config, load_config, sources

    gateway, job, config = given["gateway"], given["job"], given["config"]
    path = find_config(config)
    file = load_config(path)
    if gateway and gateway not in file.gateways:
        known = ", ".join(sorted(file.gateways)) or "none"
        raise SettingsRefused(
            f"there is no [gateways.{gateway}] in the configuration; known are {known}"
        )
    # As a run would have them: what cannot hold is refused here too.
    values.settings_from(config, job=job)
    found = sources(file, path, os.environ, gateway=gateway or "", job=job or "")
    if given["json"]:
        told = {"file": None if path is None else str(path), "settings": found}
        print_json(told)
        return
    rows = [(at.name, at.value or "-", at.source) for at in found]
    print_data(table(("setting", "value", "from"), rows, width=width_of(sys.stdout)))
    say(f"file    {path}" if path else "file    none; bulkagent config init writes one")


def init(given: Given) -> None:
    """Write a configuration file that has every setting, commented out.

    Example: bulkagent config init
    """
    from bulkagent.errors import SettingsRefused
    from bulkagent.files.atomic_file import replacing
    from bulkagent.settings import commented_file

    path: Path = given["path"]
    try:
        with replacing(path, new=True) as file:
            file.write(commented_file().encode())
    except (OSError, ValueError) as error:
        said = (isinstance(error, OSError) and error.strerror) or error
        raise SettingsRefused(f"{path}: {said}; nothing was written") from None
    say(f"wrote   {path}; take away the # before each setting that you want")
