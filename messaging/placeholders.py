"""Liquid held aside while HTML tools look at the HTML around it."""

from __future__ import annotations

import re

LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
# What must not be cut open: comments, elements whose content is not HTML, and single tags.
MARKUP = re.compile(
    r"<!--.*?-->"
    r"|<(?P<raw>style|script|title|textarea)\b.*?</(?P=raw)\s*>"
    r"|<[a-z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL | re.IGNORECASE,
)


class Placeholders:
    """The Liquid of one source, each piece standing behind a word that no HTML tool changes."""

    def __init__(self, source: str) -> None:
        self.pieces: list[str] = []
        self.word = "lq"
        while self.word in source.lower():
            self.word += "q"
        self.text = LIQUID.sub(self._put_aside, source)

    def as_comments(self) -> str:
        """Return the text with the words between tags made comments, which may stand anywhere.

        A table allows no text between its rows: a parser would move a loop out of the table.
        """
        parts = []
        end = 0
        for markup in MARKUP.finditer(self.text):
            parts += [self._commented(self.text[end : markup.start()]), markup.group()]
            end = markup.end()
        parts.append(self._commented(self.text[end:]))
        return "".join(parts)

    def tags_in(self, text: str) -> list[str]:
        """Return the words in a text behind which tags of Liquid stand, not those of its outputs."""
        words = re.findall(rf"{self.word}\d+x", text)
        return [word for word in words if self.restore(word).startswith("{%")]

    def restore(self, text: str) -> str:
        """Return a text with its Liquid back in place."""
        word = rf"{self.word}(\d+)x"
        # A word that stood alone in a tag was taken for an attribute and given an empty value.
        return re.sub(
            rf'<!--{word}-->|{word}(?:="")?',
            lambda found: self.pieces[int(found.group(1) or found.group(2))],
            text,
        )

    def _put_aside(self, piece: re.Match[str]) -> str:
        self.pieces.append(piece.group())
        return f"{self.word}{len(self.pieces) - 1}x"

    def _commented(self, text: str) -> str:
        return re.sub(rf"{self.word}\d+x", r"<!--\g<0>-->", text)
