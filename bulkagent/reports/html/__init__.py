"""The HTML report: one file that opens from a disk and from a mail, and fetches nothing.

What may live here: how lines become a page. What this folder must not know: how a run came about.
Everything from outside is text in it: Jinja2 escapes the page, the table's data stands in a block
that no browser runs and is put into cells as text, and a Content-Security-Policy lets no other
script or style run than the two that were written here.

`figures` counts what charts show while lines pass, `charts` draws them, `writer` puts the page
together from `page.html`, `page.css` and `page.js`.
"""

from bulkagent.reports.html.writer import write_html

__all__ = ["write_html"]
