"""The preheader: the line that an inbox shows behind the subject."""

from __future__ import annotations

import re

BODY = re.compile(r"<body\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
#: Space that nobody sees: without it the inbox goes on with the first words of the body.
FILLING = "&#847;&zwnj;&nbsp;" * 60
HIDDEN = (
    "display:none;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all;"
    "font-size:1px;line-height:1px;color:transparent"
)


def with_preheader(html: str, preheader: str) -> str:
    """Return HTML in Liquid that begins with a line which only the inbox's list shows."""
    if not html or not preheader:
        return html
    line = f'<div style="{HIDDEN}">{preheader}{FILLING}</div>'
    body = BODY.search(html)
    place = body.end() if body else 0
    return html[:place] + line + html[place:]
