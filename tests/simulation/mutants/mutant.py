"""A fault that is put into bulkagent by its names, so that a rename is noticed."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import msgspec

_PRODUCT = "bulkagent"

Made = Callable[[Any], Any]
"""Makes of the right function, method or constant the wrong one that takes its place."""


class Change(msgspec.Struct, frozen=True):
    """One thing that is replaced."""

    target: str
    """Its dotted name: of a function, a method or a constant."""
    made: Made


class Mutant(msgspec.Struct, frozen=True):
    """A fault of bulkagent, as a regression might bring it."""

    name: str
    wrong: str
    """What is wrong in it."""
    changes: Sequence[Change]
    caught_by: frozenset[str]
    """The predicates that must see it, each by itself enough."""


def fault(
    name: str, wrong: str, changes: Mapping[str, Made], *, caught_by: Collection[str]
) -> Mutant:
    """A mutant; its changes are by dotted names within bulkagent."""
    return Mutant(
        name,
        wrong,
        tuple(Change(f"{_PRODUCT}.{target}", made) for target, made in changes.items()),
        frozenset(caught_by),
    )


def written(old: str, new: str) -> Made:
    """A text that says something else in one place.

    Raises:
        LookupError: When it is made, where the text has no such place.
    """

    def made(text: str) -> str:
        if old not in text:
            raise LookupError(f"{old!r} is not in the text any more: {text}")
        return text.replace(old, new)

    return made


def always(value: Any) -> Made:
    """A function that gives this whatever it is asked."""
    return lambda _right: lambda *_args, **_options: value


def instead(value: Any) -> Made:
    """This in its place."""
    return lambda _right: value


@contextlib.contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """Have bulkagent be wrong within, wherever the replaced thing is known.

    Raises:
        AttributeError: There is nothing of a name any more.
        LookupError: A text has changed.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(_forget)
        for change in mutant.changes:
            stack.enter_context(_changed(change))
        _forget()
        yield


@contextlib.contextmanager
def _changed(change: Change) -> Iterator[None]:
    owner, name = _found(change.target)
    right = inspect.getattr_static(owner, name)
    wrong = change.made(right)
    setattr(owner, name, wrong)
    if isinstance(owner, ModuleType):
        _exchange(right, wrong)
    try:
        yield
    finally:
        setattr(owner, name, right)
        if isinstance(owner, ModuleType):
            _exchange(wrong, right)


def _found(target: str) -> tuple[Any, str]:
    """The module or class that has it, and its name there."""
    module, _, name = target.rpartition(".")
    try:
        return importlib.import_module(module), name
    except ModuleNotFoundError:
        module, _, owner = module.rpartition(".")
        return getattr(importlib.import_module(module), owner), name


def _exchange(old: Any, new: Any) -> None:
    """Other modules have imported it by its name, some of them meanwhile."""
    for module in _modules():
        for name in [name for name, value in vars(module).items() if value is old]:
            setattr(module, name, new)


def _forget() -> None:
    """Nothing that a wrong function has said is kept for the right one, or the other way round."""
    for module in _modules():
        for value in list(vars(module).values()):
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


def _modules() -> list[ModuleType]:
    """Those of bulkagent that are imported by now."""
    return [found for name, found in sys.modules.items() if name.split(".")[0] == _PRODUCT]
