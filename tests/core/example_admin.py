"""An admin on the foundation's seam: audit entries with buttons, a form, and a live panel."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path

from core.admin import ReadOnlyModelAdmin, button
from core.errors import Refused
from core.models import AuditEntry


class Reason(forms.Form):
    reason = forms.CharField(max_length=10)


def question(_: Any, request: HttpRequest, entry: AuditEntry) -> str:
    if entry.actor == "nobody":
        raise Refused("There is nobody to tell.", remedy="Name somebody.")
    return f"Tell {entry.actor}? About {entry.pk * 0} minutes."


class EntryAdmin(ReadOnlyModelAdmin):
    panel_template = "core/timeline.html"

    def panel_context(self, request: HttpRequest, obj: AuditEntry) -> dict[str, Any]:
        return {"timeline": [obj]}

    def is_live(self, obj: AuditEntry) -> bool:
        return obj.verb == "going"

    @button(label="Tell", permission="change", confirm=question, icon="mail")
    def tell(self, request: HttpRequest, entry: AuditEntry) -> str:
        AuditEntry.objects.filter(pk=entry.pk).update(verb="told")
        return f"{entry.actor} was told."

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("core.change_auditentry")

    @button(
        label="Pause",
        permission="delete",
        form=Reason,
        why_not=lambda _admin, _request, entry: "It is over." if entry.verb == "over" else "",
    )
    def pause(self, request: HttpRequest, entry: AuditEntry, *, reason: str) -> str:
        if not AuditEntry.objects.filter(pk=entry.pk, verb="going").update(verb=reason):
            raise Refused("It is not going.", remedy="Start it first.")
        return "Paused."

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("core.delete_auditentry")


site = type(admin.site)("admin")
site._registry = {**admin.site._registry, AuditEntry: EntryAdmin(AuditEntry, site)}
urlpatterns = [path("admin/", site.urls), path("", include("config.urls"))]
