"""Lists as CSV: whole, in little memory, and with no cell that a spreadsheet would compute."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from core import audit, clock
from core.admin import ReadOnlyModelAdmin
from core.audit import actor_of

#: What a spreadsheet would take for a formula, at the start of a cell (OWASP, CSV Injection).
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield the lines of a CSV file; none of its cells can be a formula."""
    writer: Any = csv.writer(Echo())
    # A byte order mark, without which Excel takes the file for Latin-1.
    yield "\ufeff" + writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def safe_cell(value: Any) -> str:
    """Return a value as text that no spreadsheet computes: an apostrophe stands before what looks like a formula."""
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


class DownloadableModelAdmin(ReadOnlyModelAdmin):
    """A list that staff with the right to it (`export_…`) take away as a file, whole, filtered as they see it."""

    change_list_template = "core/downloadable_list.html"
    #: Stands in the file's name and in the audit: `messages-….csv`, `messages.exported`.
    export_name: ClassVar[str]

    def export_lines(self, listed: QuerySet[Any]) -> Iterator[str]:
        """Return the lines of the file."""
        raise NotImplementedError

    def may_export(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.export_{self.opts.model_name}")

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_safe(self.export_view))
        own = path("export/", export, name=self.url_name("export"))
        return [own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        place = reverse(f"{self.admin_site.name}:{self.url_name('export')}")
        query = request.GET.urlencode()
        url = f"{place}?{query}" if query else place
        context = {"export_url": url if self.may_export(request) else ""}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Stream what the list shows with the same filters, whole."""
        lines = self.export_lines(self.exported(request))
        return self.file_of(lines, "csv", content_type="text/csv; charset=utf-8")

    def exported(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what the list shows, for who may take it away; that they did is recorded."""
        if not (request.user.is_authenticated and self.may_export(request)):
            raise PermissionDenied
        listed: QuerySet[Any] = self.get_changelist_instance(request).get_queryset(request)
        audit.record(
            f"{self.export_name}.exported",
            request.user,
            actor=actor_of(request),
            filters=sorted(request.GET),
        )
        return listed.select_related(None)

    def file_of(
        self, parts: Iterator[str], ending: str, *, content_type: str
    ) -> StreamingHttpResponse:
        """Return a file that is written while it is read."""
        name = f"{self.export_name}-{clock.now():%Y%m%d-%H%M%S}.{ending}"
        return StreamingHttpResponse(
            parts,
            content_type=content_type,
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )
