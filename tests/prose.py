"""Counts words and sentences of what people read: pages, help texts, messages, docstrings.

A code span is one word, however long. Fenced blocks, comments and pictures are no prose. Each item
of a list and each cell of a table stands for itself. Headings are no sentences.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MOST_WORDS = 35
"""The longest sentence."""
MOST_ON_AVERAGE = 20


class Sentence(NamedTuple):
    """One sentence, or a fragment such as the cell of a table."""

    text: str
    whole: bool = True
    """Whether it ends as a sentence does; only whole ones count for the average."""
    where: str = ""

    @property
    def words(self) -> int:
        """How many there are."""
        return count(self.text)

    def __str__(self) -> str:
        return f"{self.words} words{self.where and f', {self.where}'}: {self.text}"


def count(text: str) -> int:
    """The words of a text: what stands between blanks and has a letter or a digit."""
    return sum(bool(re.search(r"\w", word)) for word in _SPAN.sub("code", text).split())


def of_page(page: str, where: str = "") -> list[Sentence]:
    """The sentences of a Markdown page."""
    return [each for heading, text in _pieces(page) if not heading for each in of_text(text, where)]


def of_docstring(docstring: str | None, where: str = "") -> list[Sentence]:
    """The sentences of a docstring; an entry under `Args:` and its like stands for itself."""
    text = _SECTION.sub("\n", inspect.cleandoc(docstring or ""))
    return of_page(re.sub(r"(?m)^ +(?=\w+:? ?)", "", _ENTRY.sub(r"\n- \1: ", text)), where)


def of_text(text: str, where: str = "") -> list[Sentence]:
    """The sentences of one paragraph or message."""
    spans: list[str] = []

    def aside(found: re.Match[str]) -> str:
        spans.append(found[0])
        return f"\N{NULL}{len(spans) - 1}\N{NULL}"

    def back(found: re.Match[str]) -> str:
        return spans[int(found[1])]

    hidden = _SPAN.sub(aside, " ".join(text.split()))
    return [
        Sentence(_HIDDEN.sub(back, part), bool(_WHOLE.search(part)), where)
        for part in _END.split(hidden)
        if re.search(r"\w", part)
    ]


def average(sentences: Iterable[Sentence]) -> float:
    """Words of a whole sentence on average; 0 where there is none."""
    lengths = [each.words for each in sentences if each.whole]
    return sum(lengths) / len(lengths) if lengths else 0.0


def worst(sentences: Iterable[Sentence], many: int = 5) -> str:
    """The longest sentences, a line each."""
    return "\n".join(map(str, sorted(sentences, key=lambda each: -each.words)[:many]))


def hold(sentences: Iterable[Sentence]) -> None:
    """Fails where a sentence is too long, or all of them are on average."""
    found = list(sentences)
    said = f"the longest:\n{worst(found)}"
    assert not [each for each in found if each.words > MOST_WORDS], said
    assert average(found) <= MOST_ON_AVERAGE, f"{average(found):.1f} words on average; {said}"


def is_one_rule(sentence: str) -> bool:
    """Whether a sentence has one semicolon at most, and a noun where it could begin with "who"."""
    plain = _SPAN.sub("code", sentence)
    return plain.count(";") <= 1 and ("?" in plain or not _HEADLESS.search(plain))


def out(text: str) -> list[str]:
    """The words of a page or text that are out, each with what stands for it."""
    plain = _SPAN.sub(" ", _FENCE.sub("\n", text))
    return [
        f"{found[0]!r}: say {instead}"
        for word, instead in OUT.items()
        for found in re.finditer(rf"(?i)(?<![\w-]){word}(?![\w-])", " ".join(plain.split()))
    ]


OUT = {
    r"switch-?overs?|switched over": "failover",
    r"last screen": "summary",
    r"(?:incoming|inbound) agents?": "agents coming on shift",
    r"(?:outgoing|outbound) agents?": "agents going off shift",
    r"far side": "gateway (upstream where it is about libraries)",
    r"who(?:m?ever|soever)|whatsoever": "a noun: the agent who, the person who",
    r"legs? of (?:the|a) run": "attempt, resume",
    r"settlers?|lobby|guests?|turnstile|pacer|parking|parked": "the word of house.md",
    r"deeds?|sightings?|hearing|appearances": "the word of house.md",
    r"broker": "the GUID service",
}
"""Words that people do not read (house.md, section 2) -> what stands there."""

_HEADLESS = re.compile(r"(?:^|[;:.] )[Ww](?:ho|hat|hose)(?:ever)?\b")
_SPAN = re.compile(r"(`+)(?:(?!\1).)+?\1", re.DOTALL)
_HIDDEN = re.compile("\N{NULL}([0-9]+)\N{NULL}")
_FENCE = re.compile(r"(?ms)^ *(`{3,}|~{3,}).*?^ *\1 *$\n?")
_COMMENT = re.compile(r"(?s)<!--.*?-->")
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?:[^()]|\([^)]*\))*\)")
_MARKS = re.compile(r"\*{1,3}(?=\S)|(?<=\S)\*{1,3}|(?m:^ *>+ ?)")
_ITEM = re.compile(r"(?m)^ *(?:[-*+]|\d+[.)]) +")
_RULE = re.compile(r"[|:\- ]+")
# A sentence ends where the next begins with a capital, a digit, code, a quote, a bracket, or with
# the name of the program.
_END = re.compile(
    r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\betc\.)"
    r"(?:(?<=[.!?])|(?<=[.!?][\"')\]]))\s+(?=[A-Z0-9\N{NULL}\"'(\[]|bulkagent\b)"
)
_WHOLE = re.compile(r"[.!?:][\"')\]]*$")
_SECTION = re.compile(r"(?m)^(?:Args|Raises|Returns|Yields|Example|Note):[ ]*$")
_ENTRY = re.compile(r"(?m)^ {4}(\w+): ")


def _pieces(page: str) -> Iterator[tuple[bool, str]]:
    """Headings (True), and paragraphs, items and cells (False), without marks of Markdown."""
    text = _PICTURE.sub("", _COMMENT.sub("", _FENCE.sub("\n\n", page)))
    for block in re.split(r"\n[ \t]*\n", _LINK.sub(r"\1", text)):
        paragraph: list[str] = []
        for line in block.strip("\n").splitlines():
            heading = re.match(r"#+ +(.*)", line)
            if heading or line.lstrip().startswith("|") or _ITEM.match(line):
                yield from _paragraph(paragraph)
                paragraph = []
            if heading:
                yield True, _MARKS.sub("", heading[1])
            elif line.lstrip().startswith("|"):
                yield from _cells(line)
            else:
                paragraph.append(_ITEM.sub("", line))
        yield from _paragraph(paragraph)


def _paragraph(lines: list[str]) -> Iterator[tuple[bool, str]]:
    if lines:
        yield False, _MARKS.sub("", "\n".join(lines))


def _cells(line: str) -> Iterator[tuple[bool, str]]:
    if not _RULE.fullmatch(line):
        for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")):
            yield False, _MARKS.sub("", cell.strip().replace("\\|", "|"))
