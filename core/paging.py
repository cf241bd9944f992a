"""Pages of lists too long to be counted."""

from __future__ import annotations

from functools import cached_property

from django.core.paginator import Paginator

MOST_COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts up to MOST_COUNTED rows and no further: whoever wants a later page filters first."""

    @cached_property
    def count(self) -> int:
        return min(self.object_list[: MOST_COUNTED + 1].count(), MOST_COUNTED)  # type: ignore[attr-defined]
