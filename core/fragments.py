"""Fragments that a page asks for by itself (htmx), guarded as the admin's pages are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse


def fragment_view(site: AdminSite, view: Callable[..., HttpResponse]) -> Callable[..., Any]:
    """Guard a view like `AdminSite.admin_view`; a page whose log-in has ended is reloaded, into the log-in.

    A redirect to the log-in would be followed by the fragment's own request, and the log-in page would
    take the fragment's place.
    """
    guarded = site.admin_view(view)

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.headers.get("HX-Request") and not site.has_permission(request):
            return HttpResponse(headers={"HX-Refresh": "true"})
        return guarded(request, *args, **kwargs)

    return inner
