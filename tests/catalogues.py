"""Brings the catalogues of `bulkagent/language` up to date: `python -m tests.catalogues`.

It puts every marked sentence of the package into `bulkagent.po`, keeps the translations that are
there, and compiles `bulkagent.mo`. What has no translation yet stands there with an empty one.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from bulkagent.language import Language

PACKAGE = Path(__file__).parent.parent / "bulkagent"
LOCALES = PACKAGE / "language" / "locale"
TRANSLATED = tuple(language for language in Language if language is not Language.ENGLISH)

KEYWORDS = {
    **dict.fromkeys(("mark", "translate", "_", "gettext")),
    **dict.fromkeys(("translate_plural", "ngettext"), (1, 2)),
}
"""The functions whose texts are marked; `_`, `gettext` and `ngettext` are those of the page."""

# A date of the day on which it is made would make every catalogue new each day.
_FIRST_MADE = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)


def marked() -> Catalog:
    """Every marked sentence, in the order of the files."""
    catalogue = Catalog(fuzzy=False)
    for path in sorted((*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html"))):
        method = "python" if path.suffix == ".py" else "jinja2.ext:babel_extract"
        found = extract_from_file(
            method, path, KEYWORDS, ("Translators:",), {"trimmed": "true"}, strip_comment_tags=True
        )
        for _line, texts, comments, context in found:
            catalogue.add(texts, auto_comments=comments, context=context)
    return catalogue


def catalogue_path(language: Language, suffix: str) -> Path:
    """Where a catalogue is: `.po` for people, `.mo` for the program."""
    return LOCALES / language.value / "LC_MESSAGES" / f"bulkagent{suffix}"


def catalogue_of(language: Language) -> Catalog:
    """The translations of a language as they stand; an empty catalogue where there are none."""
    path = catalogue_path(language, ".po")
    if not path.exists():
        return Catalog(locale=language.value)
    with path.open("rb") as file:
        return read_po(file, locale=language.value)


def updated(language: Language) -> Catalog:
    """The same with every sentence that is marked now, and no other."""
    catalogue = catalogue_of(language)
    catalogue.update(marked(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    catalogue.header_comment = f"# What bulkagent says, in {language.name.capitalize()}."
    catalogue.project, catalogue.version = "bulkagent", "1"
    catalogue.last_translator = catalogue.language_team = "bulkagent"
    catalogue.msgid_bugs_address = ""
    catalogue.creation_date = catalogue.revision_date = _FIRST_MADE
    return catalogue


def main() -> int:
    """Write the catalogues; 1 where sentences are without a translation."""
    missing = 0
    for language in TRANSLATED:
        catalogue = updated(language)
        path = catalogue_path(language, ".po")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=100, no_location=True, omit_header=False)
        with catalogue_path(language, ".mo").open("wb") as file:
            write_mo(file, catalogue)
        empty = [message.id for message in catalogue if message.id and not has_text(message.string)]
        missing += len(empty)
        sys.stderr.write(f"{path}: {len(catalogue)} sentences, {len(empty)} not translated\n")
    return int(missing > 0)


def has_text(translation: object) -> bool:
    """Whether a translation, in each of its forms, says anything."""
    forms = translation if isinstance(translation, (list, tuple)) else (translation,)
    return all(forms)


if __name__ == "__main__":
    sys.exit(main())
