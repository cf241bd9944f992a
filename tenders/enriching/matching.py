"""Which row of a portal's answer is about a tender: a pure decision.

Exactly the number; else the number without its punctuation; else a score of number, title and buyer, which must reach a
threshold: numbers that are digits alone say little, so theirs is higher.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenders.fields import words_in

THRESHOLD = 40.0
DIGITS_THRESHOLD = 60.0
TITLE_WEIGHT, BUYER_WEIGHT, NUMBER_WEIGHT = 50.0, 30.0, 20.0

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a tender before it is looked up."""

    number: str
    title: str
    buyer: str


@dataclass(frozen=True, slots=True)
class Match:
    """A row, how it was found, and how sure that is (100 is the number itself)."""

    row: Row
    how: str
    score: float


def best_match(rows: Sequence[Row], wanted: Wanted) -> Match | None:
    """Return the row that is about a tender, or None where no row is sure enough."""
    named = [row for row in rows if _text(row, "tender_No")]
    exact = [row for row in named if _text(row, "tender_No") == wanted.number.strip()]
    if exact:
        return Match(_closest(exact, wanted), "number", 100.0)
    plain = [row for row in named if normal(_text(row, "tender_No")) == normal(wanted.number)]
    if plain and normal(wanted.number):
        return Match(_closest(plain, wanted), "normalised number", 95.0)
    scored = sorted(((score(row, wanted), place) for place, row in enumerate(named)), reverse=True)
    least = DIGITS_THRESHOLD if normal(wanted.number).isdigit() else THRESHOLD
    if scored and scored[0][0] >= least:
        return Match(named[scored[0][1]], "score", round(scored[0][0], 1))
    return None


def score(row: Row, wanted: Wanted) -> float:
    """Return how much a row resembles a tender, 0 to 100."""
    own, other = normal(wanted.number), normal(_text(row, "tender_No"))
    number = 1.0 if own and other and (own in other or other in own) else 0.0
    return (
        TITLE_WEIGHT * _overlap(wanted.title, _text(row, "description"))
        + BUYER_WEIGHT * _overlap(wanted.buyer, _text(row, "organ_of_State"))
        + NUMBER_WEIGHT * number
    )


def normal(number: str) -> str:
    """Return a number without punctuation, spaces and case."""
    return "".join(words_in(number))


def _closest(rows: Sequence[Row], wanted: Wanted) -> Row:
    return max(rows, key=lambda row: score(row, wanted))


def _overlap(one: str, other: str) -> float:
    """Return the share of the words that two texts have in common."""
    own, its = set(words_in(one)), set(words_in(other))
    return len(own & its) / len(own | its) if own and its else 0.0


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""
