"""The addresses of tenders that anybody may open."""

from __future__ import annotations

from django.urls import path

from tenders.alerts.page import SearchView

app_name = "tenders"
urlpatterns = [path("tenders/alerts/<str:token>", SearchView.as_view(), name="search")]
