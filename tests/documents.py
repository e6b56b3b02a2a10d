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


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language in all documents."""
    return [
        block
        for text in DOCUMENTS.values()
        for block in re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)
    ]
