"""Content Security Policy: strict for the site, looser where a library's own pages need it."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
COMMON = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
SITE = f"{COMMON}; script-src 'self'; style-src 'self'"
# The admin theme evaluates its Alpine expressions and writes style attributes.
ADMIN = f"{COMMON}; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"
# The API's pages of documentation write styles as well.
API = f"{COMMON}; script-src 'self'; style-src 'self' 'unsafe-inline'"


class ContentSecurityPolicy:
    """Sets the policy on every answer that has not set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not is_debug_page(response):
            response.headers.setdefault(HEADER, policy_for(request.path))
        return response


def policy_for(path: str) -> str:
    if path.startswith("/admin/"):
        return ADMIN
    return API if path.startswith("/api/") else SITE


def is_debug_page(response: HttpResponse) -> bool:
    """Say whether this is one of Django's own error pages in development, full of inline styles."""
    return settings.DEBUG and response.status_code in (404, 500)
