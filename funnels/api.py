"""The routes of this app in the API."""

from __future__ import annotations

from django.urls.resolvers import URLPattern

routes: list[URLPattern] = []
