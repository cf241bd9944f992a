"""Style sheets into style attributes, because many mail programs ignore the former."""

from __future__ import annotations

import css_inline

from core.errors import Refused
from messaging.placeholders import Placeholders

# Media queries cannot be inlined and are kept; nothing is fetched from files or the network.
INLINER = css_inline.CSSInliner(
    keep_at_rules=True, keep_link_tags=True, load_remote_stylesheets=False
)


def inline_styles(source: str) -> str:
    """Return HTML in Liquid with its styles inlined; HTML without a style sheet stays as it is."""
    if "<style" not in source.lower():
        return source
    aside = Placeholders(source)
    try:
        return aside.restore(INLINER.inline(aside.as_comments()))
    except css_inline.InlineError as error:
        raise Refused(
            f"The styles of the html cannot be inlined: {error}.",
            field="html",
            remedy="Correct the style sheet.",
        ) from None
