"""The filters of the list of tenders: one form, and the rule that every other door finds by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import ListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from core.admin import dress
from core.errors import Refused
from tenders.finding import matching
from tenders.forms import CriteriaForm, criteria_of
from tenders.models import Tender

#: Before each name in the address: Django's list has words of its own, and one of them is `all`.
PREFIX = "find"
NAMES = tuple(f"{PREFIX}-{name}" for name in CriteriaForm.base_fields)


class CriteriaFilter(ListFilter):
    """Everything that a saved search may ask for; what cannot be meant finds nothing, and says why."""

    title = "What to look for"
    template = "tenders/criteria_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        # Every one is taken out: what stays is taken for a column's name.
        asked = [params.pop(name, None) for name in NAMES]
        self.is_asked = any(asked)
        self.form = CriteriaForm(request.GET if self.is_asked else None, prefix=PREFIX)
        for field in self.form.fields.values():
            dress(field)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [*NAMES]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield {"form": self.form}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tender]) -> QuerySet[Tender]:
        if not self.is_asked:
            return queryset
        if not self.form.is_valid():
            return queryset.none()
        try:
            return matching(criteria_of(self.form.cleaned_data), among=queryset)
        except Refused:
            return queryset.filter(Q(pk__in=[]))
