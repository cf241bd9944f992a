"""The plain text of an HTML message, for those who read plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from messaging.placeholders import Placeholders

PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"}
LINES = {"div", "tr", "li", "section", "article", "header", "footer", "body", "center"}
UNSEEN = {"head", "style", "script", "title", "template"}
HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
LONELY_TAG = re.compile(r"\s*\n[ ]*(\{%(?!-?\s*external\b)(?:(?!%\}).)*%\})[ ]*(?=\n|\{%|$)")
EXTERNAL_TAG = re.compile(r"(\{%-?\s*external\b(?:(?!%\}).)*%\})\s+")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


def plain_text(source: str) -> str:
    """Return the text of HTML in Liquid: paragraphs apart, links as `text (url)`, Liquid kept."""
    aside = Placeholders(source)
    walker = _Walker(aside)
    walker.feed(aside.text)
    walker.close()
    return _close_up(aside.restore(_tidy("".join(walker.parts))))


class _Walker(HTMLParser):
    """Collects the visible text; `\\n` and `\\n\\n` mark where lines and paragraphs end."""

    def __init__(self, aside: Placeholders) -> None:
        super().__init__(convert_charrefs=True)
        self.aside = aside
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

    def handle_comment(self, data: str) -> None:
        """Keep the tags of Liquid in comments for Outlook, which compiled MJML is full of."""
        if data.startswith("[if") and not self.unseen:
            self.parts += self.aside.tags_in(data)

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


def _close_up(text: str) -> str:
    """Let no tag of Liquid stand on a line of its own: where it shows nothing, that line would stay empty.

    A block of external content always shows something, so the line is its own.
    """
    closed = LONELY_TAG.sub(r"\1", f"\n{text}")
    return EXTERNAL_TAG.sub(r"\1", closed).strip()


def _tidy(text: str) -> str:
    lines = (re.sub(r"[ \xa0]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
