"""What saved searches know of a person: told on demand, and forgotten with them."""

from __future__ import annotations

from typing import Any

from messaging.models import Contact
from tenders.models import AlertMatch, SavedSearch

TOLD = ("name", "criteria", "kinds", "frequency", "hour", "weekday", "time_zone", "status")


def told_of(contact: Contact) -> list[dict[str, Any]]:
    """Return a person's searches, and what each told them when."""
    return [
        {
            **{name: getattr(search, name) for name in TOLD},
            "created_at": search.created_at,
            "told": list(search.digests.values("period", "change_count", "created_at")),
        }
        for search in SavedSearch.objects.filter(contact=contact).order_by("pk")
    ]


def forget(contact: Contact) -> None:
    """Delete a person's searches with all that they found."""
    AlertMatch.objects.filter(search__contact=contact).delete()
    SavedSearch.objects.filter(contact=contact).delete()
