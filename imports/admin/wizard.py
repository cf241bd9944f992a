"""Two pages on the way of a file: how it is read, and what its columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core.admin import dress
from core.audit import actor_of
from core.errors import Refused
from core.fragments import fragment_view
from imports import actions, targets
from imports.access import may_fill
from imports.checking import can_be_checked
from imports.forms import ColumnsForm, ReadingForm, SettingsForm
from imports.layouts import SHEET
from imports.live import notices_of, running
from imports.looks import columns_of, page_of, reading_of, steps_of
from imports.models import CsvBatch
from imports.previewing import known_columns, read_as
from imports.states import OPEN, BatchStatus

#: A workbook up to this size is opened for a preview at once.
QUICK_BYTES = 4 * 1024 * 1024


class WizardPages:
    """Gives a ModelAdmin the pages between the upload and the check."""

    admin_site: Any
    model: type[CsvBatch]

    def wizard_urls(self) -> list[URLPattern]:
        form = require_http_methods(["GET", "HEAD", "POST"])
        views = {
            "reading": form(self.reading_view),
            "columns": form(self.columns_view),
            "preview": require_safe(self.preview_view),
        }
        return [
            path(
                f"<path:object_id>/{name}/",
                fragment_view(self.admin_site, never_cache(view)),
                name=f"imports_csvbatch_{name}",
            )
            for name, view in views.items()
        ]

    def batch_to_map(self, request: HttpRequest, object_id: str) -> CsvBatch:
        """Return a batch, if this person may say what its file means."""
        batch: CsvBatch = self.object_or_404(request, object_id)  # type: ignore[attr-defined]
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        may_fill(request.user, targets.get(batch.target))
        return batch

    # --- how the file is read ----------------------------------------------------------------

    def reading_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        batch = self.batch_to_map(request, object_id)
        if batch.status == BatchStatus.READING:
            return self.wizard_page(request, batch, "Reading")
        if not may_be_read_anew(batch):
            return HttpResponseRedirect(page_of(batch))
        given = request.POST if request.method == "POST" else None
        form = ReadingForm(batch.layout, batch.sample, given)
        if request.method == "POST" and form.is_valid():
            overrides = form.overrides()
            if overrides or batch.status == BatchStatus.FAILED:
                actions.overrule(batch, actor=actor_of(request), **overrides)
            is_looking = "look" in request.POST
            return HttpResponseRedirect(reading_of(batch) if is_looking else columns_of(batch))
        return self.wizard_page(request, batch, "Reading", form=dressed(form))

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show how the file looks when it is read as the form says; nothing is kept."""
        batch = self.batch_to_map(request, object_id)
        form = ReadingForm(batch.layout, batch.sample, request.GET)
        context: dict[str, Any] = {"batch": batch}
        try:
            if not form.is_valid():
                raise Refused("This choice is none.", remedy="Choose from the list.")
            require_quick(batch)
            said = {**batch.overrides, **form.overrides()}
            seen = read_as(batch.file, target=targets.get(batch.target), overrides=said)
            context |= preview(seen.header, seen.sample) | {"layout": seen.layout}
        except Refused as refusal:
            context["refusal"] = str(refusal)
        return TemplateResponse(request, "imports/_preview.html", context)

    # --- what its columns mean ---------------------------------------------------------------

    def columns_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        batch = self.batch_to_map(request, object_id)
        if batch.status == BatchStatus.READING:
            return self.wizard_page(request, batch, "Columns")
        if batch.status not in OPEN:
            return HttpResponseRedirect(page_of(batch))
        target = targets.get(batch.target)
        given = request.POST if request.method == "POST" else None
        columns = ColumnsForm(target, known_columns(batch), given)
        settings = SettingsForm(target, batch, given)
        refusal = None
        if given is not None and columns.is_valid() and settings.is_valid():
            try:
                check(batch, columns, settings, actor=actor_of(request))
            except Refused as error:
                batch.refresh_from_db()
                refusal = error
            else:
                return HttpResponseRedirect(page_of(batch))
        lines = list(dressed(columns).lines(batch.sample))
        return self.wizard_page(
            request,
            batch,
            "Columns",
            columns=columns,
            lines=lines,
            settings=dressed(settings),
            refusal=refusal,
            target=target,
            are_remembered=all(line.by == "saved" for line in lines),
            can_be_checked=can_be_checked(batch),
        )

    def wizard_page(
        self, request: HttpRequest, batch: CsvBatch, page: str, **context: Any
    ) -> HttpResponse:
        """Answer with a page, or with the wait for the worker that is still reading the file."""
        is_refused = context.get("refusal") is not None
        return TemplateResponse(
            request,
            f"imports/{page.lower()}.html",
            {
                **self.admin_site.each_context(request),
                **preview(batch.header, batch.sample),
                "title": batch.file_name,
                "original": batch,
                "opts": self.model._meta,
                "batch": batch,
                "layout": batch.layout,
                "steps": steps_of(batch, page=page),
                "notices": list(notices_of(batch)),
                "progress": running(batch),
                "is_reading": batch.status == BatchStatus.READING,
                "batch_url": page_of(batch),
                **context,
            },
            status=422 if is_refused else 200,
        )


def require_quick(batch: CsvBatch) -> None:
    """Refuse to open a large workbook while somebody waits for a page."""
    if batch.layout.get("kind") == SHEET and batch.file.size > QUICK_BYTES:
        raise Refused("This workbook is too large for a preview.", remedy="Press “Read it so”.")


def may_be_read_anew(batch: CsvBatch) -> bool:
    """Whether a person may still say how the file is read: before it starts, or where that is what failed."""
    return batch.status in OPEN or (batch.status == BatchStatus.FAILED and not batch.total)


def check(batch: CsvBatch, columns: ColumnsForm, settings: SettingsForm, *, actor: str) -> None:
    """Keep what was said, and start the dry run where there is one; all of it or nothing."""
    with transaction.atomic():
        actions.change_settings(batch, actor=actor, **settings.settings())
        actions.set_mapping(batch, columns.mapping(), actor=actor)
        if can_be_checked(batch):
            actions.start_check(batch, actor=actor)


def preview(header: Sequence[str], sample: Sequence[Any]) -> dict[str, Any]:
    """Return headings and rows for the table, as wide as the widest of them."""
    width = max([len(header), *(len(cells) for _, cells, *_ in sample)], default=0)
    return {
        "headings": [*header, *[""] * (width - len(header))],
        "rows": [
            (line, [*cells, *[""] * (width - len(cells))], "".join(broken[1:]))
            for line, cells, *broken in sample
        ],
    }


def dressed(form: Any) -> Any:
    """Give every field of a form the theme's look; boxes to tick have one of their own."""
    for field in form.fields.values():
        if not isinstance(field.widget, CheckboxSelectMultiple):
            dress(field)
    return form
