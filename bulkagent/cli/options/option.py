"""One option, with its environment variable.

What may live here: how a variable is called. What this room must not know: any single option.
"""

from __future__ import annotations

from typing import Any

import typer

__all__ = ["option"]


def option(*names: str, help: str, env: bool = True, **more: Any) -> Any:  # noqa: A002 - Typer's word
    """An option of Typer's that the environment can give too, unless it is consent or intent."""
    long = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "BULKAGENT_" + long.removeprefix("--").replace("-", "_").upper()
    return typer.Option(*names, help=help, envvar=variable if env else None, **more)
