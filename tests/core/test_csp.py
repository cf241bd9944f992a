"""The content security policy: strict for the site, looser where a library's own pages need it."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from core import csp


@pytest.mark.parametrize(
    ("address", "scripts", "styles"),
    [
        ("/healthz", "script-src 'self'", "style-src 'self'"),
        ("/admin/login/", "script-src 'self' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'"),
        ("/api/v1/docs", "script-src 'self'", "style-src 'self' 'unsafe-inline'"),
    ],
)
@pytest.mark.django_db
def test_each_place_has_its_policy(client: Client, address: str, scripts: str, styles: str) -> None:
    response = client.get(address)

    assert response.status_code == 200
    directives = response[csp.HEADER].split("; ")
    assert scripts in directives
    assert styles in directives
    assert "object-src 'none'" in directives


def test_a_view_may_set_its_own_policy() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={csp.HEADER: "default-src 'none'"})

    response = csp.ContentSecurityPolicy(view)(RequestFactory().get("/"))

    assert response[csp.HEADER] == "default-src 'none'"
