"""The page where a file comes in: who may not is refused before a byte of it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from core.audit import actor_of
from core.errors import Refused
from imports import actions
from imports.access import may_fill, offered_targets
from imports.looks import reading_of, steps_of
from imports.models import CsvBatch
from imports.storage import MAX_BYTES
from imports.targets import Target, get
from imports.uploading import receive_into, received_file

USUAL = "contacts"


class UploadPage:
    """Gives a ModelAdmin the page of a new import in place of Django's."""

    admin_site: Any
    model: type[CsvBatch]

    def upload_url(self) -> URLPattern:
        view = require_http_methods(["GET", "HEAD", "POST"])(self.upload_view)
        return path("add/", self.admin_site.admin_view(view), name="imports_csvbatch_add")

    # The check against forged requests reads the form; it must come after the receiver is in place.
    @method_decorator(csrf_exempt)
    def upload_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        receive_into(request)
        try:
            return self.checked_upload_view(request)
        except Refused as refusal:
            return self.upload_refused(request, refusal)

    @method_decorator(csrf_protect)
    def checked_upload_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self.upload_page(request)
        batch = accept(request)
        place = reading_of(batch)
        if is_by_script(request):
            return JsonResponse({"location": place}, status=201)
        return HttpResponseRedirect(place)

    def upload_refused(self, request: HttpRequest, refusal: Refused) -> HttpResponse:
        if is_by_script(request):
            return JsonResponse({"error": str(refusal)}, status=refusal.status)
        return self.upload_page(request, refusal=str(refusal))

    def upload_page(self, request: HttpRequest, *, refusal: str = "") -> HttpResponse:
        targets = offered_targets(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": "Import a file",
            "opts": self.model._meta,
            "steps": steps_of(None),
            "targets": targets,
            "chosen": request.POST.get("target") or usual(targets),
            "refusal": refusal,
            "most_bytes": MAX_BYTES,
            "list_url": reverse("admin:imports_csvbatch_changelist"),
        }
        status = 422 if refusal else 200
        return TemplateResponse(request, "imports/upload.html", context, status=status)


def usual(targets: Sequence[Target]) -> str:
    """Return what is chosen before anybody has chosen: what most files hold, where that is offered."""
    names = [target.name for target in targets]
    return USUAL if USUAL in names else next(iter(names), "")


def accept(request: HttpRequest) -> CsvBatch:
    """Make a batch of what came; a file that can never be imported is refused now."""
    target = get(request.POST.get("target", ""))
    may_fill(request.user, target)
    incoming = received_file(request.FILES)
    return actions.create_batch(
        incoming.keep(), target=target.name, file_name=incoming.name, actor=actor_of(request)
    )


def is_by_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"
