"""Whether a crawl that came to its end proves that nothing of its window is missing: a pure decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from tenders.models.sources import Paging, Proof

#: So many passes are made in search of one that brings nothing new.
MOST_PASSES = 6
NOTHING = "There is no release at all, which this source is not believed."


class Verdict(Enum):
    """What follows from a crawl."""

    COMPLETE = "complete"
    AGAIN = "again"  #: another pass must agree
    NUMBERS = "numbers"  #: complete once no number is missing
    SPLIT = "split"  #: two shorter spans may be proven
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What counts of one page."""

    count: int
    content: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlFacts:
    """What counts of a crawl that came to its end. `new` releases it brought, and how many crawls ended before."""

    pages: Sequence[PageFacts]
    new: int
    passes: int
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a source's crawls are judged by."""

    paging: str
    proof: str
    page_size: int
    may_be_empty: bool
    least: timedelta


def judge(crawl: CrawlFacts, rule: Rule) -> tuple[Verdict, str]:
    """Return what follows from a crawl, and why where it proves nothing."""
    if problem := next((page.problem for page in crawl.pages if page.problem), ""):
        return Verdict.OPEN, problem
    if place := repeated(crawl.pages):
        return (
            Verdict.OPEN,
            f"Page {place[1]} is page {place[0]} once more: what stood there is unknown.",
        )
    if not crawl.pages or (not rule.may_be_empty and not any(page.count for page in crawl.pages)):
        return _empty(crawl, rule)
    if rule.paging == Paging.LINKS_NEXT and crawl.pages[-1].count >= full_page(crawl, rule):
        return _full(crawl, rule)
    if rule.proof == Proof.CHAIN:
        return Verdict.COMPLETE, ""
    return _passes(crawl, rule)


def repeated(pages: Sequence[PageFacts]) -> tuple[int, int] | None:
    """Return the places of two pages with the same releases; empty ones do not count."""
    seen: dict[str, int] = {}
    for place, page in enumerate(pages, 1):
        if page.count and page.content in seen:
            return seen[page.content], place
        seen[page.content] = place
    return None


def _empty(crawl: CrawlFacts, rule: Rule) -> tuple[Verdict, str]:
    """A source that is never empty was: only the numbers on both sides of the span can show that none lies in it."""
    if rule.proof != Proof.NUMBERS or not crawl.pages:
        return Verdict.OPEN, NOTHING
    return (Verdict.NUMBERS if crawl.passes else Verdict.AGAIN), NOTHING


def full_page(crawl: CrawlFacts, rule: Rule) -> int:
    """Return how many releases a full page holds: what was asked for, or less where the pages before were capped."""
    before = max((page.count for page in crawl.pages[:-1]), default=0)
    return min(rule.page_size, before or rule.page_size)


def _full(crawl: CrawlFacts, rule: Rule) -> tuple[Verdict, str]:
    """The last page is full and names no next: a capped answer looks the same as an end."""
    why = f"The last page is full ({crawl.pages[-1].count} releases) and names no next one."
    return (Verdict.SPLIT if crawl.length >= 2 * rule.least else Verdict.OPEN), why


def _passes(crawl: CrawlFacts, rule: Rule) -> tuple[Verdict, str]:
    if crawl.passes == 0:
        return Verdict.AGAIN, ""
    if rule.proof == Proof.NUMBERS:
        return Verdict.NUMBERS, ""
    if not crawl.new:
        return Verdict.COMPLETE, ""
    if crawl.passes + 1 < MOST_PASSES:
        return Verdict.AGAIN, ""
    return (
        Verdict.OPEN,
        f"{MOST_PASSES} passes, and the last still brought {crawl.new} new releases.",
    )
