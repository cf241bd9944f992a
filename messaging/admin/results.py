"""The results of a send on an object's page, below its panel."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from messaging.results import Results


def drawn(results: Results) -> SafeString:
    """Return the section of results; whoever shows it names `messaging/ledger.css` in its Media."""
    return render_to_string("messaging/_results.html", {"results": results})
