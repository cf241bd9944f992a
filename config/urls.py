"""Every address of the house."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core.api.problems import UnknownEndpoint
from core.health import healthz, readyz


def routes_of(app: str) -> list[Any]:
    """Return the API routes of an app, which its `api.py` lists."""
    return list(import_module(f"{app}.api").routes)


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("", include("messaging.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    *(
        path("api/v1/", include(routes_of(app)))
        for app in ("jobs", "messaging", "campaigns")
        if find_spec(f"{app}.api")
    ),
    re_path(r"^api/", UnknownEndpoint.as_view()),
]
handler404 = "core.api.problems.page_not_found"
handler500 = "core.api.problems.server_error"
