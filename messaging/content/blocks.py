"""Our copies of blocks: what templates may show now, and who is asked for a fresh one.

Messages never wait for the Content API, but for the very first copy of a block, and for that only so long.
A copy that has expired is shown until a fresh one is there; one that could not be made fresh for a
week is not shown any more, and the template's own fallback is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from core import audit, clock
from jobs.starting import start_run
from messaging.content.cleaning import Cleaned
from messaging.content.tag import Block
from messaging.models import ContentBlock

#: A copy that nobody could renew is shown for so long.
GOOD_FOR = timedelta(days=7)
#: The API is asked for a block at most once in this time.
ASK_AGAIN = timedelta(seconds=60)
#: Messages wait so long for the first copy of a block.
FIRST_WAIT = timedelta(seconds=20)
#: Ahead of bulk work in the queue, by so many seconds.
PRIORITY = 600


@dataclass(frozen=True)
class Ready:
    """The blocks that messages may show now, and whether it is worth waiting a moment for a first copy."""

    copies: dict[str, Block] = field(default_factory=dict)
    is_worth_waiting: bool = False


def ready(slugs: Iterable[str]) -> Ready:
    """Return what messages may show; see that fresh copies are on their way where they are due.

    One query where everything is fresh. Joins the caller's transaction, and calls nothing outside.
    """
    wanted = set(slugs)
    if not wanted:
        return Ready()
    now = clock.now()
    blocks = list(ContentBlock.objects.filter(slug__in=wanted))
    fresh = {block.slug for block in blocks if block.expires_at and block.expires_at > now}
    if fresh != wanted and settings.CONTENT_API_URL:
        blocks = _asked_for(wanted, stale=wanted - fresh)
    copies = {b.slug: Block(b.html, b.text) for b in blocks if _is_good(b, now)}
    return Ready(copies, any(_is_first(block, now) for block in blocks))


def good_copies(slugs: Iterable[str]) -> dict[str, Block]:
    """Return the blocks that may be shown now, and ask nobody for fresh ones."""
    now = clock.now()
    wanted = list(slugs)
    blocks = ContentBlock.objects.filter(slug__in=wanted) if wanted else []
    return {block.slug: Block(block.html, block.text) for block in blocks if _is_good(block, now)}


def _asked_for(wanted: set[str], *, stale: set[str]) -> list[ContentBlock]:
    """Ask for fresh copies of the stale ones; return all."""
    new = [ContentBlock(slug=slug) for slug in sorted(stale)]
    ContentBlock.objects.bulk_create(new, ignore_conflicts=True)
    for block in ContentBlock.objects.filter(slug__in=stale):
        ask(block)
    return list(ContentBlock.objects.filter(slug__in=wanted))


def _is_good(block: ContentBlock, now: datetime) -> bool:
    return block.fetched_at is not None and block.fetched_at > now - GOOD_FOR


def _is_first(block: ContentBlock, now: datetime) -> bool:
    """Whether there never was a copy, and the first is on its way."""
    if block.fetched_at or block.asked_at is None or block.asked_at <= now - FIRST_WAIT:
        return False
    return block.answered_at is None or block.answered_at < block.asked_at


def ask(block: ContentBlock, *, actor: str = audit.SYSTEM) -> bool:
    """Start the run that fetches a block, unless somebody asked a moment ago; in the caller's transaction."""
    now = clock.now()
    rows = ContentBlock.objects.filter(pk=block.pk)
    mine = rows.filter(Q(asked_at=None) | Q(asked_at__lte=now - ASK_AGAIN))
    if not mine.update(asked_at=now):
        return False
    start_run(
        "messaging.refresh_content",
        input={"block": block.public_id},
        actor=actor,
        priority=PRIORITY,
    )
    return True


def keep(block: ContentBlock, cleaned: Cleaned) -> None:
    """Keep a fresh copy."""
    now = clock.now()
    ContentBlock.objects.filter(pk=block.pk).update(
        html=cleaned.html,
        text=cleaned.text,
        fetched_at=now,
        expires_at=now + timedelta(seconds=settings.CONTENT_CACHE_SECONDS),
        answered_at=now,
        problem="",
    )


def drop(block: ContentBlock) -> None:
    """Forget the copy of a block that the API says is gone; templates show their fallback."""
    now = clock.now()
    ContentBlock.objects.filter(pk=block.pk).update(
        html="", text="", fetched_at=None, expires_at=None, answered_at=now, problem="It is gone."
    )


def note_problem(block: ContentBlock, problem: str) -> None:
    """Note why no fresh copy could be had; the last good one stays."""
    ContentBlock.objects.filter(pk=block.pk).update(answered_at=clock.now(), problem=problem[:500])
