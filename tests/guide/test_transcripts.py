"""Every command that README and guide show is run, and prints what they say.

Proves README "What it promises".
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.documents import DOCUMENTS
from tests.guide.scenes import SCENES, Scene
from tests.guide.transcripts import blocks, reason_not_to_run, run_page

_AGAIN = "`python -m tests.guide` writes the transcripts anew"


def _pages() -> list[object]:
    return [
        pytest.param(name, marks=[pytest.mark.matrix] if SCENES.get(name, Scene()).slow else [])
        for name, page in DOCUMENTS.items()
        if any(block.language in {"console", "sh"} for block in blocks(page))
    ]


@pytest.mark.parametrize("name", _pages())
def test_a_page_shows_what_the_program_prints(name: str, tmp_path: Path) -> None:
    for program in SCENES.get(name, Scene()).needs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    for block, ran in run_page(name, DOCUMENTS[name], tmp_path):
        for each in ran:
            if block.language == "sh":
                assert each.code == 0, each.output
            else:
                was, shown = each.was, each.shown
                if "|" in each.typed.command:  # stderr overtakes what waits in a pipe
                    was, shown = sorted(was), sorted(shown)
                assert was == shown, f"$ {each.typed.command}\n{each.output}\n{_AGAIN}"


def _not_run() -> list[object]:
    return [
        pytest.param(block.text, reason, id=f"{name}: {reason}")
        for name, page in DOCUMENTS.items()
        for block in blocks(page)
        if block.language in {"console", "sh"} and (reason := reason_not_to_run(block.text))
    ]


@pytest.mark.parametrize(("text", "reason"), _not_run())
def test_what_is_not_run_says_why(text: str, reason: str) -> None:
    pytest.skip(f"{reason}: {text.splitlines()[0]}")
