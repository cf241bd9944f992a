"""The plain text of an HTML message, for those who read plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from messaging.placeholders import Placeholders

PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"}
LINES = {"div", "tr", "li", "section", "article", "header", "footer", "body", "center"}
UNSEEN = {"head", "style", "script", "title", "template"}
HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


def plain_text(source: str) -> str:
    """Return the text of HTML in Liquid: paragraphs apart, links as `text (url)`, Liquid kept."""
    aside = Placeholders(source)
    walker = _Walker()
    walker.feed(aside.text)
    walker.close()
    return aside.restore(_tidy("".join(walker.parts)))


class _Walker(HTMLParser):
    """Collects the visible text; `\\n` and `\\n\\n` mark where lines and paragraphs end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen: list[str] = []
        self.links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if self.unseen or tag in UNSEEN or HIDDEN.search(given.get("style", "")):
            if tag not in VOID:
                self.unseen.append(tag)
            return
        self._break_around(tag)
        if tag == "li":
            self.parts.append("- ")
        elif tag == "a":
            self.links.append((given.get("href", ""), len(self.parts)))
        elif tag == "img":
            self.parts.append(given.get("alt", ""))

    def handle_endtag(self, tag: str) -> None:
        if self.unseen:
            if tag in self.unseen:
                while self.unseen.pop() != tag:
                    pass
            return
        if tag == "a" and self.links:
            self._end_link()
        elif tag in {"td", "th"}:
            self.parts.append(" ")
        self._break_around(tag)

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(re.sub(r"\s+", " ", data))

    def _break_around(self, tag: str) -> None:
        if tag in PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in LINES or tag == "br":
            self.parts.append("\n")
        elif tag == "hr":
            self.parts.append("\n\n---\n\n")

    def _end_link(self) -> None:
        """Put the address behind the words, unless it is what they say."""
        url, start = self.links.pop()
        words = "".join(self.parts[start:]).strip()
        if url and not url.startswith("#") and url.removeprefix("mailto:") != words:
            self.parts.append(f" ({url})" if words else url)


def _tidy(text: str) -> str:
    lines = (re.sub(r"[ \xa0]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
