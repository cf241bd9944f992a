"""MJML into HTML, once per template version: a whole document, or sections that stand in the shared layout.

The library's own complaints name no line; so what people get wrong is looked for before it is asked.
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import mrml

from core.errors import Refused
from messaging.placeholders import LIQUID
from messaging.plain_text import VOID

LAYOUT = Path(__file__).parent / "shipped" / "layout.mjml"
#: Where the layout takes the sections in.
SLOT = "<!-- sections -->"
_TAGS = """
mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-font mj-preview mj-style mj-title mj-html-attributes
mj-selector mj-html-attribute mj-accordion mj-accordion-element mj-accordion-title mj-accordion-text mj-button
mj-carousel mj-carousel-image mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link mj-raw mj-section
mj-social mj-social-element mj-spacer mj-table mj-text mj-wrapper
"""
TAGS = frozenset(_TAGS.split())
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def is_mjml(source: str) -> bool:
    """Whether a source is MJML: it holds a tag that HTML does not have."""
    return re.search(r"<mj(ml|-[a-z]+)\b", source, re.IGNORECASE) is not None


def in_layout(source: str) -> str:
    """Return a whole document: the source itself, or its sections in the shared layout."""
    if re.search(r"<mjml\b", source, re.IGNORECASE):
        return source
    return _layout().replace(SLOT, source)


def compile_mjml(source: str) -> str:
    """Return the HTML of a whole MJML document; nothing is fetched from files or the network."""
    try:
        return mrml.to_html(source).content
    except OSError as error:
        raise _refused(f"The MJML cannot be read: {error}.") from None


def check_mjml(source: str) -> None:
    """Raise Refused, naming the line, for tags that nobody knows, opened or closed alone, or badly written."""
    walker = _Walker()
    walker.feed(LIQUID.sub(lambda found: "x" + "\n" * found.group().count("\n"), source))
    walker.close()
    if walker.open:
        tag, line = walker.open[-1]
        raise _refused(f"Line {line}: <{tag}> is never closed.")


class _Walker(HTMLParser):
    """Keeps the tags that are open, each with its line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        line = self._check_tag(tag)
        if tag not in VOID:
            self.open.append((tag, line))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._check_tag(tag)

    def handle_endtag(self, tag: str) -> None:
        line = self.getpos()[0]
        if tag in VOID:
            return
        if not self.open:
            raise _refused(f"Line {line}: </{tag}> closes nothing.")
        opened, opened_at = self.open.pop()
        if opened != tag:
            raise _refused(
                f"Line {line}: </{tag}> stands where <{opened}> of line {opened_at} ends."
            )

    def handle_data(self, data: str) -> None:
        if "<" in data and not self._is_style():
            raise _refused(f"Line {self.getpos()[0]}: a lone < in the text.", "Write it as &lt;.")

    def _check_tag(self, tag: str) -> int:
        line = self.getpos()[0]
        if tag == "mj-include":
            raise _refused(f"Line {line}: mj-include reads files.", "Write out what it held.")
        if tag.startswith("mj") and tag not in TAGS:
            raise _refused(f"Line {line}: there is no tag <{tag}>.", "See documentation.mjml.io.")
        if re.search(r"=\s*[^\s\"']", QUOTED.sub('""', self.get_starttag_text() or "")):
            raise _refused(f"Line {line}: <{tag}> has a value without quotes.", "Quote it.")
        return line

    def _is_style(self) -> bool:
        return bool(self.open) and self.open[-1][0] in {"mj-style", "style"}


def _refused(
    message: str, remedy: str = "Close every tag in the order in which it was opened."
) -> Refused:
    return Refused(message, field="html", remedy=remedy, code="mjml")


@cache
def _layout() -> str:
    return LAYOUT.read_text()
