"""Which language a command speaks."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TextIO

from bulkagent.errors import BulkagentError
from bulkagent.language import Language, language_of, speaking
from bulkagent.settings.row import PREFIX

if TYPE_CHECKING:
    from pathlib import Path


def language_spoken(
    asked: str | None = None, config: Path | None = None
) -> AbstractContextManager[None]:
    """Speak the language that was asked for, or the configuration's, or the locale's.

    No command fails by it. One that reads the configuration refuses what it cannot use.

    Args:
        asked: `--language`; None: it was not given, and the environment is asked.
        config: The configuration file that was asked for; None: the one that is found.
    """
    said = asked or os.environ.get(f"{PREFIX}LANGUAGE") or _in_file(config)
    language = language_of(said, os.environ)
    shown = all(_can_show(language, stream) for stream in (sys.stdout, sys.stderr))
    return speaking(language, on_screen=shown)


def _in_file(config: Path | None) -> str:
    from bulkagent.settings import find_config, load_config

    try:
        said: str = load_config(find_config(config)).language
    except (BulkagentError, OSError):
        return ""
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
