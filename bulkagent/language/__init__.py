"""The language of the screen and of the page: English as it is written, or a translation of it.

What may live here: which language is spoken, the catalogues, and functions from a marked English
sentence to its translation. What this folder must not know: any sentence, and where it is shown.

English is the source, so that a sentence stands where it is said and needs no catalogue. What
programs read stays English: JSON, CSV, exit codes, the ledger.
"""

from bulkagent.language.choice import language_of, language_of_locale
from bulkagent.language.translation import (
    Language,
    mark,
    page_language,
    page_translations,
    speaking,
    translate,
    translate_plural,
)

__all__ = [
    "Language",
    "language_of",
    "language_of_locale",
    "mark",
    "page_language",
    "page_translations",
    "speaking",
    "translate",
    "translate_plural",
]
