"""Marked sentences in the language that is spoken."""

from __future__ import annotations

import enum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import NullTranslations


class Language(enum.StrEnum):
    """A language that people are spoken to in, by its code in ISO 639."""

    ENGLISH = "en"
    CHINESE = "zh"


class _Spoken:
    """What this process speaks; a command chooses it once, before it says anything."""

    screen = Language.ENGLISH
    page = Language.ENGLISH


_spoken = _Spoken()


def speak(language: Language, *, on_screen: bool = True) -> None:
    """Speak a language from now on.

    Args:
        language: Of the screen and of pages.
        on_screen: Whether the terminal can show it; otherwise the screen speaks English.
    """
    _spoken.page = language
    _spoken.screen = language if on_screen else Language.ENGLISH


def mark(text: str) -> str:
    """The English sentence as it stands, marked for the catalogues. It is translated when shown."""
    return text


def translate(text: str) -> str:
    """A marked sentence, with its places still to be filled in, in the language of the screen."""
    if _spoken.screen is Language.ENGLISH or not text:
        return text
    return catalogue(_spoken.screen).gettext(text)


def translate_plural(one: str, several: str, number: int) -> str:
    """The same of a sentence that has a form for one and a form for several."""
    if _spoken.screen is Language.ENGLISH:
        return one if number == 1 else several
    return catalogue(_spoken.screen).ngettext(one, several, number)


def page_language() -> Language:
    """The language of the pages that are written from now on."""
    return _spoken.page


def page_translations() -> NullTranslations:
    """What translates a page, as `Environment.install_gettext_translations` of Jinja takes it."""
    return catalogue(_spoken.page)


@cache
def catalogue(language: Language) -> NullTranslations:
    """The translations of a language; of English, which needs none, those that change nothing."""
    import gettext
    from pathlib import Path

    if language is Language.ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation("bulkagent", Path(__file__).with_name("locale"), [language.value])
