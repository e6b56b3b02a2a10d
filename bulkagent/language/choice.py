"""Which language is spoken where several places may ask for one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bulkagent.language.translation import Language


def language_of(said: str, environment: Mapping[str, str]) -> Language:
    """The language that was asked for by its code, or else that of the locale."""
    return Language(said) if said in set(Language) else language_of_locale(environment)


def language_of_locale(environment: Mapping[str, str]) -> Language:
    """The language of the locale, as POSIX reads it: the first variable that is set decides."""
    said = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    return Language.CHINESE if _SIMPLIFIED.match(said) else Language.ENGLISH


_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")

# The catalogue is in simplified characters, which Taiwan, Hong Kong and Macau do not write.
_SIMPLIFIED = re.compile(
    r"zh(?![a-z])([-_]hans(?![a-z])|(?!.*[-_@](tw|hk|mo|hant)(?![a-z])))", re.IGNORECASE
)
