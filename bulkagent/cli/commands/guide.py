"""`bulkagent guide`: the pages that are read with the program, also without a network."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from bulkagent.cli.console.terminal import print_data, print_text, say, width_of
from bulkagent.cli.options.given import Given

if TYPE_CHECKING:
    from pathlib import Path


def guide(given: Given) -> None:
    """Read the guide; without a topic, list the topics.

    Example: bulkagent guide handover

    Example: bulkagent guide --samples samples
    """
    from bulkagent.errors import SettingsRefused
    from bulkagent.guide import page

    topic, samples = given["topic"], given["samples"]
    if samples is not None:
        if topic is not None:
            raise SettingsRefused(
                "--samples writes files, and a topic is to be read; give one of them"
            )
        _write_samples(samples)
        return
    if topic is None:
        print_data(_listed(width_of(sys.stdout)))
        return
    text = page(topic)
    width = width_of(sys.stdout)
    if width is None:
        print_data(text.rstrip())
    else:
        _show(text, width)


def _write_samples(folder: Path) -> None:
    from bulkagent.guide.sample_files import write_samples

    number = write_samples(folder)
    roster = shlex.quote(f"{folder}/evening_shift.csv")
    say(f"wrote   {number} files to {folder}; {folder}/README.md says what each is")
    say(f"next    bulkagent apply {roster} --flag 0 --gateway emulated")


def _listed(width: int | None) -> str:
    import textwrap

    from bulkagent.guide import topics

    found = topics()
    left = max(len(each.name) for each in found) + 2
    lines = [
        textwrap.fill(
            f"{each.name:{left}}{each.line}",
            width or sys.maxsize,
            subsequent_indent=" " * left,
            break_on_hyphens=False,
            break_long_words=False,
        )
        for each in found
    ]
    return "\n".join([*lines, "", "bulkagent guide TOPIC shows one of them."])


def _show(text: str, width: int) -> None:
    from bulkagent.cli.console import pager
    from bulkagent.cli.render.markdown import rendered

    encoding = sys.stdout.encoding
    styled = pager.shows_control_codes()
    shown = rendered(text, width=width, styled=styled, encoding=encoding)
    if not pager.is_at_terminal() or pager.fits(shown):
        print_text(shown)
        return
    root = os.geteuid() == 0
    words = pager.pager_words(os.environ, root=root)
    if words and not pager.shows_styles(words):
        shown = rendered(text, width=width, styled=False, encoding=encoding)
    pager.show(shown, words, root=root)
