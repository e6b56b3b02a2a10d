"""Pages in Markdown as a terminal shows them."""

from __future__ import annotations

import io
import re

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown
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


class _Page(Markdown):
    elements = {  # noqa: RUF012 - as in rich
        **Markdown.elements,
        "fence": _Block,
        "code_block": _Block,
        "heading_open": _Heading,
    }


def rendered(page: str, *, width: int, styled: bool = True) -> str:
    """A page for a terminal.

    Args:
        page: Markdown. A link to another page is shown as the command that opens it.
        width: Columns of the terminal.
        styled: Whether bold, colours and their like may be used.
    """
    console = Console(
        file=io.StringIO(),
        width=min(width, WIDEST),
        theme=_THEME,
        force_terminal=styled,
        no_color=None if styled else True,
        highlight=False,
    )
    text = _TO_A_PAGE.sub(_command, _COMMENT.sub("", page))
    with console.capture() as shown:
        console.print(_Page(text, hyperlinks=False), crop=False)
    return "\n".join(line.rstrip() for line in shown.get().rstrip().split("\n"))


_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_TO_A_PAGE = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([a-z-]+)\.md(?:#[^)]*)?\)")


def _command(link: re.Match[str]) -> str:
    text, topic = link.groups()
    command = f"`bulkagent guide {topic}`"
    return command if text == command else f"{text} ({command})"
