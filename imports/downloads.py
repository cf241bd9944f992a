"""The file of errors: the original columns, and what was wrong with each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from core.errors import Refused
from imports.copies import require_copies
from imports.looks import page_of
from imports.models import CsvBatch
from imports.reports import error_file, error_file_name


def error_file_answer(batch: CsvBatch, *, with_warnings: bool = False) -> StreamingHttpResponse:
    """Answer with the rows to correct, written as they are read; raise Conflict where they are deleted."""
    require_copies(batch)
    answer = StreamingHttpResponse(
        error_file(batch, with_warnings=with_warnings), content_type="text/csv; charset=utf-8"
    )
    name = error_file_name(batch).encode("ascii", "replace").decode().replace('"', "'")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def error_file_view(model_admin: Any) -> Callable[..., HttpResponseBase]:
    """Return the admin's view of it: whoever may look at the import may have it; its page says why there is none."""

    @require_safe
    def view(request: HttpRequest, object_id: str) -> HttpResponseBase:
        batch = model_admin.object_or_404(request, object_id)
        try:
            return error_file_answer(batch, with_warnings="warnings" in request.GET)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(page_of(batch))

    return view
