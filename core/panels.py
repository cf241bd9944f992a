"""A panel above an object's form that follows what is going on and stops by itself.

The page shows the fragment; while the object is live the fragment asks for itself again every two
seconds, and the one that says it is over carries no trigger, so that asking ends with it.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.fragments import fragment_view


class PanelMixin(ModelAdmin):
    """Gives a ModelAdmin a live panel: name a template, its context, and when it is live."""

    panel_template = ""

    def panel_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return what the panel's template shows, beside `obj`."""
        return {}

    def is_live(self, obj: Any) -> bool:
        """Say whether the panel may still change by itself."""
        return False

    def get_urls(self) -> list[URLPattern]:
        view = fragment_view(self.admin_site, never_cache(require_safe(self.panel_view)))
        own = path("<path:object_id>/panel/", view, name=self.url_name("panel"))  # type: ignore[attr-defined]
        return [own, *super().get_urls()] if self.panel_template else super().get_urls()

    def panel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the panel's own question; when it is over, have the page fetched once more."""
        obj = self.object_or_404(request, object_id)  # type: ignore[attr-defined]
        headers = {} if self.is_live(obj) else {"HX-Refresh": "true"}
        return HttpResponse(self.panel(request, obj), headers=headers)

    def panel(self, request: HttpRequest, obj: Model) -> SafeString:
        context = {
            **self.panel_context(request, obj),
            "obj": obj,
            "panel_template": self.panel_template,
            "panel_url": self.panel_url(obj) if self.is_live(obj) else "",
        }
        return render_to_string("core/panel.html", context, request)

    def panel_url(self, obj: Model) -> str:
        return reverse(f"{self.admin_site.name}:{self.url_name('panel')}", args=[obj.pk])  # type: ignore[attr-defined]
