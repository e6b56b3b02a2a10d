"""Marked sentences in the language that is spoken."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gettext import NullTranslations


class Language(enum.StrEnum):
    """A language that people are spoken to in, by its code in ISO 639."""

    ENGLISH = "en"
    CHINESE = "zh"


class _Spoken(NamedTuple):
    screen: Language
    page: Language


_ENGLISH = _Spoken(Language.ENGLISH, Language.ENGLISH)

# Of the work at hand, so that a command leaves nothing to those who call the package from Python.
_spoken = ContextVar("spoken", default=_ENGLISH)


@contextmanager
def speaking(language: Language, *, on_screen: bool = True) -> Iterator[None]:
    """Speak a language for as long as this lasts; otherwise it is English.

    Args:
        language: Of the screen and of pages.
        on_screen: Whether the terminal can show it; otherwise the screen speaks English.
    """
    screen = language if on_screen else Language.ENGLISH
    before = _spoken.set(_Spoken(screen, language))
    try:
        yield
    finally:
        _spoken.reset(before)


def mark(text: str) -> str:
    """The English sentence as it stands, marked for the catalogues. It is translated when shown."""
    return text


def translate(text: str) -> str:
    """A marked sentence, with its places still to be filled in, in the language of the screen."""
    screen = _spoken.get().screen
    return text if screen is Language.ENGLISH or not text else catalogue(screen).gettext(text)


def translate_plural(one: str, several: str, number: int) -> str:
    """The same of a sentence that has a form for one and a form for several."""
    screen = _spoken.get().screen
    if screen is Language.ENGLISH:
        return one if number == 1 else several
    return catalogue(screen).ngettext(one, several, number)


def page_language() -> Language:
    """The language of the pages that are written from now on."""
    return _spoken.get().page


def page_translations() -> NullTranslations:
    """What translates a page, as `Environment.install_gettext_translations` of Jinja takes it."""
    return catalogue(page_language())


@cache
def catalogue(language: Language) -> NullTranslations:
    """The translations of a language.

    Of English, which needs none, those that change nothing; also where the installation lacks the
    catalogue, or it is broken: a sentence in English is better than none.
    """
    import gettext
    from importlib.resources import files

    if language is Language.ENGLISH:
        return gettext.NullTranslations()
    # By its package: that may lie in an archive.
    place = files("bulkagent.language").joinpath("locale", language.value, "LC_MESSAGES")
    try:
        with place.joinpath("bulkagent.mo").open("rb") as file:
            return gettext.GNUTranslations(file)
    except Exception:  # noqa: BLE001 - no sentence is lost for want of its translation
        return gettext.NullTranslations()
