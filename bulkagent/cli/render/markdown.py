"""Pages in Markdown as a terminal shows them."""

from __future__ import annotations

import io
import re

from rich.box import SIMPLE, Box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, ListItem, Markdown, TableElement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from bulkagent.cli.console.terminal import wrapped

WIDEST = 110
"""Beyond these columns lines are no longer read."""

# Rich's own have dark grounds, which are blots on a terminal that is light.
_THEME = Theme(
    {
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold italic",
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.link": "underline",
        "markdown.table.header": "bold",
        "markdown.table.border": "dim",
    }
)


class _Block(CodeBlock):
    """A block as the program prints such lines: commands whole, sentences between words."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [
            part
            for line in str(self.text).rstrip().split("\n")
            for part in ([line] if line.startswith("$ ") else wrapped(line, options.max_width - 2))
        ]
        shown = "\n".join(f"  {line}".rstrip() for line in lines)
        yield Text(shown, style=self.style_name, no_wrap=True, overflow="ignore")


class _Heading(Heading):
    """A heading at the left, where reading begins."""

    LEVEL_ALIGN = {f"h{level}": "left" for level in range(1, 7)}  # noqa: RUF012 - as in rich


class _Item(ListItem):
    """An item of a list, with a bullet that the terminal can show."""

    def render_bullet(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in super().render_bullet(console, options):
            if options.ascii_only and isinstance(segment, Segment) and segment.text == _BULLET:
                yield Segment(_PLAIN_BULLET, segment.style)
            else:
                yield segment


_BULLET, _PLAIN_BULLET = " \u2022 ", " - "


class _Table(TableElement):
    """A table that loses no word, with a rule that the terminal can show."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            if isinstance(table, Table):
                for column in table.columns:
                    column.overflow = "fold"
                if options.ascii_only:
                    table.box = _PLAIN_BOX
            yield table


_PLAIN_BOX = Box(str(SIMPLE).replace("\u2500", "-"), ascii=True)


class _Page(Markdown):
    elements = {  # noqa: RUF012 - as in rich
        **Markdown.elements,
        "fence": _Block,
        "code_block": _Block,
        "heading_open": _Heading,
        "list_item_open": _Item,
        "table_open": _Table,
    }


def rendered(page: str, *, width: int, styled: bool = True, encoding: str = "utf-8") -> str:
    """A page for a terminal.

    Args:
        page: Markdown. A link to another page is shown as the command that opens it.
        width: Columns of the terminal.
        styled: Whether bold, colours and their like may be used.
        encoding: Of the terminal: bullets and rules are drawn with characters that it has.
    """
    drawn_with = "utf-8" if _shows(encoding, _DRAWN_WITH) else "ascii"
    console = Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding=drawn_with),
        width=min(width, WIDEST),
        theme=_THEME,
        force_terminal=styled,
        no_color=None if styled else True,
        highlight=False,
    )
    text = _TO_A_PAGE.sub(_command, _COMMENT.sub("", page))
    text = _TO_A_PART.sub(lambda link: f"{link[1]} ({_quoted(page, link[2])})", text)
    with console.capture() as shown:
        console.print(_Page(text, hyperlinks=False), crop=False)
    return "\n".join(line.rstrip() for line in shown.get().rstrip().split("\n"))


_DRAWN_WITH = f"{_BULLET}\u2500"


def _shows(encoding: str, characters: str) -> bool:
    try:
        characters.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_TO_A_PAGE = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([a-z-]+)\.md(?:#([^)]*))?\)")
_TO_A_PART = re.compile(r"\[([^\[\]]*)\]\(#([^)]*)\)")


def _command(link: re.Match[str]) -> str:
    text, topic, anchor = link.groups()
    command = f"`bulkagent guide {topic}`"
    part = f", {_quoted(_other(topic), anchor)}" if anchor else ""
    return f"{command}{part}" if text == command else f"{text} ({command}{part})"


def _other(topic: str) -> str:
    from bulkagent.errors import BulkagentError
    from bulkagent.guide import page

    try:
        return page(topic)
    except BulkagentError:  # this page can be read without it
        return ""


def _quoted(page: str, anchor: str) -> str:
    """The heading that an anchor is made of, to be looked for in a page."""
    from bulkagent.guide.sections import heading_at

    return f'"{heading_at(page, anchor) or anchor}"'
