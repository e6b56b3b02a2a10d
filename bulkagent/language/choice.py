"""Which language the environment asks for."""

from __future__ import annotations

from collections.abc import Mapping

from bulkagent.language.translation import Language


def language_of_locale(environment: Mapping[str, str]) -> Language:
    """The language of the locale, as POSIX reads it: the first variable that is set decides."""
    said = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    return Language.CHINESE if said.casefold().startswith(Language.CHINESE) else Language.ENGLISH


_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
