"""The page behind the link of a double opt-in: GET shows a button, POST confirms, without a log-in.

Mail scanners open every link, so that opening it must change nothing.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from core.errors import Conflict, NotFound
from core.visitors import address_of
from messaging.actions.confirming import confirm, confirmation_of
from messaging.models import Confirmation
from messaging.views import sealed


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class ConfirmView(View):
    """One wish to be on a list, named by a signed token, which is the permission."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Ask; change nothing."""
        return page(request, found_by(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Put the person on the list; again changes nothing."""
        confirmation = found_by(token)
        try:
            confirm(confirmation, ip_address=address_of(request))
        except Conflict:
            return page(request, confirmation, status=410)
        confirmation.refresh_from_db()
        return page(request, confirmation)


def found_by(token: str) -> Confirmation:
    try:
        return confirmation_of(token)
    except NotFound:
        raise Http404 from None


def page(request: HttpRequest, confirmation: Confirmation, *, status: int = 200) -> HttpResponse:
    context = {"confirmation": confirmation, "list": confirmation.list}
    return sealed(render(request, "messaging/confirm.html", context, status=status))
