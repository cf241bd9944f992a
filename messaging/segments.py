"""How many segments an SMS is billed as: GSM 03.38 where every character stands in it, else UCS-2.

One segment holds 160 septets or 70 UTF-16 units; of several each loses the room of a header and holds 153 or 67.
What takes two units (an extended character such as €, or an emoji) is never cut between two segments.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

#: One septet each. The escape is no character of a text.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Two septets each: the escape and a character.
EXTENDED = frozenset("\f^{}\\[~]|€")

GSM_7, UCS_2 = "GSM-7", "UCS-2"
SINGLE = {GSM_7: 160, UCS_2: 70}
OF_SEVERAL = {GSM_7: 153, UCS_2: 67}


@dataclass(frozen=True)
class Segments:
    """How a text is billed: `units` of its encoding in `count` segments, with room for `left` more in the last.

    `forced_by` holds the characters that GSM-7 does not have, each once, in the order of the text.
    """

    encoding: str
    units: int
    count: int
    left: int
    forced_by: str = ""

    @property
    def in_words(self) -> str:
        """Such as `2 segments (GSM-7, 161 of 306)`."""
        room = self.units + self.left
        return f"{number_of(self.count)} ({self.encoding}, {self.units} of {room})"


def segments_of(text: str) -> Segments:
    """Return how a text is billed. An empty one is one segment: networks bill it as that."""
    forced_by = "".join(dict.fromkeys(c for c in text if c not in BASIC and c not in EXTENDED))
    encoding = UCS_2 if forced_by else GSM_7
    sizes = [_size(character, encoding) for character in text]
    units = sum(sizes)
    if units <= SINGLE[encoding]:
        return Segments(encoding, units, 1, SINGLE[encoding] - units, forced_by)
    count, used = _packed(sizes, OF_SEVERAL[encoding])
    return Segments(encoding, units, count, OF_SEVERAL[encoding] - used, forced_by)


def estimate(texts: Iterable[str], *, people: int) -> int:
    """Return about how many segments so many people get, from the texts of some of them; rounded up."""
    counts = [segments_of(text).count for text in texts]
    return ceil(people * sum(counts) / len(counts)) if counts else 0


def cost_in_words(segments: int, *, price: Decimal, currency: str) -> str:
    """Return `12.50 USD`, or nothing where there is no price. Small sums keep what they are made of."""
    if not price:
        return ""
    total = segments * price
    digits = 2 if total >= 1 else 4
    return f"{total:,.{digits}f} {currency}"


def number_of(segments: int) -> str:
    return "1 segment" if segments == 1 else f"{segments:,} segments"


def _size(character: str, encoding: str) -> int:
    if encoding == UCS_2:
        return 2 if ord(character) > 0xFFFF else 1
    return 2 if character in EXTENDED else 1


def _packed(sizes: Iterable[int], room: int) -> tuple[int, int]:
    """Return how many segments are filled, and how much of the last."""
    count, used = 1, 0
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count, used
