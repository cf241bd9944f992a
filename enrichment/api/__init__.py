"""The routes of enrichment in the API."""

from __future__ import annotations

from django.urls.resolvers import URLPattern

from enrichment.api import calls, clients, competitors, users, writing

routes: list[URLPattern] = [
    *clients.routes,
    *competitors.routes,
    *writing.routes,
    *users.routes,
    *calls.routes,
]
