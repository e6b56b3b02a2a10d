"""The HTML report: one file that opens from a disk and from a mail, and fetches nothing.

What may live here: how lines become a page. What this folder must not know: how a run came about.
Everything from outside is text in it: Jinja2 escapes the page, the table's data stands in a block
that no browser runs and is put into cells as text, and a Content-Security-Policy lets no other
script or style run than the two that were written here.

`writer` takes the lines and `page` the facts of the run. `headline`, `causes`, `titled_charts` and
`table_view` put in words what stands where. `figures` counts what charts show while lines pass.
`charts`, `limit_courses` and `handover_bars` draw it, and `layout` orders the table. `page.html`,
`page.css` and `page.js` are what the browser gets; `refused_page` stands in for a run that there
was not.
"""

from bulkagent.reports.html.refused_page import refused_page
from bulkagent.reports.html.writer import write_html

__all__ = ["refused_page", "write_html"]
