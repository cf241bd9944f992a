"""Every address of the house."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

import campaigns.api
import enrichment.api
import funnels.api
import imports.api
import jobs.api
import jobs.events.api
import messaging.api
import messaging.message_api
import messaging.rights_api
import messaging.template_api
import tenders.api
import tenders.search_api
from config import front
from core.api.problems import UnknownEndpoint
from core.health import healthz, readyz
from jobs.events.inngest import receive

api_routes = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    *campaigns.api.routes,
    *funnels.api.routes,
    *tenders.api.routes,
    *tenders.search_api.routes,
    *enrichment.api.routes,
    *messaging.api.routes,
    *messaging.message_api.routes,
    *messaging.rights_api.routes,
    *imports.api.routes,
    *messaging.template_api.routes,
    *jobs.api.routes,
    *jobs.events.api.routes,
]
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("", include("messaging.urls")),
    path("", include("enrichment.urls")),
    path("", include("tenders.urls")),
    path("", include("funnels.urls")),
    path("admin/front/", front.panel, name="front-panel"),
    path("admin/", admin.site.urls),
    path("e/<str:key>", receive, name="inngest-events"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/v1/", include(api_routes)),
    re_path(r"^api/", UnknownEndpoint.as_view()),
]
handler404 = "core.api.problems.page_not_found"
handler500 = "core.api.problems.server_error"
