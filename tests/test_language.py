"""The language of screen and page: English, or Chinese from the catalogues."""

from __future__ import annotations

import pytest

from bulkagent.language import Language, language_of_locale


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.ENGLISH),
        ({"LANG": "C"}, Language.ENGLISH),
        ({"LANG": "zh_CN.UTF-8"}, Language.CHINESE),
        ({"LANG": "zh_TW"}, Language.CHINESE),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "de_DE.UTF-8"}, Language.CHINESE),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, Language.ENGLISH),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, Language.CHINESE),
    ],
)
def test_the_locale_asks_for_a_language(environment: dict[str, str], language: Language) -> None:
    assert language_of_locale(environment) is language
