"""The page of a command that was refused, in place of the page of a run."""

from __future__ import annotations

from html import escape

from bulkagent.reports.html.assets import asset, policy_for
from bulkagent.reports.sanitize import printable


def refused_page(command: str, word: str, *texts: str) -> str:
    """The page: a word that nobody overlooks, and a paragraph for each text."""
    style = asset("page.css")
    paragraphs = "\n".join(f"<p>{escape(printable(text))}</p>" for text in texts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy_for(style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>bulkagent {command}: refused</title>
<style>{style}</style>
</head>
<body>
<header class="bad refused">
<h1>{escape(printable(word))}</h1>
{paragraphs}
</header>
</body>
</html>
"""
