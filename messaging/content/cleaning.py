"""What others wrote, made fit for our messages: no script, no style sheet, no form, no address but https."""

from __future__ import annotations

from dataclasses import dataclass

import nh3

from messaging.plain_text import plain_text

_TAGS = """
a abbr b blockquote br caption code div em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s small span strong sub sup
table tbody td tfoot th thead tr u ul
"""
_STYLES = """
background-color border border-bottom border-color border-radius border-top color font-family font-size font-style
font-weight height letter-spacing line-height margin margin-bottom margin-top max-width padding text-align
text-decoration vertical-align width
"""
TAGS = frozenset(_TAGS.split())
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"align", "valign", "width", "colspan", "rowspan"},
    "th": {"align", "valign", "width", "colspan", "rowspan"},
    "table": {"align", "width", "border", "cellpadding", "cellspacing", "role"},
    "*": {"style", "dir", "lang"},
}
STYLES = frozenset(_STYLES.split())


@dataclass(frozen=True)
class Cleaned:
    """A block in both forms."""

    html: str
    text: str


def clean(html: str) -> Cleaned:
    """Return HTML that may stand in a message, and its plain text. Nothing in it is read as Liquid."""
    cleaned = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags={"script", "style", "template", "noscript"},
        attributes=ATTRIBUTES,
        url_schemes={"https", "mailto", "tel"},
        url_relative="deny",
        link_rel=None,
        filter_style_properties=set(STYLES),
    ).strip()
    return Cleaned(cleaned, plain_text(cleaned))
