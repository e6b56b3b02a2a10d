"""Which bulkagent this is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version


@cache
def own_version() -> str:
    """The version that is installed; its metadata are a file to read and take apart, once."""
    return version("bulkagent")
