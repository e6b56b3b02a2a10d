"""The language of screen and page, `--language`: English, or Chinese from the catalogues.

Proves the guide's "Language" of start.md as far as no command is run.
"""

from __future__ import annotations

import io
import re
import string
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo

from bulkagent.language import (
    Language,
    language_of_locale,
    page_language,
    page_translations,
    speaking,
    translate,
    translate_plural,
)
from bulkagent.language.translation import catalogue
from bulkagent.reasons import DeadlinePassed, GroupHeld, NotApplied
from tests.catalogues import (
    TRANSLATED,
    catalogue_of,
    catalogue_path,
    has_text,
    marked,
)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.ENGLISH),
        ({"LANG": "C"}, Language.ENGLISH),
        ({"LANG": "zh_CN.UTF-8"}, Language.CHINESE),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "de_DE.UTF-8"}, Language.CHINESE),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, Language.ENGLISH),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, Language.CHINESE),
        ({"LANG": "zh_SG"}, Language.CHINESE),
        ({"LANG": "zh_Hans_HK.UTF-8"}, Language.CHINESE),
        ({"LANG": "zh_TW.UTF-8"}, Language.ENGLISH),
        ({"LANG": "zh_HK"}, Language.ENGLISH),
        ({"LANG": "zh_Hant_TW.UTF-8"}, Language.ENGLISH),
        ({"LANG": "zha_CN"}, Language.ENGLISH),
    ],
)
def test_the_locale_asks_for_a_language(environment: dict[str, str], language: Language) -> None:
    assert language_of_locale(environment) is language


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_marked_sentence_is_in_the_catalogue_and_translated(language: Language) -> None:
    """`python -m tests.catalogues` brings what is missing into the catalogue."""
    wanted = {message.id for message in marked() if message.id}
    there = {message.id: message for message in catalogue_of(language) if message.id}
    assert len(wanted) > 200
    assert not wanted - there.keys(), "no translation"
    assert not there.keys() - wanted, "nobody says it any more"
    assert not [key for key, message in there.items() if not has_text(message.string)]
    assert not [key for key, message in there.items() if message.fuzzy]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_of_its_sentence(language: Language) -> None:
    for message in catalogue_of(language):
        sentences = forms(message.id)
        for translation in forms(message.string):
            assert places(translation) in [places(sentence) for sentence in sentences], message.id
            assert options(translation) == options(sentences[0]), message.id


def forms(text: object) -> list[str]:
    return [str(form) for form in text] if isinstance(text, (list, tuple)) else [str(text)]


def places(text: str) -> list[str]:
    """Names with their formats, as `str.format` and as the page's templates write them."""
    braces = [f"{{{name}:{form}}}" for _, name, form, _ in string.Formatter().parse(text) if name]
    return sorted([*braces, *re.findall(r"%\(\w+\)\w", text)])


def options(text: str) -> set[str]:
    """What is typed, and codes: these are the same in every language."""
    return set(re.findall(r"--[a-z-]+|\b\d{3}-\d{3}\b", text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_catalogue_is_the_one_that_is_written(language: Language) -> None:
    """`python -m tests.catalogues` compiles it; the wheel has it, for it lies in the package."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue_of(language))
    assert catalogue_path(language, ".mo").read_bytes() == compiled.getvalue()


@pytest.mark.parametrize("content", [None, b"", b"no catalogue", b"\xde\x12\x04\x95 cut"])
def test_without_a_catalogue_that_can_be_read_it_is_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    place = tmp_path / "locale/zh/LC_MESSAGES"
    place.mkdir(parents=True)
    if content is not None:
        (place / "bulkagent.mo").write_bytes(content)
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    catalogue.cache_clear()
    try:
        with speaking(Language.CHINESE):
            assert translate("resume the run") == "resume the run"
            assert translate_plural("{n} run", "{n} runs", 2) == "{n} runs"
            assert page_translations().gettext("Every row") == "Every row"
    finally:
        catalogue.cache_clear()


def test_what_is_spoken_lasts_as_long_as_the_command_that_chose_it() -> None:
    """The guide's "Settings and other options" of python.md: its pages are English."""
    with speaking(Language.CHINESE):
        assert page_language() is Language.CHINESE
    assert page_language() is Language.ENGLISH


def test_english_is_as_it_is_written_and_chinese_is_from_the_catalogue() -> None:
    assert translate("resume the run") == "resume the run"
    with speaking(Language.CHINESE):
        assert "resume" in translate("resume the run") != "resume the run"
        assert translate("a sentence that nobody has marked") == "a sentence that nobody has marked"
        assert translate("") == "", "the head of a catalogue is no translation"
        one = translate_plural("; {lines:,} line left out: {some}", "", 1)
        assert one.format(lines=1, some="Summe").endswith("Summe")
    with speaking(Language.CHINESE, on_screen=False):
        assert translate("resume the run") == "resume the run"
        assert page_translations().gettext("Every row") != "Every row"


def test_a_reason_is_recorded_in_english_whatever_is_spoken() -> None:
    """The ledger, CSV and JSON stay English: programs and other people read them."""
    reason = GroupHeld("Maple", NotApplied(30, 60, share=0.2))
    recorded = str(reason)
    with speaking(Language.CHINESE):
        assert str(reason) == recorded
        assert reason.sentence(translate) != recorded
        assert reason.sentence(translate).startswith("Maple")
        assert "2.5" in DeadlinePassed(2.5).sentence(translate)
