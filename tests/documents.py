"""What people read, as one set: the README and every page of the guide.

A section may stand in any of them; a test that compares it with the program finds it.
"""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
GUIDE = REPOSITORY / "bulkagent/guide"

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(GUIDE.glob("*.md"))}
"""Topic -> its page."""
DOCUMENTS = {"README": README, **PAGES}


def tables_after(heading: str) -> list[str]:
    """The lines of each table that begins with this heading, wherever it stands."""
    found = [
        text.split(heading, 1)[1].split("\n\n", 1)[0]
        for text in DOCUMENTS.values()
        if heading in text
    ]
    assert found, f"no document has a table {heading!r}"
    return found


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language in all documents."""
    return [
        block
        for text in DOCUMENTS.values()
        for block in re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)
    ]
