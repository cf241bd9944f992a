"""Pieces of a live page, drawn with core/live.css: how a state looks, and numbers that lead somewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """A word with its icon (of the admin's icon font) and its tone (a CSS class)."""

    word: str
    icon: str
    tone: str


@dataclass(frozen=True)
class Figure:
    """A number with its name, and the list behind it where there is one."""

    key: str
    label: str
    count: int
    url: str = ""
    tone: str = "quiet"

    @property
    def text(self) -> str:
        """The number as people write it."""
        return f"{self.count:,}"


@dataclass(frozen=True)
class Notice:
    """A sentence about a trouble, what to do next, and where."""

    text: str
    remedy: str
    icon: str = "info"
    tone: str = "warn"
    url: str = ""
    link: str = ""
