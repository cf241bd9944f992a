"""Taking a saved search that cannot be understood out of the way of the others."""

from __future__ import annotations

from core import audit
from tenders.models import SavedSearch
from tenders.states import SearchStatus


def set_aside(search: SavedSearch, *, why: str) -> None:
    """Let a search rest and say why, for staff to mend."""
    rows = SavedSearch.objects.active().filter(pk=search.pk)
    if rows.update(status=SearchStatus.PAUSED, problem=why[:300]):
        audit.record("saved_search.set_aside", search, actor=audit.SYSTEM)
