"""The statuses of windows, tenders and their enrichment, and the only moves between them."""

from __future__ import annotations

from django.db.models import TextChoices


class WindowStatus(TextChoices):
    """Where a span of a source's time stands."""

    OPEN = "open", "Open"  #: not fetched yet, or not proven complete; `problem` says why
    FETCHING = "fetching", "Being fetched"
    COMPLETE = "complete", "Complete"  #: proven: nothing of it is missing
    CLOSED = "closed", "Closed by staff"  #: given up by a person, with a reason
    SPLIT = "split", "Split"  #: two shorter windows stand for it


TRANSITIONS: dict[WindowStatus, frozenset[WindowStatus]] = {
    WindowStatus.OPEN: frozenset({WindowStatus.FETCHING, WindowStatus.CLOSED}),
    WindowStatus.FETCHING: frozenset(
        {
            WindowStatus.FETCHING,  # another crawl of it begins
            WindowStatus.OPEN,
            WindowStatus.COMPLETE,
            WindowStatus.SPLIT,
            WindowStatus.CLOSED,
        }
    ),
    WindowStatus.COMPLETE: frozenset(),
    WindowStatus.CLOSED: frozenset({WindowStatus.OPEN}),
    WindowStatus.SPLIT: frozenset(),
}


def leading_to(to: WindowStatus) -> list[WindowStatus]:
    """Return where a window may stand before it comes to stand so."""
    return [status for status, following in TRANSITIONS.items() if to in following]


#: A gap as long as it stands so: the cursor does not pass it.
GAPS = (WindowStatus.OPEN, WindowStatus.FETCHING)


class WindowKind(TextChoices):
    """Why a window is fetched."""

    LIVE = "live", "Live"  #: the present, as it goes on: moves the cursor
    BACKFILL = "backfill", "Backfill"  #: a range that somebody asked for


class Phase(TextChoices):
    """How far a contracting process has come, in the words of those who look for work."""

    PLANNING = "planning", "Planning"
    TENDER = "tender", "Tender"
    AWARDED = "awarded", "Awarded"
    CANCELLED = "cancelled", "Cancelled"


class EventKind(TextChoices):
    """What happened to a tender, as far as a reader cares."""

    NEW = "new", "New"
    DEADLINE = "deadline", "Deadline moved"
    DOCUMENTS = "documents", "Documents"
    AMENDED = "amended", "Amended"
    AWARDED = "awarded", "Awarded"
    CANCELLED = "cancelled", "Cancelled"


class EnrichmentStatus(TextChoices):
    """Where the enrichment of a tender stands."""

    DISABLED = "disabled", "Not enriched"  #: its source has no strategy
    PENDING = "pending", "To be enriched"
    DONE = "done", "Enriched"
    NOT_FOUND = "not_found", "Not found"  #: looked up, absent; tried again later
    FAILED = "failed", "Failed"  #: could not be looked up; tried again later


ENRICHMENT_TRANSITIONS: dict[EnrichmentStatus, frozenset[EnrichmentStatus]] = {
    # A person may ask for one whose turn never came.
    EnrichmentStatus.DISABLED: frozenset(
        {
            EnrichmentStatus.PENDING,
            EnrichmentStatus.DONE,
            EnrichmentStatus.NOT_FOUND,
            EnrichmentStatus.FAILED,
        }
    ),
    EnrichmentStatus.PENDING: frozenset(
        {EnrichmentStatus.DONE, EnrichmentStatus.NOT_FOUND, EnrichmentStatus.FAILED}
    ),
    EnrichmentStatus.NOT_FOUND: frozenset(
        {EnrichmentStatus.DONE, EnrichmentStatus.NOT_FOUND, EnrichmentStatus.FAILED}
    ),
    EnrichmentStatus.FAILED: frozenset(
        {EnrichmentStatus.DONE, EnrichmentStatus.NOT_FOUND, EnrichmentStatus.FAILED}
    ),
    # Staff may ask anew, and a later answer takes the place of an earlier one.
    EnrichmentStatus.DONE: frozenset({EnrichmentStatus.DONE}),
}


class SearchStatus(TextChoices):
    """Where a saved search stands."""

    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"  #: by staff; changes meanwhile are not told later
    ENDED = "ended", "Ended"  #: its owner wants no more of it; only they begin it anew


SEARCH_TRANSITIONS: dict[SearchStatus, frozenset[SearchStatus]] = {
    SearchStatus.ACTIVE: frozenset({SearchStatus.PAUSED, SearchStatus.ENDED}),
    SearchStatus.PAUSED: frozenset({SearchStatus.ACTIVE, SearchStatus.ENDED}),
    SearchStatus.ENDED: frozenset({SearchStatus.ACTIVE}),
}


class Frequency(TextChoices):
    """How often a saved search writes, where there is something to write."""

    INSTANT = "instant", "As it happens"
    DAILY = "daily", "Every day"
    WEEKLY = "weekly", "Every week"
