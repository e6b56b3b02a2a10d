"""Which language a command speaks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from bulkagent.language import Language, language_of_locale, speak
from bulkagent.settings.row import PREFIX

if TYPE_CHECKING:
    from pathlib import Path


def choose_language(asked: str | None = None, config: Path | None = None) -> None:
    """Speak the language that was asked for, or the configuration's, or the locale's.

    Args:
        asked: `--language`, or its variable; None: neither was given.
        config: The configuration file that was asked for; None: the one that is found.

    Raises:
        SettingsRefused: The configuration file cannot be used.
    """
    said = asked or _in_file(config) or os.environ.get(f"{PREFIX}LANGUAGE")
    language = Language(said) if said in set(Language) else language_of_locale(os.environ)
    shown = all(_can_show(language, stream) for stream in (sys.stdout, sys.stderr))
    speak(language, on_screen=shown)


def _in_file(config: Path | None) -> str:
    from bulkagent.settings import find_config

    path = find_config(config)
    if path is None:
        return ""
    from bulkagent.settings import load_config

    said: str = load_config(path).language
    return said


def _can_show(language: Language, stream: TextIO | None) -> bool:
    """Whether what reads a stream can show the language's characters."""
    if stream is None or language is Language.ENGLISH:
        return True
    try:
        _SAMPLES[language].encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


_SAMPLES = {Language.CHINESE: "座席"}
