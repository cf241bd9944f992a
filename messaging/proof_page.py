"""Where the links of a test lead: to a page that says so, and changes nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from messaging.views import sealed


@require_safe
def proof_page(request: HttpRequest) -> HttpResponse:
    """Say that this was a test."""
    return sealed(render(request, "messaging/test_link.html"))
