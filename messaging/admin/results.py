"""The results of a send on an object's page, below its panel."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from messaging.results import Results


def drawn(results: Results) -> SafeString:
    """Return the section of results; whoever shows it names `messaging/ledger.css` in its Media."""
    return render_to_string("messaging/_results.html", {"results": results})


def folded(results: Results) -> SafeString:
    """Return the same behind one line, for a page that is about something else; nothing where nothing was sent."""
    if not results.sent:
        return SafeString()
    return format_html(
        '<details class="lh-results-fold"><summary>{}</summary>{}</details>',
        results.summary,
        drawn(results),
    )
