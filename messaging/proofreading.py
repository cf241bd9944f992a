"""What a careful reader says about a message before it goes out: remarks, which forbid nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from messaging.models import TemplateVersion
from messaging.placeholders import Placeholders
from messaging.rendering import Rendered

#: Gmail shows no more than this of a message.
CLIPPED_BYTES = 102 * 1024
HARMLESS = frozenset({"https", "mailto", "tel", "sms", "cid"})
#: A picture that a style shows behind a text.
IN_STYLE = re.compile(r"url\(\s*[\"']?([^\"')]+)", re.IGNORECASE)
INSECURE = re.compile(r"\bhttp://[^\s<>\"')]+", re.IGNORECASE)


def remarks_about(content: TemplateVersion | Rendered) -> list[str]:
    """Return what is amiss with a message, in Liquid or rendered."""
    return remarks_on(content.html) if content.html else remarks_on_text(content.text)


def remarks_on(html: str) -> list[str]:
    """Return what is amiss with the links, pictures and size of HTML, in Liquid or rendered; each thing once."""
    walker = _Walker()
    aside = Placeholders(html)
    walker.feed(aside.text)
    walker.close()
    found = [*walker.remarks, *_about_size(html)]
    return list(dict.fromkeys(aside.restore(remark) for remark in found))


def remarks_on_text(text: str) -> list[str]:
    """Return what is amiss with the links of plain text, such as an SMS; each thing once."""
    aside = Placeholders(text)
    found = (aside.restore(address).rstrip(".,;:!?") for address in INSECURE.findall(aside.text))
    return list(dict.fromkeys(f"The link {address} is not https." for address in found))


def _about_size(html: str) -> Iterator[str]:
    size = len(html.encode())
    if size > CLIPPED_BYTES:
        yield f"It has {size / 1024:,.0f} KB: Gmail hides what stands behind the first 102 KB."


class _Walker(HTMLParser):
    """Looks at every link and every picture, those of styles and behind tables too."""

    def __init__(self) -> None:
        super().__init__()
        self.remarks: list[str] = []
        self.is_style = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: (value or "").strip() for name, value in attributes}
        self.is_style = tag == "style"
        if tag == "a":
            self.remarks += _about_address("link", given.get("href", ""))
        elif tag == "img":
            self.remarks += _about_address("picture", given.get("src", ""))
            if "alt" not in given:
                self.remarks.append(f"The picture {given.get('src', '')} has no alt text.")
        if given.get("background"):
            self.remarks += _about_address("picture", given["background"])
        self._look_at_style(given.get("style", ""))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        self.is_style = False

    def handle_data(self, data: str) -> None:
        if self.is_style:
            self._look_at_style(data)

    def _look_at_style(self, style: str) -> None:
        for address in IN_STYLE.findall(style):
            self.remarks += _about_address("picture", address.strip())


def _about_address(kind: str, address: str) -> Iterator[str]:
    if not address:
        yield f"A {kind} leads nowhere: it has no address."
        return
    if address.startswith(("#", "lq")):
        return  # an anchor, or an address that stands in a variable
    scheme = _scheme(address)
    if not scheme:
        yield f"The {kind} {address} is no whole address: begin it with https://."
    elif scheme not in HARMLESS:
        yield f"The {kind} {address} is not https."


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme.lower()
    except ValueError:
        return ""
