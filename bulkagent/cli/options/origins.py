"""Where each value of the present command was given, for people."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

from bulkagent.cli.options.without_effect import PRESENT
from bulkagent.errors import SettingsRefused


def place_of_value(name: str) -> str:
    """Where the value of an option was given, for people: `--rate`, or `BULKAGENT_RATE`."""
    context = PRESENT.get()
    found = [each for each in context.command.params if each.name == name] if context else []
    return place_in(context, found[0]) if found else f"--{name.replace('_', '-')}"


@contextlib.contextmanager
def at_option(name: str) -> Iterator[None]:
    """Have a refusal of an option's value say where the value was given.

    Raises:
        SettingsRefused: What was raised within, with its place.
    """
    try:
        yield
    except SettingsRefused as refused:
        raise SettingsRefused(f"{place_of_value(name)}: {refused}") from None


def with_variables(message: str) -> str:
    """What a refusal says, and which variables gave what it speaks of: nobody typed those."""
    context = PRESENT.get()
    told = []
    for each in context.command.params if context else ():
        variable = str(each.envvar)
        if place_in(context, each) != variable or variable in message:
            continue
        spoken_of = [name for name in names_of(each) if re.search(rf"{name}(?![\w-])", message)]
        value = os.environ.get(variable, "")
        if spoken_of or (len(value) >= _TELLING and repr(value) in message):
            told.append(f"{names_of(each)[0]} was given by {variable}")
    return f"{message} ({'; '.join(told)})" if told else message


# A shorter value may stand in a sentence by chance.
_TELLING = 3


def names_of(param: Any) -> list[str]:
    """The names of an option."""
    return [str(name) for name in (*param.opts, *param.secondary_opts) if name.startswith("-")]


def place_in(ctx: Any, param: Any) -> str:
    """Where the value of a parameter was given."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name)
    source = ctx.get_parameter_source(param.name)
    if source is not None and source.name == "ENVIRONMENT":
        return str(param.envvar)
    return next((name for name in names_of(param) if name.startswith("--")), str(param.name))
